#pragma once
// ## Attention, index by index
//
// One head of one sequence. Row t of q, k and v, (T, D), is the query, the key and the value of
// token t. Forward and backward are the formulas of the introduction, sum by sum. The scalar is a
// template argument, so that the complex step can run through forward.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include <handgrad/check/check.hpp>
#include <handgrad/tensor/tensor.hpp>

namespace by_hand {

using handgrad::Tensor;
using handgrad::zeros;

template <class T> struct Head {
    Tensor<T> q, k, v; // (T, D)

    std::size_t tokens() const { return q.shape(0); }
    std::size_t numbers() const { return q.shape(1); } // D
};

// The weights p, (T, T), and the result y, (T, D). No score is large here, so nothing is subtracted
// from the exponents; the library subtracts the largest one.
template <class T> std::pair<Tensor<T>, Tensor<T>> forward(const Head<T>& x) {
    using std::exp;
    Tensor<T> p = zeros<T>({x.tokens(), x.tokens()}), y = zeros<T>(x.v.shape());
    const T root(std::sqrt(static_cast<double>(x.numbers())));
    for (std::size_t t = 0; t < x.tokens(); ++t) {
        T sum(0);
        for (std::size_t s = 0; s <= t; ++s) { // the mask: s up to t only
            T z(0);
            for (std::size_t c = 0; c < x.numbers(); ++c) {
                z += x.q(t, c) * x.k(s, c);
            }
            p(t, s) = exp(z / root);
            sum += p(t, s);
        }
        for (std::size_t s = 0; s <= t; ++s) {
            p(t, s) /= sum;
            for (std::size_t c = 0; c < x.numbers(); ++c) {
                y(t, c) += p(t, s) * x.v(s, c);
            }
        }
    }
    return {p, y};
}

// The gradients, given dy. Token t reads row t of p and writes into rows s of dk and dv.
inline Head<double> backward(const Head<double>& x, const Tensor<double>& p,
                             const Tensor<double>& dy) {
    const auto none = zeros<double>(x.q.shape());
    Head<double> d{none, none, none};
    const double root = std::sqrt(static_cast<double>(x.numbers()));
    for (std::size_t t = 0; t < x.tokens(); ++t) {
        auto dp = zeros<double>({x.tokens()});
        double mean = 0; // of dp, with the weights p
        for (std::size_t s = 0; s <= t; ++s) {
            for (std::size_t c = 0; c < x.numbers(); ++c) {
                dp(s) += dy(t, c) * x.v(s, c);
                d.v(s, c) += p(t, s) * dy(t, c);
            }
            mean += dp(s) * p(t, s);
        }
        for (std::size_t s = 0; s <= t; ++s) {
            const double dz = p(t, s) * (dp(s) - mean) / root;
            for (std::size_t c = 0; c < x.numbers(); ++c) {
                d.q(t, c) += dz * x.k(s, c);
                d.k(s, c) += dz * x.q(t, c);
            }
        }
    }
    return d;
}

// ## The same, as matrices
//
// Row t of p is a list of weights, so the results of all tokens together are the product $p v$.
// Backward every sum over s becomes a product with a matrix, and every sum over t one with its
// transpose. The mask needs no line of its own: where p is 0, dz is 0.
inline Tensor<double> product(const Tensor<double>& a,
                              const Tensor<double>& b) {
    auto c = zeros<double>({a.shape(0), b.shape(1)});
    for (std::size_t i = 0; i < a.shape(0); ++i) {
        for (std::size_t j = 0; j < a.shape(1); ++j) {
            for (std::size_t k = 0; k < b.shape(1); ++k) {
                c(i, k) += a(i, j) * b(j, k);
            }
        }
    }
    return c;
}

inline Tensor<double> transposed(const Tensor<double>& a) {
    auto b = zeros<double>({a.shape(1), a.shape(0)});
    for (std::size_t i = 0; i < a.shape(0); ++i) {
        for (std::size_t j = 0; j < a.shape(1); ++j) { b(j, i) = a(i, j); }
    }
    return b;
}

inline Head<double> backward_as_matrices(const Head<double>& x,
                                         const Tensor<double>& p,
                                         const Tensor<double>& dy) {
    const Tensor<double> dp = product(dy, transposed(x.v));
    Tensor<double> dz = p * dp; // then subtract the sum of each row
    for (std::size_t t = 0; t < x.tokens(); ++t) {
        double sum = 0;
        for (std::size_t s = 0; s < x.tokens(); ++s) { sum += dz(t, s); }
        for (std::size_t s = 0; s < x.tokens(); ++s) {
            dz(t, s) -= p(t, s) * sum;
        }
    }
    dz /= std::sqrt(static_cast<double>(x.numbers()));
    return {product(dz, x.k), product(transposed(dz), x.q),
            product(transposed(p), dy)};
}

inline double difference(const Tensor<double>& a, const Tensor<double>& b) {
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        worst = std::max(worst, std::abs(a.data()[i] - b.data()[i]));
    }
    return worst;
}

