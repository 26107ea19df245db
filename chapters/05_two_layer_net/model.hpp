#pragma once
// The two-layer net. Forward and backward read like the derivation, and they are what is trained, tested and timed.

#include <cstddef>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/tensor/random.hpp>

using handgrad::Accumulate;
using handgrad::Cpu;
using handgrad::NumpyRandom;

// N points, D inputs, H hidden units, K classes.
//
// The net is a template over the backend, which says what a number is and who computes. `Cpu<double>` trains it;
// `Reference<std::complex<double>>` runs the very same lines on complex numbers, and that is how we prove its
// gradients.
template <class Backend> struct SpiralNet {
    using Scalar = typename Backend::Scalar;
    using Tensor = typename Backend::Tensor;
    using Labels = typename Backend::Labels;

    Tensor w1;      // (D, H)
    Tensor b1;      // (H)
    Tensor w2;      // (H, K)
    Tensor b2;      // (K)
    double reg = 0; // lambda, the strength of the penalty on w1 and w2

    // $h = \mathrm{relu}(x w_1 + b_1)$, $u = h w_2 + b_2$. ReLU works in place: nobody needs what was in h before it,
    // as we shall see in `backward`.
    const Tensor& scores(const Tensor& x) {
        Backend::linear_forward(x, w1, b1, h);
        Backend::relu_forward(h, h);
        Backend::linear_forward(h, w2, b2, u);
        return u;
    }

    // The loss of the points x (N, D) with the classes y (N): softmax cross-entropy, and the penalty on both weights.
    Scalar forward(const Tensor& x, const Labels& y) {
        scores(x);
        return Backend::cross_entropy_forward(u, y, p) + Backend::l2_penalty_forward(w1, reg) +
               Backend::l2_penalty_forward(w2, reg);
    }

    // The gradient at the same place, layer by layer, the last one first.
    void backward(const Tensor& x, const Labels& y) {
        // $du = (p - 1[k = y]) / N$.
        Backend::cross_entropy_backward(p, y, du);

        // Second layer: $dw_2 = h^\top du + \lambda w_2$, $db_2 = \sum_n du_n$.
        Backend::linear_backward_weight(h, du, dw2);
        Backend::l2_penalty_backward(w2, reg, dw2, Accumulate::yes);
        Backend::linear_backward_bias(du, db2);

        // Through it: $dh = du\, w_2^\top$. Through ReLU: zero where the unit is off. ReLU asks whether its input was
        // positive, and that is so exactly if its output h is, so we can ask h.
        Backend::linear_backward_input(du, w2, dh);
        Backend::relu_backward(h, dh, dh);

        // First layer: $dw_1 = x^\top dh + \lambda w_1$, $db_1 = \sum_n dh_n$. Nobody asks for $dx$.
        Backend::linear_backward_weight(x, dh, dw1);
        Backend::l2_penalty_backward(w1, reg, dw1, Accumulate::yes);
        Backend::linear_backward_bias(dh, db1);
    }

    // A step of length lr against the gradient.
    void step(double lr) {
        descend(w1, dw1, lr);
        descend(b1, db1, lr);
        descend(w2, dw2, lr);
        descend(b2, db2, lr);
    }

    // What forward leaves for backward, and the gradients. They keep their memory from one iteration to the next.
    Tensor h, u, p;  // (N, H), (N, K), (N, K)
    Tensor dh, du;   // (N, H), (N, K)
    Tensor dw1, db1; // as w1, b1
    Tensor dw2, db2; // as w2, b2

    static void descend(Tensor& w, const Tensor& dw, double lr) {
        for (std::size_t i = 0; i < w.size(); ++i) { w.data()[i] -= lr * dw.data()[i]; }
    }
};

// The lecture's first weights: small normal numbers, w1 drawn before w2, and biases of zero.
inline SpiralNet<Cpu<double>> initial_net(std::size_t inputs, std::size_t hidden,
                                          std::size_t classes, double reg, NumpyRandom& random) {
    SpiralNet<Cpu<double>> net;
    net.w1 = 0.01 * random.randn({inputs, hidden});
    net.b1 = handgrad::zeros<double>({hidden});
    net.w2 = 0.01 * random.randn({hidden, classes});
    net.b2 = handgrad::zeros<double>({classes});
    net.reg = reg;
    return net;
}
