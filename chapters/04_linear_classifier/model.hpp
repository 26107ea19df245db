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
    double reg;       // lambda, the weight of the L2 penalty on w

    LinearClassifier(std::size_t inputs, std::size_t classes, double lambda,
                     NumpyRandom& random)
        : w(0.01 * random.randn({inputs, classes})),
          b(handgrad::zeros<double>({classes})), reg(lambda) {}

    // `forward` computes the loss of the points x with the classes y: the scores $z = xw + b$, then
    // softmax cross-entropy, plus the penalty.
    double forward(const Tensor<double>& x, const Labels& y) {
        cpu::linear_forward(x, w, b, z);
        return cpu::cross_entropy_forward(z, y, p) +
               cpu::l2_penalty_forward(w, reg);
    }

    // `backward` computes the gradient at the same parameters, from the last step of `forward` to
    // the first. `Accumulate::yes` adds the gradient of the penalty to dw, which already holds that
    // of the data loss.
    void backward(const Tensor<double>& x, const Labels& y) {
        cpu::cross_entropy_backward(p, y, dz);
        cpu::linear_backward_weight(x, dz, dw);
        cpu::linear_backward_bias(dz, db);
        cpu::l2_penalty_backward(w, reg, dw, Accumulate::yes);
    }

    // `step` moves the parameters against the gradient. `lr` is the learning rate $\eta$.
    void step(double lr) {
        for (std::size_t i = 0; i < w.size(); ++i) {
            w.data()[i] -= lr * dw.data()[i];
        }
        for (std::size_t k = 0; k < b.size(); ++k) {
            b.data()[k] -= lr * db.data()[k];
        }
    }

    Tensor<double> z, p;       // (N, K): scores and probabilities
    Tensor<double> dz, dw, db; // gradients of the loss
};