// Both versions of backward are compared: with the complex step, and with each other.
inline void check_gradients(const Head<double>& x) {
    namespace check = handgrad::check;
    const Tensor<double> dy{{1.0, 2.0}, {-1.0, 1.0}, {2.0, 1.0}, {1.0, -1.0}};
    const Tensor<double> p = forward(x).first;
    const Head<double> d = backward(x, p, dy),
                       same = backward_as_matrices(x, p, dy);
    const auto loss = [&](const auto& changed, int which) {
        using T = typename std::decay_t<decltype(changed)>::value_type;
        Head<T> all{check::cast<T>(x.q), check::cast<T>(x.k),
                    check::cast<T>(x.v)};
        (which == 0 ? all.q : which == 1 ? all.k : all.v) = changed;
        return check::weighted_sum(forward(all).second, dy);
    };
    check::GradientCheck checker;
    checker.wrt("q", x.q, d.q, [&](const auto& c) { return loss(c, 0); });
    checker.wrt("k", x.k, d.k, [&](const auto& c) { return loss(c, 1); });
    checker.wrt("v", x.v, d.v, [&](const auto& c) { return loss(c, 2); });
    fmt::print("{}", to_string(checker));
    const double worst =
        std::max({difference(d.q, same.q), difference(d.k, same.k),
                  difference(d.v, same.v)});
    if (!checker.passed() || worst > 1e-14) {
        throw std::runtime_error("a gradient of attention is wrong");
    }
    fmt::print("as matrices: the same, up to rounding\n\n");
}

// ## Four tokens
//
// An example to follow with a pencil. The keys of tokens 0 and 2 point in one direction, those of 1
// and 3 in the other. Token 2 asks for the first direction, and the query of token 3 is 0.
//
// <details class="predict"><summary>Predict: what are the weights of token 3, whose query is 0?</summary>
//
// All its scores are 0, so softmax gives the same weight to every token that it sees: 1/4. Its
// result is the mean of the four values, (7/4, 3/4).
//
// </details>
inline void show() {
    const Head<double> x{{{1.0, 0.0}, {1.0, 1.0}, {3.0, 0.0}, {0.0, 0.0}},
                         {{2.0, 0.0}, {0.0, 2.0}, {2.0, 0.0}, {0.0, 2.0}},
                         {{1.0, 0.0}, {0.0, 1.0}, {2.0, 2.0}, {4.0, 0.0}}};
    const auto [p, y] = forward(x);
    fmt::print("token  weight of 0       1       2       3    result\n");
    for (std::size_t t = 0; t < x.tokens(); ++t) {
        fmt::print("{:>5}     ", t);
        for (std::size_t s = 0; s < x.tokens(); ++s) {
            fmt::print("{:>8}", s <= t ? fmt::format("{:.4f}", p(t, s)) : "-");
        }
        fmt::print("    ({:.4f}, {:.4f})\n", y(t, 0), y(t, 1));
    }

    fmt::print("\n");
    check_gradients(x);
}

} // namespace by_hand

// @output to "as matrices"
//
// Token 2 gives almost all its weight to the two tokens with the key that it asks for, and only
// 0.0071 to the other one. The first token has no choice: whatever its query is, its weight is 1,
// so row 0 of dq is 0.
