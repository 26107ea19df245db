#pragma once
// The LSTM, in plain loops. Formulas and shapes: lstm.hpp.

#include <cmath>
#include <vector>

#include "handgrad/ops/activation/activation.hpp"
#include "handgrad/ops/lstm/lstm.hpp"

namespace handgrad {

template <> template <class T>
void LstmKernels<OnReference>::forward(const RecurrentExtents& e, MatrixView<const T> x, MatrixView<const T> h_0,
                                       MatrixView<const T> c_0, const RecurrentWeights<T>& w, const LstmKept<T>& kept) {
    using reference::value;
    const std::size_t M = e.hidden;
    for (std::size_t b = 0; b < e.batch; ++b) {
        for (std::size_t t = 0; t < e.tokens; ++t) {
            const std::size_t n = b * e.tokens + t;
            for (std::size_t k = 0; k < 4 * M; ++k) {
                T z = w.b_ih(k) + w.b_hh(k);
                for (std::size_t c = 0; c < e.inputs; ++c) { z += x(n, c) * w.w_ih(c, k); }
                for (std::size_t j = 0; j < M; ++j) { z += (t == 0 ? h_0(b, j) : kept.h(n - 1, j)) * w.w_hh(j, k); }
                const bool is_candidate = k / M == 2;
                kept.gates(n, k) = is_candidate ? value(Tanh(), z) : value(Sigmoid(), z);
            }
            for (std::size_t k = 0; k < M; ++k) {
                const T i = kept.gates(n, k), f = kept.gates(n, M + k), g = kept.gates(n, 2 * M + k),
                        o = kept.gates(n, 3 * M + k);
                kept.c(n, k) = f * (t == 0 ? c_0(b, k) : kept.c(n - 1, k)) + i * g;
                kept.h(n, k) = o * value(Tanh(), kept.c(n, k));
            }
        }
    }
}

template <> template <class T>
void LstmKernels<OnReference>::backward_state(const RecurrentExtents& e, MatrixView<const T> w_hh,
                                              MatrixView<const T> c_0, MatrixView<const T> gates, MatrixView<const T> c,
                                              MatrixView<const T> dh, MatrixView<const T> dc_last, MatrixView<T> dz,
                                              MatrixView<T> dh_0, MatrixView<T> dc_0) {
    const std::size_t M = e.hidden;
    for (std::size_t b = 0; b < e.batch; ++b) {
        std::vector<T> dh_next(M, T(0)), dc_next(M, T(0)); // what step t + 1 passes back to the states of step t
        for (std::size_t k = 0; k < M && dc_last.data; ++k) { dc_next[k] = dc_last(b, k); }
        for (std::size_t t = e.tokens; t-- > 0;) {
            const std::size_t n = b * e.tokens + t;
            for (std::size_t k = 0; k < M; ++k) {
                const T i = gates(n, k), f = gates(n, M + k), g = gates(n, 2 * M + k), o = gates(n, 3 * M + k);
                const T c_before = t == 0 ? c_0(b, k) : c(n - 1, k), tanh_c = reference::value(Tanh(), c(n, k));
                const T dh_all = dh(n, k) + dh_next[k], dc_all = dc_next[k] + dh_all * o * (T(1) - tanh_c * tanh_c);
                dz(n, k) = dc_all * g * i * (T(1) - i);
                dz(n, M + k) = dc_all * c_before * f * (T(1) - f);
                dz(n, 2 * M + k) = dc_all * i * (T(1) - g * g);
                dz(n, 3 * M + k) = dh_all * tanh_c * o * (T(1) - o);
                dc_next[k] = dc_all * f;
            }
            for (std::size_t j = 0; j < M; ++j) {
                dh_next[j] = T(0);
                for (std::size_t k = 0; k < 4 * M; ++k) { dh_next[j] += dz(n, k) * w_hh(j, k); }
            }
        }
        for (std::size_t k = 0; k < M; ++k) {
            dh_0(b, k) = dh_next[k];
            dc_0(b, k) = dc_next[k];
        }
    }
}

HANDGRAD_REFERENCE_KERNEL(LstmKernels<OnReference>::forward)
HANDGRAD_REFERENCE_KERNEL(LstmKernels<OnReference>::backward_state)

} // namespace handgrad
