// The recurrent network, fast: see steps.hpp. Formulas: rnn.hpp.

#include "handgrad/ops/rnn/rnn.hpp"
#include "handgrad/ops/rnn/steps.hpp"
#include "handgrad/tensor/exp.hpp"

namespace handgrad {

using namespace cpu; // the SIMD kernels

template <> template <class T> void RecurrentKernels<OnCpu>::last(const RecurrentExtents& e, MatrixView<const T> h_0,
                                                                  MatrixView<const T> h, MatrixView<T> result) {
    for (std::size_t b = 0; b < e.batch; ++b) {
        const T* row = e.tokens == 0 ? h_0.data + b * e.hidden : h.data + (b * e.tokens + e.tokens - 1) * e.hidden;
        std::copy_n(row, e.hidden, result.data + b * e.hidden);
    }
}

template <> template <class T>
void RecurrentKernels<OnCpu>::backward_parameters(const RecurrentExtents& e, MatrixView<const T> x,
                                                  MatrixView<const T> h_0, MatrixView<const T> h,
                                                  MatrixView<const T> dz, const RecurrentGradients<T>& g,
                                                  Accumulate mode) {
    // One product for both weights, which reads dz once: its left factor has the inputs and the states before side by
    // side, and its result has the rows of dw_ih above those of dw_hh.
    const std::size_t C = e.inputs, M = e.hidden, G = dz.columns;
    T *both = scratch<T, struct Both>(dz.rows * (C + M)), *dw = scratch<T, struct Products>((C + M) * G);
    for (std::size_t n = 0; n < dz.rows; ++n) {
        T* row = both + n * (C + M);
        std::copy_n(x.data + n * C, C, row);
        const bool is_first = n % e.tokens == 0;
        std::copy_n(is_first ? h_0.data + n / e.tokens * M : h.data + (n - 1) * M, M, row + C);
    }
    LinearKernels<OnCpu>::backward_weight(MatrixView<const T>{both, dz.rows, C + M}, dz, MatrixView<T>{dw, C + M, G},
                                          Accumulate::no);
    T* db = scratch<T, struct Sums>(G);
    column_sums(dz.data, db, dz.rows, G);
    const auto give = [&](const T* sums, T* result, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) { result[i] = mode == Accumulate::yes ? result[i] + sums[i] : sums[i]; }
    };
    give(dw, g.dw_ih.data, C * G);
    give(dw + C * G, g.dw_hh.data, M * G);
    give(db, g.db_ih.data, G);
    give(db, g.db_hh.data, G);
}

template <> template <class T> void RnnKernels<OnCpu>::forward(const RecurrentExtents& e, MatrixView<const T> x,
                                                               MatrixView<const T> h_0, const RecurrentWeights<T>& w,
                                                               MatrixView<T> h) {
    const std::size_t M = e.hidden;
    LinearKernels<OnCpu>::forward(x, w.w_ih, w.b_ih, h);
    for_each_part(e.batch, [&](std::size_t first, std::size_t rows) {
        T *state = scratch<T, struct State>(rows * M), *scores = scratch<T, struct Scores>(rows * M);
        std::copy_n(h_0.data + first * M, rows * M, state);
        for (std::size_t t = 0; t < e.tokens; ++t) {
            step_product(state, w.w_hh.data, w.b_hh.data, scores, rows, M, M);
            for (std::size_t b = 0; b < rows; ++b) {
                T* ht = h.data + ((first + b) * e.tokens + t) * M;
                for_each_register<T>(M, [&](std::size_t k, std::size_t count) {
                    const Vec<T> z = load_lanes(ht + k, count) + load_lanes(scores + b * M + k, count);
                    const Vec<T> o = vector_tanh(z);
                    store_lanes(o, ht + k, count);
                    store_lanes(o, state + b * M + k, count);
                });
            }
        }
    });
}

template <> template <class T>
void RnnKernels<OnCpu>::backward_state(const RecurrentExtents& e, MatrixView<const T> w_hh, MatrixView<const T> h,
                                       MatrixView<const T> dh, MatrixView<T> dz, MatrixView<T> dh_0) {
    const std::size_t M = e.hidden;
    const Transposed<T> wt(w_hh);
    for_each_part(e.batch, [&](std::size_t first, std::size_t rows) {
        T* dz_t = scratch<T, struct ScoreGradients>(rows * M);
        T* from_next = dh_0.data + first * M; // what step t + 1 passes back to the states of step t
        std::fill_n(from_next, rows * M, T(0));
        for (std::size_t t = e.tokens; t-- > 0;) {
            for (std::size_t b = 0; b < rows; ++b) {
                const std::size_t n = ((first + b) * e.tokens + t) * M;
                for_each_register<T>(M, [&](std::size_t k, std::size_t count) {
                    const Vec<T> o = load_lanes(h.data + n + k, count);
                    const Vec<T> dh_all = load_lanes(dh.data + n + k, count) + load_lanes(from_next + b * M + k, count);
                    const Vec<T> result = dh_all * (Vec<T>(T(1)) - o * o);
                    store_lanes(result, dz.data + n + k, count);
                    store_lanes(result, dz_t + b * M + k, count);
                });
            }
            step_product(dz_t, wt.matrix, wt.zeros, from_next, rows, M, M);
        }
    });
}

HANDGRAD_INSTANTIATE_KERNEL(RecurrentKernels<OnCpu>::last)
HANDGRAD_INSTANTIATE_KERNEL(RecurrentKernels<OnCpu>::backward_parameters)
HANDGRAD_INSTANTIATE_KERNEL(RnnKernels<OnCpu>::forward)
HANDGRAD_INSTANTIATE_KERNEL(RnnKernels<OnCpu>::backward_state)

} // namespace handgrad
