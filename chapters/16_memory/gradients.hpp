#pragma once
// ## Are the gradients right?
//
// Both classes run again with complex numbers. The loss is the sum of all states, each entry times
// a fixed random number, so every step has an upstream gradient and the gradients from later steps
// as well. We check the three parameters, the first input, which acts through all later steps, and
// the first state.

#include <cmath>
#include <complex>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>

#include "model.hpp"

namespace proof {

namespace check = handgrad::check;
using handgrad::Tensor;
template <class T> using List = std::vector<Tensor<T>>;

// Five steps, two sequences, three inputs, four hidden units.
struct Problem {
    List<double> x, dy;       // one for each step
    List<double> parameters;  // w_ih, w_hh, b
    List<double> first_state; // h_0, for an LSTM c_0 as well
};

inline Tensor<double> random_tensor(const Shape& shape, Random& random) {
    Tensor<double> t(shape);
    handgrad::normal_(t, 0, 0.7, random);
    return t;
}

inline Problem problem_of(std::size_t states, std::size_t results) {
    Random random(16);
    Problem p;
    for (std::size_t t = 0; t < 5; ++t) {
        p.x.push_back(random_tensor({2, 3}, random));
        p.dy.push_back(random_tensor({2, 4}, random));
    }
    p.parameters = {random_tensor({3, results}, random),
                    random_tensor({4, results}, random),
                    random_tensor({results}, random)};
    for (std::size_t i = 0; i < states; ++i) {
        p.first_state.push_back(random_tensor({2, 4}, random));
    }
    return p;
}

// An LSTM has two first states, an RNN has one.
template <class T> void run(RNN<handgrad::Reference<T>>& net, const List<T>& x,
                            const List<T>& first) {
    net.forward(x, first[0]);
}
template <class T> void run(LSTM<handgrad::Reference<T>>& net, const List<T>& x,
                            const List<T>& first) {
    net.forward(x, first[0], first[1]);
}

// The loss of a problem in which `changed` replaces one tensor.
template <template <class> class Net, class T>
T loss(const Problem& p, std::size_t which, const Tensor<T>& changed) {
    List<T> x, first_state;
    for (const auto& x_t : p.x) { x.push_back(check::cast<T>(x_t)); }
    for (const auto& s : p.first_state) {
        first_state.push_back(check::cast<T>(s));
    }
    Random random(0);
    Net<handgrad::Reference<T>> net(3, 4, random);
    const auto parameters = net.parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        parameters[i]->value = check::cast<T>(p.parameters[i]);
    }
    if (which < 3) {
        parameters[which]->value = changed;
    } else if (which == 3) {
        x[0] = changed;
    } else {
        first_state[which - 4] = changed;
    }
    run(net, x, first_state);
    T sum(0);
    for (std::size_t t = 0; t < x.size(); ++t) {
        sum += check::weighted_sum(net.state(t + 1), p.dy[t]);
    }
    return sum;
}

template <template <class> class Net>
check::GradientCheck check_net(const Problem& p, const List<double>& values,
                               const List<double>& gradients,
                               const std::vector<std::string>& names) {
    check::GradientCheck checker;
    for (std::size_t which = 0; which < names.size(); ++which) {
        checker.wrt(names[which], values[which], gradients[which],
                    [&p, which](const auto& changed) {
                        return loss<Net>(p, which, changed);
                    });
    }
    return checker;
}

template <class Net> void load(Net& net, const Problem& p) {
    const auto parameters = net.parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        parameters[i]->value = p.parameters[i];
    }
}

// ### The library's layers
//
// `nn::RNN` and `nn::LSTM` compute the same for a whole mini-batch (B, T, C) at once: the products
// with $w_{\text{ih}}$ of all steps are one large product, and so are those of the weights'
// gradients. PyTorch's layers have two biases. Only their sum matters, so we give one of them our
// bias and the other 0. The gradients have to agree, up to the rounding of sums in another order.
inline Tensor<double> together(const List<double>& steps) {
    const std::size_t B = steps[0].shape(0), T = steps.size(),
                      C = steps[0].shape(1);
    Tensor<double> all(Shape{B, T, C});
    for (std::size_t n = 0; n < B; ++n) {
        for (std::size_t t = 0; t < T; ++t) {
            for (std::size_t c = 0; c < C; ++c) {
                all(n, t, c) = steps[t](n, c);
            }
        }
    }
    return all;
}

inline double difference(const Tensor<double>& a, const Tensor<double>& b) {
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        worst = std::fmax(worst, std::abs(a.data()[i] - b.data()[i]));
    }
    return worst;
}

inline void start(nn::RNN<handgrad::Cpu<double>>& layer, const Problem& p) {
    layer.set_state(p.first_state[0]);
}
inline void start(nn::LSTM<handgrad::Cpu<double>>& layer, const Problem& p) {
    layer.set_state(p.first_state[0], p.first_state[1]);
}

// The largest difference of any entry of the gradients of the parameters and of all inputs.
template <class Layer, class Net>
double difference_from(const Net& net, const Problem& p) {
    Random random(0);
    Layer layer(3, 4, random);
    layer.weight_ih.value = p.parameters[0];
    layer.weight_hh.value = p.parameters[1];
    layer.bias_ih.value = p.parameters[2];
    layer.bias_hh.value.fill(0);
    start(layer, p);
    const Tensor<double> x = together(p.x), dy = together(p.dy);
    layer.forward(x);
    double worst = difference(layer.backward(dy), together(net.dx));
    const auto& dh_0 = layer.initial_state_gradient();
    worst = std::fmax(worst, difference(dh_0, net.dh[0]));
    worst = std::fmax(worst, difference(layer.weight_ih.grad, net.w_ih.grad));
    worst = std::fmax(worst, difference(layer.weight_hh.grad, net.w_hh.grad));
    return std::fmax(worst, difference(layer.bias_ih.grad, net.b.grad));
}

// ### Both proofs
struct Proof {
    check::GradientCheck checker; // against the complex step
    double from_library = 0;      // largest difference
};

inline Proof of_rnn() {
    const Problem p = problem_of(1, 4);
    Random random(0);
    RNN<handgrad::Cpu<double>> net(3, 4, random);
    load(net, p);
    net.forward(p.x, p.first_state[0]);
    net.backward(p.x, p.dy);
    const auto& q = p.parameters;
    const auto checker = check_net<RNN>(
        p, {q[0], q[1], q[2], p.x[0], p.first_state[0]},
        {net.w_ih.grad, net.w_hh.grad, net.b.grad, net.dx[0], net.dh[0]},
        {"w_ih", "w_hh", "b", "x_1", "h_0"});
    using Layer = nn::RNN<handgrad::Cpu<double>>;
    return {checker, difference_from<Layer>(net, p)};
}

inline Proof of_lstm() {
    const Problem p = problem_of(2, 16);
    Random random(0);
    LSTM<handgrad::Cpu<double>> net(3, 4, random);
    load(net, p);
    net.forward(p.x, p.first_state[0], p.first_state[1]);
    net.backward(p.x, p.dy);
    const auto& q = p.parameters;
    const auto checker = check_net<LSTM>(
        p, {q[0], q[1], q[2], p.x[0], p.first_state[0], p.first_state[1]},
        {net.w_ih.grad, net.w_hh.grad, net.b.grad, net.dx[0], net.dh[0],
         net.dc[0]},
        {"w_ih", "w_hh", "b", "x_1", "h_0", "c_0"});
    using Layer = nn::LSTM<handgrad::Cpu<double>>;
    return {checker, difference_from<Layer>(net, p)};
}

} // namespace proof
