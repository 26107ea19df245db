#pragma once
// The linear classifier that we train: its parameters, their gradients, and every array in between.
// The arrays keep their memory, so an iteration allocates nothing.

#include <cstddef>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/tensor/random.hpp>

using handgrad::Accumulate;
using handgrad::Labels;
using handgrad::NumpyRandom;
using handgrad::Tensor;
namespace cpu = handgrad::cpu;

struct LinearClassifier {
    // The parameters are a column of D weights and a bias for each of the K classes. The weights
    // start as small normal random numbers, the biases as zeros.
    Tensor<double> w; // (D, K)
    Tensor<double> b; // (K)
    double reg;       // lambda, the strength of the penalty on w

    LinearClassifier(std::size_t inputs, std::size_t classes, double lambda, NumpyRandom& random)
        : w(0.01 * random.randn({inputs, classes})), b(handgrad::zeros<double>({classes})),
          reg(lambda) {}

    // `forward` computes the loss of the points x with the classes y: the scores $u = xw + b$, then
    // softmax cross-entropy, plus the penalty.
    double forward(const Tensor<double>& x, const Labels& y) {
        cpu::linear_forward(x, w, b, u);
        return cpu::cross_entropy_forward(u, y, p) + cpu::l2_penalty_forward(w, reg);
    }

    // `backward` computes the gradient at the same parameters, from the last step of `forward` to
    // the first. `Accumulate::yes` adds the penalty's gradient to dw, which holds that of the data.
    void backward(const Tensor<double>& x, const Labels& y) {
        cpu::cross_entropy_backward(p, y, du);
        cpu::linear_backward_weight(x, du, dw);
        cpu::linear_backward_bias(du, db);
        cpu::l2_penalty_backward(w, reg, dw, Accumulate::yes);
    }

    // `step` moves the parameters against the gradient.
    void step(double lr) {
        for (std::size_t i = 0; i < w.size(); ++i) { w.data()[i] -= lr * dw.data()[i]; }
        for (std::size_t k = 0; k < b.size(); ++k) { b.data()[k] -= lr * db.data()[k]; }
    }

    Tensor<double> u, p;       // (N, K): scores and probabilities
    Tensor<double> du, dw, db; // gradients of the loss
};
