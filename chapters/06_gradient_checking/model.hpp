#pragma once
// The net of chapter 05, with everything that its loss depends on. The type of a number is a
// template parameter: double to train, `std::complex<double>` to differentiate by the complex step,
// and float to see how much precision is lost there.

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/tensor/random.hpp>

// There are N = 8 examples, D = 4 features, H = 4 hidden units and K = 3 classes. D = H on purpose:
// the first weight is square, so a wrong transpose does not show in the shapes.
template <class T> struct Problem {
    handgrad::Tensor<T> x;  // (N, D)
    handgrad::Labels y;     // (N)
    handgrad::Tensor<T> w1; // (D, H)
    handgrad::Tensor<T> b1; // (H)
    handgrad::Tensor<T> w2; // (H, K)
    handgrad::Tensor<T> b2; // (K)
    double reg = 0;         // lambda, the strength of the penalty on the weights
};

// The forward pass computes these on its way to the loss.
template <class T> struct Activations {
    handgrad::Tensor<T> z1; // (N, H) before ReLU
    handgrad::Tensor<T> h;  // (N, H) after it
    handgrad::Tensor<T> z2; // (N, K) scores
};

// The backward pass computes these.
struct Gradients {
    handgrad::Tensor<double> dz2, dh, dz1;       // of the activations
    handgrad::Tensor<double> dw1, db1, dw2, db2; // of the parameters
};

inline Problem<double> random_problem(std::uint64_t seed) {
    handgrad::NumpyRandom random(seed);
    Problem<double> net;
    net.x = random.randn({8, 4});
    net.y = handgrad::Labels{0, 1, 2, 0, 1, 2, 0, 1};
    net.w1 = 0.5 * random.randn({4, 4});
    net.b1 = 0.5 + 0.1 * random.randn({4}); // positive, so that no unit is dead from the start
    net.w2 = 0.5 * random.randn({4, 3});
    net.b2 = 0.5 * random.randn({3});
    return net;
}

inline Problem<double> with_penalty(Problem<double> net, double lambda) {
    net.reg = lambda;
    return net;
}

// `in_scalar_of` converts a problem to the scalar type of `like`.
template <class T>
Problem<T> in_scalar_of(const handgrad::Tensor<T>& like, const Problem<double>& net) {
    using handgrad::check::cast_like;
    return {cast_like(like, net.x),
            net.y,
            cast_like(like, net.w1),
            cast_like(like, net.b1),
            cast_like(like, net.w2),
            cast_like(like, net.b2),
            net.reg};
}

template <class T> Activations<T> forward(const Problem<T>& net) {
    using namespace handgrad::reference;
    Activations<T> a;
    linear_forward(net.x, net.w1, net.b1, a.z1);
    relu_forward(a.z1, a.h);
    linear_forward(a.h, net.w2, net.b2, a.z2);
    return a;
}

template <class T> T loss(const Problem<T>& net) {
    using namespace handgrad::reference;
    return cross_entropy_forward(forward(net).z2, net.y) + l2_penalty_forward(net.w1, net.reg) +
           l2_penalty_forward(net.w2, net.reg);
}

// `gradients` is the derivation of chapter 05, the last layer first.
inline Gradients gradients(const Problem<double>& net) {
    using namespace handgrad::reference;
    const Activations<double> a = forward(net);
    Gradients g;
    cross_entropy_backward(softmax_forward(a.z2), net.y, g.dz2);
    linear_backward_weight(a.h, g.dz2, g.dw2);
    linear_backward_bias(g.dz2, g.db2);
    linear_backward_input(g.dz2, net.w2, g.dh);
    relu_backward(a.z1, g.dh, g.dz1);
    linear_backward_weight(net.x, g.dz1, g.dw1);
    linear_backward_bias(g.dz1, g.db1);
    g.dw1 += net.reg * net.w1;
    g.dw2 += net.reg * net.w2;
    return g;
}
