#pragma once
// ## The network, with everything that its loss depends on
//
// This is the network of chapter 05, made small. The type of a number is a template parameter:
// double to train, `std::complex<double>` to differentiate by the complex step, and float to see
// how much precision is lost there.

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/tensor/random.hpp>

// There are N = 8 examples, D = 4 features, M = 4 hidden units and K = 3 classes. D = M on purpose:
// the first weight is square, so a wrong transpose does not show in the shapes.
template <class T> struct Problem {
    handgrad::Tensor<T> x;  // (N, D)
    handgrad::Labels y;     // (N)
    handgrad::Tensor<T> w1; // (D, M)
    handgrad::Tensor<T> b1; // (M)
    handgrad::Tensor<T> w2; // (M, K)
    handgrad::Tensor<T> b2; // (K)
    double lambda = 0;      // weight of the L2 penalty
};

// The forward pass computes these on its way to the loss.
template <class T> struct Activations {
    handgrad::Tensor<T> z1; // (N, M) before ReLU
    handgrad::Tensor<T> o1; // (N, M) after ReLU
    handgrad::Tensor<T> z2; // (N, K) scores
};

// The backward pass computes these.
struct Gradients {
    handgrad::Tensor<double> dz2, do1, dz1;      // of the activations
    handgrad::Tensor<double> dw1, db1, dw2, db2; // of the parameters
};

inline Problem<double> random_problem(std::uint64_t seed) {
    handgrad::NumpyRandom random(seed);
    Problem<double> net;
    net.x = random.randn({8, 4});
    net.y = handgrad::Labels{0, 1, 2, 0, 1, 2, 0, 1};
    net.w1 = 0.5 * random.randn({4, 4});
    net.b1 = 0.5 + 0.1 * random.randn({4}); // positive: no unit is dead
    net.w2 = 0.5 * random.randn({4, 3});
    net.b2 = 0.5 * random.randn({3});
    return net;
}

inline Problem<double> with_penalty(Problem<double> net, double lambda) {
    net.lambda = lambda;
    return net;
}

// ### Forward and backward
//
// The loss is the one of chapter 05: cross-entropy plus an L2 penalty on both weights.
template <class T> Activations<T> forward(const Problem<T>& net) {
    using namespace handgrad::reference;
    Activations<T> a;
    linear_forward(net.x, net.w1, net.b1, a.z1);
    relu_forward(a.z1, a.o1);
    linear_forward(a.o1, net.w2, net.b2, a.z2);
    return a;
}

template <class T> T loss(const Problem<T>& net) {
    using namespace handgrad::reference;
    return cross_entropy_forward(forward(net).z2, net.y) +
           l2_penalty_forward(net.w1, net.lambda) +
           l2_penalty_forward(net.w2, net.lambda);
}

// `gradients` is the derivation of chapter 05, the last layer first. This is the function on trial.
inline Gradients gradients(const Problem<double>& net) {
    using namespace handgrad::reference;
    const Activations<double> a = forward(net);
    Gradients g;
    cross_entropy_backward(softmax_forward(a.z2), net.y, g.dz2);
    linear_backward_weight(a.o1, g.dz2, g.dw2);
    linear_backward_bias(g.dz2, g.db2);
    linear_backward_input(g.dz2, net.w2, g.do1);
    relu_backward(a.z1, g.do1, g.dz1);
    linear_backward_weight(net.x, g.dz1, g.dw1);
    linear_backward_bias(g.dz1, g.db1);
    g.dw1 += net.lambda * net.w1;
    g.dw2 += net.lambda * net.w2;
    return g;
}

// ## The loss as a function of one parameter
//
// A gradient check differentiates a function at a point. To ask for the gradient with respect to
// one parameter, we need a function of this parameter alone: it replaces the parameter by its
// argument and leaves all others as they are. The argument is `const auto&` because the complex
// step calls the function with complex numbers; `in_scalar_of` then converts the rest of the
// network to the same type.
template <class T> Problem<T> in_scalar_of(const handgrad::Tensor<T>& like,
                                           const Problem<double>& net) {
    using handgrad::check::cast_like;
    return {cast_like(like, net.x),
            net.y,
            cast_like(like, net.w1),
            cast_like(like, net.b1),
            cast_like(like, net.w2),
            cast_like(like, net.b2),
            net.lambda};
}

// `select` says which parameter it is: it returns a reference to that member.
template <class Select>
auto loss_of(const Problem<double>& net, Select select) {
    return [&net, select](const auto& value) {
        auto changed = in_scalar_of(value, net);
        select(changed) = value;
        return loss(changed);
    };
}

inline auto loss_of_w1(const Problem<double>& net) {
    return loss_of(
        net, [](auto& changed) -> auto& { return changed.w1; });
}
inline auto loss_of_b1(const Problem<double>& net) {
    return loss_of(
        net, [](auto& changed) -> auto& { return changed.b1; });
}
inline auto loss_of_w2(const Problem<double>& net) {
    return loss_of(
        net, [](auto& changed) -> auto& { return changed.w2; });
}
inline auto loss_of_b2(const Problem<double>& net) {
    return loss_of(
        net, [](auto& changed) -> auto& { return changed.b2; });
}

// The library's checker collects one report for each parameter. It uses the complex step. The name
// and the size of the batch are for its hints.
inline handgrad::check::GradientCheck check_all(const Problem<double>& net,
                                                const Gradients& g) {
    handgrad::check::GradientCheck checker;
    checker.extents({{"N", net.x.shape(0)}});
    checker.wrt("w1", net.w1, g.dw1, loss_of_w1(net));
    checker.wrt("b1", net.b1, g.db1, loss_of_b1(net));
    checker.wrt("w2", net.w2, g.dw2, loss_of_w2(net));
    checker.wrt("b2", net.b2, g.db2, loss_of_b2(net));
    return checker;
}
