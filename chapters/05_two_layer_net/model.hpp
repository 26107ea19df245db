#pragma once
// The two-layer net. `forward` and `backward` read like the derivation, and this is the code that
// is trained, tested and timed.

#include <cstddef>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/tensor/random.hpp>

using handgrad::Accumulate;
using handgrad::Cpu;
using handgrad::NumpyRandom;

// There are N points, D inputs, H hidden units and K classes.
//
// The net is a template over the backend, which defines the type of a number and the implementation
// of the operations. `Cpu<double>` trains the net; `Reference<std::complex<double>>` runs the very
// same lines on complex numbers, and that is how we prove its gradients.
template <class Backend> struct SpiralNet {
    using Scalar = typename Backend::Scalar;
    using Tensor = typename Backend::Tensor;
    using Labels = typename Backend::Labels;

    Tensor w1;      // (D, H)
    Tensor b1;      // (H)
    Tensor w2;      // (H, K)
    Tensor b2;      // (K)
    double reg = 0; // lambda, the strength of the penalty on w1 and w2

    // The scores are $u = h w_2 + b_2$ with $h = \mathrm{relu}(x w_1 + b_1)$. ReLU works in place
    // and overwrites its input. `backward` can do without that input, as we shall see.
    const Tensor& scores(const Tensor& x) {
        Backend::linear_forward(x, w1, b1, h);
        Backend::relu_forward(h, h);
        Backend::linear_forward(h, w2, b2, u);
        return u;
    }

    // `forward` computes the loss of the points x (N, D) with the classes y (N): softmax
    // cross-entropy, plus the penalty on both weights.
    Scalar forward(const Tensor& x, const Labels& y) {
        scores(x);
        return Backend::cross_entropy_forward(u, y, p) + Backend::l2_penalty_forward(w1, reg) +
               Backend::l2_penalty_forward(w2, reg);
    }

    // `backward` computes the gradient at the same parameters, layer by layer, the last one first.
    void backward(const Tensor& x, const Labels& y) {
        // The scores: $du = (p - 1[k = y]) / N$.
        Backend::cross_entropy_backward(p, y, du);

        // The second layer: $dw_2 = h^\top du + \lambda w_2$, $db_2 = \sum_n du_n$.
        Backend::linear_backward_weight(h, du, dw2);
        Backend::l2_penalty_backward(w2, reg, dw2, Accumulate::yes);
        Backend::linear_backward_bias(du, db2);

        // Through the second layer: $dh = du\, w_2^\top$. Through ReLU: the gradient is zero where
        // the unit is off. A unit is on if ReLU's input was positive. Its output h is positive in
        // exactly the same cases, so `relu_backward` takes h. It works in place, too.
        Backend::linear_backward_input(du, w2, dh);
        Backend::relu_backward(h, dh, dh);

        // The first layer: $dw_1 = x^\top dh + \lambda w_1$, $db_1 = \sum_n dh_n$. We leave out
        // $dx$, since no step moves the points.
        Backend::linear_backward_weight(x, dh, dw1);
        Backend::l2_penalty_backward(w1, reg, dw1, Accumulate::yes);
        Backend::linear_backward_bias(dh, db1);
    }

    // `step` moves the parameters against the gradient. lr is the learning rate.
    void step(double lr) {
        descend(w1, dw1, lr);
        descend(b1, db1, lr);
        descend(w2, dw2, lr);
        descend(b2, db2, lr);
    }

    // `forward` leaves h, u and p for `backward`, which computes the gradients. All these arrays
    // keep their memory from one iteration to the next.
    Tensor h, u, p;  // (N, H), (N, K), (N, K)
    Tensor dh, du;   // (N, H), (N, K)
    Tensor dw1, db1; // as w1, b1
    Tensor dw2, db2; // as w2, b2

    static void descend(Tensor& w, const Tensor& dw, double lr) {
        for (std::size_t i = 0; i < w.size(); ++i) { w.data()[i] -= lr * dw.data()[i]; }
    }
};

// The first weights are the lecture's: small normal random numbers, w1 drawn before w2, and biases
// of zero.
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
