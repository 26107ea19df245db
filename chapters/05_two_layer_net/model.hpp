#pragma once
// The two-layer net. `forward` and `backward` follow the derivation line by line. The same code is
// trained, tested and timed.

#include <cstddef>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/tensor/random.hpp>

using handgrad::Accumulate;
using handgrad::Cpu;
using handgrad::NumpyRandom;

// There are N points, D inputs, M hidden units and K classes.
//
// The net is a template over the backend, which defines the type of a number and the implementation
// of the operations. `Cpu<double>` trains the net. `Reference<std::complex<double>>` runs the same
// lines with complex numbers, and with these we prove the gradients.
template <class Backend> struct SpiralNet {
    using Scalar = typename Backend::Scalar;
    using Tensor = typename Backend::Tensor;
    using Labels = typename Backend::Labels;

    Tensor w1;      // (D, M)
    Tensor b1;      // (M)
    Tensor w2;      // (M, K)
    Tensor b2;      // (K)
    double reg = 0; // lambda, the weight of the L2 penalty on w1 and w2

    // The scores are $z_2 = o_1 w_2 + b_2$ with $o_1 = \mathrm{relu}(z_1)$ and $z_1 = x w_1 + b_1$.
    // ReLU works in place: `z1` is another name for the array `o1`, and ReLU overwrites $z_1$ with
    // $o_1$. `backward` does not need $z_1$, as we shall see.
    const Tensor& scores(const Tensor& x) {
        Tensor& z1 = o1;
        Backend::linear_forward(x, w1, b1, z1);
        Backend::relu_forward(z1, o1);
        Backend::linear_forward(o1, w2, b2, z2);
        return z2;
    }

    // `forward` computes the loss of the points x (N, D) with the classes y (N): softmax
    // cross-entropy, plus the penalty on both weights.
    Scalar forward(const Tensor& x, const Labels& y) {
        scores(x);
        return Backend::cross_entropy_forward(z2, y, p) +
               Backend::l2_penalty_forward(w1, reg) +
               Backend::l2_penalty_forward(w2, reg);
    }

    // `backward` computes the gradients at the same parameters, from the last layer to the first.
    void backward(const Tensor& x, const Labels& y) {
        // The scores: $dz_2 = (p - 1[k = y]) / N$.
        Backend::cross_entropy_backward(p, y, dz2);

        // The second layer: $dw_2 = o_1^\top dz_2 + \lambda w_2$ and $db_2 = \sum_n dz_{2,n}$.
        Backend::linear_backward_weight(o1, dz2, dw2);
        Backend::l2_penalty_backward(w2, reg, dw2, Accumulate::yes);
        Backend::linear_backward_bias(dz2, db2);

        // Through the second layer: $do_1 = dz_2\, w_2^\top$. Through ReLU: the gradient is zero
        // where the unit is off, that is where $z_1 \le 0$. In exactly these cases $o_1$ is zero,
        // so `relu_backward` takes $o_1$. It works in place as well: `do1` is another name for the
        // array `dz1`.
        Tensor& do1 = dz1;
        Backend::linear_backward_input(dz2, w2, do1);
        Backend::relu_backward(o1, do1, dz1);

        // The first layer: $dw_1 = x^\top dz_1 + \lambda w_1$ and $db_1 = \sum_n dz_{1,n}$. We
        // leave out $dx$, since training does not move the points.
        Backend::linear_backward_weight(x, dz1, dw1);
        Backend::l2_penalty_backward(w1, reg, dw1, Accumulate::yes);
        Backend::linear_backward_bias(dz1, db1);
    }

    // `step` moves the parameters against the gradient. `lr` is the learning rate $\eta$.
    void step(double lr) {
        descend(w1, dw1, lr);
        descend(b1, db1, lr);
        descend(w2, dw2, lr);
        descend(b2, db2, lr);
    }

    // `forward` leaves o1, z2 and p for `backward`, which computes the gradients. All these arrays
    // keep their memory from one iteration to the next.
    Tensor o1, z2, p; // (N, M), (N, K), (N, K)
    Tensor dz1, dz2;  // (N, M), (N, K)
    Tensor dw1, db1;  // as w1, b1
    Tensor dw2, db2;  // as w2, b2

    static void descend(Tensor& w, const Tensor& dw, double lr) {
        for (std::size_t i = 0; i < w.size(); ++i) {
            w.data()[i] -= lr * dw.data()[i];
        }
    }
};

// The initial weights are the lecture's: small normal random numbers, w1 drawn before w2. The
// biases start at zero.
inline SpiralNet<Cpu<double>> initial_net(std::size_t inputs,
                                          std::size_t hidden,
                                          std::size_t classes, double reg,
                                          NumpyRandom& random) {
    SpiralNet<Cpu<double>> net;
    net.w1 = 0.01 * random.randn({inputs, hidden});
    net.b1 = handgrad::zeros<double>({hidden});
    net.w2 = 0.01 * random.randn({hidden, classes});
    net.b2 = handgrad::zeros<double>({classes});
    net.reg = reg;
    return net;
}
