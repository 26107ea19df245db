#pragma once
// ## Are the gradients right?
//
// Both classes run again with complex numbers. The loss is the sum of all states, each entry times a
// fixed random number, so every step has an upstream gradient and the gradients from later steps as
// well. We check the three parameters, the first input, which acts through all later steps, and the
// first state.

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

inline check::GradientCheck of_rnn() {
    const Problem p = problem_of(1, 4);
    Random random(0);
    RNN<handgrad::Cpu<double>> net(3, 4, random);
    load(net, p);
    net.forward(p.x, p.first_state[0]);
    net.backward(p.x, p.dy);
    const auto& q = p.parameters;
    return check_net<RNN>(
        p, {q[0], q[1], q[2], p.x[0], p.first_state[0]},
        {net.w_ih.grad, net.w_hh.grad, net.b.grad, net.dx[0], net.dh[0]},
        {"w_ih", "w_hh", "b", "x_1", "h_0"});
}

inline check::GradientCheck of_lstm() {
    const Problem p = problem_of(2, 16);
    Random random(0);
    LSTM<handgrad::Cpu<double>> net(3, 4, random);
    load(net, p);
    net.forward(p.x, p.first_state[0], p.first_state[1]);
    net.backward(p.x, p.dy);
    const auto& q = p.parameters;
    return check_net<LSTM>(
        p, {q[0], q[1], q[2], p.x[0], p.first_state[0], p.first_state[1]},
        {net.w_ih.grad, net.w_hh.grad, net.b.grad, net.dx[0], net.dh[0],
         net.dc[0]},
        {"w_ih", "w_hh", "b", "x_1", "h_0", "c_0"});
}

} // namespace proof
