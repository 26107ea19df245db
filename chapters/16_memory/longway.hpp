#pragma once
// ## A hundred steps back
//
// The experiment needs no loss: the last state gets a random upstream gradient, and we follow it
// through 100 steps back to the first state. Inputs are small random numbers.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "model.hpp"

namespace longway {

using Backend = handgrad::Cpu<double>;
using handgrad::Tensor;
using Line = std::vector<double>;
constexpr std::size_t T = 100, B = 16, M = 64;

inline double length_of(const Tensor<double>& t) {
    double sum = 0;
    for (const double value : t) { sum += value * value; }
    return std::sqrt(sum);
}

inline Tensor<double> normal_numbers(const Shape& shape, double std,
                                     Random& random) {
    Tensor<double> t(shape);
    handgrad::normal_(t, 0, std, random);
    return t;
}

inline std::vector<Tensor<double>> small_inputs(Random& random) {
    std::vector<Tensor<double>> x;
    for (std::size_t t = 0; t < T; ++t) {
        x.push_back(normal_numbers({B, M}, 0.1, random));
    }
    return x;
}

// Only the last state has an upstream gradient.
inline std::vector<Tensor<double>> upstream_at_the_end(Random& random) {
    std::vector<Tensor<double>> dy(T, handgrad::zeros<double>({B, M}));
    dy.back() = normal_numbers({B, M}, 1, random);
    return dy;
}

// The length of each gradient, divided by that of the last one: [t] belongs to step t.
inline Line relative_lengths(const std::vector<Tensor<double>>& gradients) {
    Line lengths;
    for (const auto& g : gradients) {
        lengths.push_back(length_of(g) / length_of(gradients.back()));
    }
    return lengths;
}

// ### The norm and the spectral radius
//
// The (spectral) norm of a matrix is the largest factor by which a product with it makes a vector
// longer. The spectral radius is the largest absolute value of an eigenvalue. It is the factor of a
// single product in the long run: $\lVert w^t \rVert^{1/t}$ tends to it for large t. We square the
// matrix 14 times, which makes $t = 2^{14}$, and divide by its length each time, so that no number
// gets too large. The norm is the root of the spectral radius of $w^\top w$.
inline Tensor<double> product(const Tensor<double>& a,
                              const Tensor<double>& c) {
    return Backend::linear_forward(a, c, handgrad::zeros<double>({c.shape(1)}));
}

inline double spectral_radius(Tensor<double> w) {
    double log_length = 0, k = 1;
    for (int squaring = 0; squaring < 14; ++squaring) {
        const double length = length_of(w);
        log_length += std::log(length) / k;
        w = product(Tensor<double>(w / length), Tensor<double>(w / length));
        k *= 2;
    }
    return std::exp(log_length + std::log(length_of(w)) / k);
}

inline double spectral_norm(const Tensor<double>& w) {
    Tensor<double> square;
    Backend::linear_backward_weight(w, w, square); // w^T w
    return std::sqrt(spectral_radius(square));
}

// ### An RNN
//
// The weights are normal numbers, multiplied so that the spectral radius is what we want.
struct Way {
    double norm = 0, radius = 0; // of w_hh
    double slope = 0;            // root mean square of tanh'
    Line lengths;                // of dh_t, relative to dh_T
};

inline Way of_rnn(double radius) {
    Random random(16);
    RNN<Backend> net(M, M, random);
    Tensor<double>& w = net.w_hh.value;
    handgrad::normal_(w, 0, 1, random);
    w *= radius / spectral_radius(w);
    for (std::size_t i = 0; i < M; ++i) { // z_t = x_t + h_{t-1} w_hh
        for (std::size_t j = 0; j < M; ++j) {
            net.w_ih.value(i, j) = i == j ? 1 : 0;
        }
    }
    net.b.value.fill(0);
    const auto x = small_inputs(random), dy = upstream_at_the_end(random);
    net.forward(x);
    net.backward(x, dy);

    Way way;
    way.norm = spectral_norm(w);
    way.radius = spectral_radius(w);
    double sum = 0;
    for (std::size_t t = 1; t <= T; ++t) {
        for (const double h : net.h[t]) { sum += (1 - h * h) * (1 - h * h); }
    }
    way.slope = std::sqrt(sum / static_cast<double>(T * B * M));
    way.lengths = relative_lengths(net.dh);
    return way;
}

// ### An LSTM
//
// PyTorch's first weights, but the bias of the forget gate is what we want.
inline void set_bias(LSTM<Backend>& net, std::size_t gate, double bias) {
    const std::size_t hidden = net.b.value.size() / 4;
    for (std::size_t j = 0; j < hidden; ++j) {
        net.b.value(gate * hidden + j) = bias;
    }
}

struct CellWay {
    double gates = 0; // the product of all forget gates, root mean square
    Line lengths;     // of dc_t, relative to dc_T
};

inline CellWay of_lstm(double forget_bias) {
    Random random(16);
    LSTM<Backend> net(M, M, random);
    set_bias(net, 1, forget_bias);
    const auto x = small_inputs(random), dy = upstream_at_the_end(random);
    net.forward(x);
    net.backward(x, dy);

    CellWay way;
    Tensor<double> product_of_gates(Shape{B, M}, 1.0);
    for (std::size_t t = 1; t <= T; ++t) { product_of_gates *= net.steps[t].f; }
    way.gates = length_of(product_of_gates) /
                std::sqrt(static_cast<double>(product_of_gates.size()));
    way.lengths = relative_lengths(net.dc);
    return way;
}

} // namespace longway
