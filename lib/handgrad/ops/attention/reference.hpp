#pragma once
// Attention, in plain loops. Formulas and shapes: attention.hpp.

#include <cmath>
#include <vector>

#include "handgrad/ops/attention/attention.hpp"
#include "handgrad/tensor/scalar.hpp"

namespace handgrad {

template <> template <class T> void AttentionKernels<OnReference>::forward(const AttentionExtents& e,
                                                                           MatrixView<const T> qkv, ImagesView<T> p,
                                                                           MatrixView<T> y) {
    using reference::value_of;
    using std::exp;
    const std::size_t C = e.width(), D = e.features;
    const T root(std::sqrt(static_cast<double>(D)));
    for (std::size_t b = 0; b < e.batch; ++b) {
        for (std::size_t head = 0; head < e.heads; ++head) {
            const std::size_t q = head * D, k = C + head * D, v = 2 * C + head * D; // their first columns
            for (std::size_t t = 0; t < e.tokens; ++t) {
                const std::size_t row = b * e.tokens + t, visible = e.causal ? t + 1 : e.tokens;
                for (std::size_t s = 0; s < visible; ++s) {
                    T score(0);
                    for (std::size_t c = 0; c < D; ++c) { score += qkv(row, q + c) * qkv(b * e.tokens + s, k + c); }
                    p(b, head, t, s) = score / root;
                }
                auto largest = value_of(p(b, head, t, 0)); // a real number: it cancels
                for (std::size_t s = 1; s < visible; ++s) {
                    const auto score = value_of(p(b, head, t, s));
                    if (score > largest || score != score) { largest = score; }
                }
                T sum(0);
                for (std::size_t s = 0; s < visible; ++s) {
                    p(b, head, t, s) = exp(p(b, head, t, s) - T(largest));
                    sum += p(b, head, t, s);
                }
                for (std::size_t s = 0; s < visible; ++s) { p(b, head, t, s) /= sum; }
                for (std::size_t s = visible; s < e.tokens; ++s) { p(b, head, t, s) = T(0); }
                for (std::size_t c = 0; c < D; ++c) {
                    T mean(0); // of the values, with the weights p
                    for (std::size_t s = 0; s < visible; ++s) {
                        mean += p(b, head, t, s) * qkv(b * e.tokens + s, v + c);
                    }
                    y(row, q + c) = mean;
                }
            }
        }
    }
}

template <> template <class T>
void AttentionKernels<OnReference>::backward(const AttentionExtents& e, MatrixView<const T> qkv, ImagesView<const T> p,
                                             MatrixView<const T> dy, MatrixView<T> dqkv) {
    const std::size_t C = e.width(), D = e.features;
    const T root(std::sqrt(static_cast<double>(D)));
    for (std::size_t i = 0; i < dqkv.rows * dqkv.columns; ++i) { dqkv.data[i] = T(0); }
    for (std::size_t b = 0; b < e.batch; ++b) {
        for (std::size_t head = 0; head < e.heads; ++head) {
            const std::size_t q = head * D, k = C + head * D, v = 2 * C + head * D;
            for (std::size_t t = 0; t < e.tokens; ++t) {
                const std::size_t row = b * e.tokens + t;
                std::vector<T> dp(e.causal ? t + 1 : e.tokens, T(0));
                T mean(0); // of dp, with the weights p
                for (std::size_t s = 0; s < dp.size(); ++s) {
                    for (std::size_t c = 0; c < D; ++c) { dp[s] += dy(row, q + c) * qkv(b * e.tokens + s, v + c); }
                    mean += dp[s] * p(b, head, t, s);
                }
                for (std::size_t s = 0; s < dp.size(); ++s) {
                    const std::size_t other = b * e.tokens + s;
                    const T dz = p(b, head, t, s) * (dp[s] - mean) / root;
                    for (std::size_t c = 0; c < D; ++c) {
                        dqkv(row, q + c) += dz * qkv(other, k + c);
                        dqkv(other, k + c) += dz * qkv(row, q + c);
                        dqkv(other, v + c) += p(b, head, t, s) * dy(row, q + c);
                    }
                }
            }
        }
    }
}

template <> template <class T>
void AttentionKernels<OnReference>::append(const AttentionExtents& e, const KeptTokens& kept, MatrixView<const T> qkv,
                                           MatrixView<T> keys, MatrixView<T> values, MatrixView<T> y) {
    const std::size_t C = e.width(), D = e.features;
    const T root(std::sqrt(static_cast<double>(D)));
    using reference::value_of;
    using std::exp;
    for (std::size_t row = 0; row < e.batch * e.tokens; ++row) {
        const std::size_t b = row / e.tokens, place = kept.past + row % e.tokens; // of this token among all
        for (std::size_t c = 0; c < C; ++c) {
            keys(b * C + c, place) = qkv(row, C + c);
            values(b * kept.length + place, c) = qkv(row, 2 * C + c);
        }
        for (std::size_t first = 0; first < C; first += D) { // the first column of a head
            std::vector<T> p(place + 1, T(0));
            for (std::size_t s = 0; s <= place; ++s) {
                for (std::size_t c = first; c < first + D; ++c) { p[s] += qkv(row, c) * keys(b * C + c, s); }
                p[s] = p[s] / root;
            }
            auto largest = value_of(p[0]); // a real number: it cancels
            for (const T& score : p) {
                const auto value = value_of(score);
                if (value > largest || value != value) { largest = value; }
            }
            T sum(0);
            for (T& score : p) {
                score = exp(score - T(largest));
                sum += score;
            }
            for (T& weight : p) { weight /= sum; }
            for (std::size_t c = first; c < first + D; ++c) {
                T mean(0); // of the values, with the weights p
                for (std::size_t s = 0; s <= place; ++s) { mean += p[s] * values(b * kept.length + s, c); }
                y(row, c) = mean;
            }
        }
    }
}

HANDGRAD_REFERENCE_KERNEL(AttentionKernels<OnReference>::forward)
HANDGRAD_REFERENCE_KERNEL(AttentionKernels<OnReference>::backward)
HANDGRAD_REFERENCE_KERNEL(AttentionKernels<OnReference>::append)

} // namespace handgrad
