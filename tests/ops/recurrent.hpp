#pragma once
// What the tests of rnn and lstm share.

#include <algorithm>
#include <cmath>

#include "support/operation.hpp"
#include "support/tensors.hpp"

namespace support {

/// The sizes of an example.
struct RecurrentSizes {
    std::size_t batch, tokens, inputs, hidden;

    std::string text() const {
        return std::to_string(batch) + " sequences of " + std::to_string(tokens) + " tokens, C " +
               std::to_string(inputs) + ", M " + std::to_string(hidden);
    }

    /// Normal numbers, the weights smaller with more inputs, so that nothing saturates. `gates` scores for each unit.
    Values values(std::size_t gates) const {
        const auto scaled = [](const Shape& shape, std::uint64_t seed) {
            Tensor<double> w = normal_numbers<double>(shape, seed);
            const double root = std::sqrt(static_cast<double>(std::max<std::size_t>(shape[0], 1)));
            for (double& v : w.storage()) { v = static_cast<float>(v / root); }
            return w;
        };
        Values all{{"x", normal_numbers<double>({batch, tokens, inputs}, 1)},
                   {"h_0", normal_numbers<double>({batch, hidden}, 2)},
                   {"w_ih", scaled({inputs, gates * hidden}, 3)},
                   {"w_hh", scaled({hidden, gates * hidden}, 4)},
                   {"b_ih", normal_numbers<double>({gates * hidden}, 5)},
                   {"b_hh", normal_numbers<double>({gates * hidden}, 6)}};
        if (gates == 4) { all["c_0"] = normal_numbers<double>({batch, hidden}, 7); }
        return all;
    }
    /// The same for a cell, which is one step.
    Values cell_values(std::size_t gates) const {
        Values all = values(gates);
        all["x"] = normal_numbers<double>({batch, inputs}, 1);
        for (const char* state : {"h", "c"}) {
            const auto initial = all.find(std::string(state) + "_0");
            if (initial == all.end()) { continue; }
            all[std::string(state) + "_prev"] = initial->second;
            all.erase(initial);
        }
        return all;
    }
    /// The sizes of an example's values.
    static RecurrentSizes of(const Values& values) {
        const Shape &x = values.at("x").shape(), &w = values.at("w_hh").shape();
        return {x[0], x.size() == 2 ? 1 : x[1], x.back(), w[0]};
    }
};

/// Nothing, one of each, units that fill no register, one and several, more sequences than a thread takes at a time.
constexpr RecurrentSizes recurrent_sizes[] = {{0, 3, 2, 4},   {2, 0, 2, 4},  {1, 1, 1, 1},  {2, 7, 3, 5},
                                              {3, 6, 2, 8},   {1, 4, 9, 16}, {5, 3, 1, 17}, {17, 2, 4, 24},
                                              {33, 2, 9, 33}, {2, 3, 0, 4}};

/// A mistake that shows where there is more than one step.
inline Mistake
of_several_steps(const std::string& gradient, const std::string& what,
                 const std::function<Tensor<double>(const Backend&, const Chain&, const Values&)>& wrong) {
    return {gradient, what, [=](const Backend& on, const Chain& chain, const Values& values) {
                return RecurrentSizes::of(values).tokens == 1 ? Tensor<double>(Shape{0}) : wrong(on, chain, values);
            }};
}

/// A gradient for another dy: that of every step times factor(step).
template <class Factor> Tensor<double> with_other_dy(const Backend& on, const Chain& chain, Values values,
                                                     const std::string& gradient, const Factor& factor) {
    const RecurrentSizes size = RecurrentSizes::of(values);
    Tensor<double>& dy = values["dy"];
    for (std::size_t i = 0; i < dy.size(); ++i) { dy.data()[i] *= factor(i / size.hidden % size.tokens); }
    return chain(on, values).at(gradient);
}

/// dw_ih where no step passes a gradient back to the step before: every step is a sequence of its own. The chain's
/// first backward operation is that through the steps, the last that of the parameters.
inline Tensor<double> without_steps_before(const Backend& on, const Chain& chain, const Values& values) {
    const RecurrentSizes size = RecurrentSizes::of(values);
    Values cut = values;
    for (const char* name : {"y", "c", "dy", "gates"}) {
        const auto tensor = cut.find(name);
        if (tensor == cut.end()) { continue; }
        tensor->second.reshape({size.batch * size.tokens, 1, tensor->second.shape().back()});
    }
    if (values.count("c_0") != 0) { // the cell state before each step
        Tensor<double> before = handgrad::zeros<double>({size.batch * size.tokens, size.hidden});
        for (std::size_t n = 0; n < size.batch * size.tokens; ++n) {
            for (std::size_t k = 0; k < size.hidden; ++k) {
                before(n, k) = n % size.tokens == 0 ? values.at("c_0")(n / size.tokens, k) : cut.at("c")(n - 1, 0, k);
            }
        }
        cut["c_0"] = before;
    }
    chain.backward.front()(on, cut);
    cut["dz"].reshape(values.at("dz").shape());
    cut["y"] = values.at("y");
    chain.backward.back()(on, cut);
    return cut.at("dw_ih");
}

/// Token t of every sequence: (B, T, C) to (B, C).
inline Tensor<double> token(const Tensor<double>& x, std::size_t t) {
    Tensor<double> result(Shape{x.shape(0), x.shape(2)});
    for (std::size_t b = 0; b < x.shape(0); ++b) {
        for (std::size_t c = 0; c < x.shape(2); ++c) { result(b, c) = x(b, t, c); }
    }
    return result;
}

/// Zeros for the gradients of the parameters among the values.
inline Values zero_gradients(const Values& values) {
    Values all;
    for (const char* name : {"w_ih", "w_hh", "b_ih", "b_hh"}) {
        all[std::string("d") + name] = handgrad::zeros<double>(values.at(name).shape());
    }
    return all;
}

} // namespace support
