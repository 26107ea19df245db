#pragma once
// The recurrent network, in plain loops. Formulas and shapes: rnn.hpp.

#include <cmath>
#include <vector>

#include "handgrad/ops/rnn/rnn.hpp"

namespace handgrad {

template <> template <class T> void RecurrentKernels<OnReference>::last(const RecurrentExtents& e,
                                                                        MatrixView<const T> h_0, MatrixView<const T> h,
                                                                        MatrixView<T> result) {
    for (std::size_t b = 0; b < e.batch; ++b) {
        for (std::size_t k = 0; k < e.hidden; ++k) {
            result(b, k) = e.tokens == 0 ? h_0(b, k) : h(b * e.tokens + e.tokens - 1, k);
        }
    }
}

template <> template <class T>
void RecurrentKernels<OnReference>::backward_parameters(const RecurrentExtents& e, MatrixView<const T> x,
                                                        MatrixView<const T> h_0, MatrixView<const T> h,
                                                        MatrixView<const T> dz, const RecurrentGradients<T>& g,
                                                        Accumulate mode) {
    const bool add = mode == Accumulate::yes;
    for (std::size_t k = 0; k < dz.columns; ++k) {
        for (std::size_t c = 0; c < e.inputs; ++c) {
            T sum(0);
            for (std::size_t n = 0; n < dz.rows; ++n) { sum += x(n, c) * dz(n, k); }
            g.dw_ih(c, k) = add ? g.dw_ih(c, k) + sum : sum;
        }
        for (std::size_t j = 0; j < e.hidden; ++j) {
            T sum(0);
            for (std::size_t b = 0; b < e.batch; ++b) {
                for (std::size_t t = 0; t < e.tokens; ++t) {
                    const std::size_t n = b * e.tokens + t;
                    sum += (t == 0 ? h_0(b, j) : h(n - 1, j)) * dz(n, k);
                }
            }
            g.dw_hh(j, k) = add ? g.dw_hh(j, k) + sum : sum;
        }
        T sum(0);
        for (std::size_t n = 0; n < dz.rows; ++n) { sum += dz(n, k); }
        g.db_ih(k) = add ? g.db_ih(k) + sum : sum;
        g.db_hh(k) = add ? g.db_hh(k) + sum : sum;
    }
}

template <> template <class T> void RnnKernels<OnReference>::forward(const RecurrentExtents& e, MatrixView<const T> x,
                                                                     MatrixView<const T> h_0,
                                                                     const RecurrentWeights<T>& w, MatrixView<T> h) {
    using std::tanh;
    for (std::size_t b = 0; b < e.batch; ++b) {
        for (std::size_t t = 0; t < e.tokens; ++t) {
            const std::size_t n = b * e.tokens + t;
            for (std::size_t k = 0; k < e.hidden; ++k) {
                T z = w.b_ih(k) + w.b_hh(k);
                for (std::size_t c = 0; c < e.inputs; ++c) { z += x(n, c) * w.w_ih(c, k); }
                for (std::size_t j = 0; j < e.hidden; ++j) { z += (t == 0 ? h_0(b, j) : h(n - 1, j)) * w.w_hh(j, k); }
                h(n, k) = tanh(z);
            }
        }
    }
}

template <> template <class T>
void RnnKernels<OnReference>::backward_state(const RecurrentExtents& e, MatrixView<const T> w_hh, MatrixView<const T> h,
                                             MatrixView<const T> dh, MatrixView<T> dz, MatrixView<T> dh_0) {
    for (std::size_t b = 0; b < e.batch; ++b) {
        std::vector<T> from_next(e.hidden, T(0)); // what step t + 1 passes back to the state of step t
        for (std::size_t t = e.tokens; t-- > 0;) {
            const std::size_t n = b * e.tokens + t;
            for (std::size_t k = 0; k < e.hidden; ++k) {
                dz(n, k) = (dh(n, k) + from_next[k]) * (T(1) - h(n, k) * h(n, k));
            }
            for (std::size_t j = 0; j < e.hidden; ++j) {
                from_next[j] = T(0);
                for (std::size_t k = 0; k < e.hidden; ++k) { from_next[j] += dz(n, k) * w_hh(j, k); }
            }
        }
        for (std::size_t j = 0; j < e.hidden; ++j) { dh_0(b, j) = from_next[j]; }
    }
}

HANDGRAD_REFERENCE_KERNEL(RecurrentKernels<OnReference>::last)
HANDGRAD_REFERENCE_KERNEL(RecurrentKernels<OnReference>::backward_parameters)
HANDGRAD_REFERENCE_KERNEL(RnnKernels<OnReference>::forward)
HANDGRAD_REFERENCE_KERNEL(RnnKernels<OnReference>::backward_state)

} // namespace handgrad
