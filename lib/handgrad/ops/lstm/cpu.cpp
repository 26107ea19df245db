// The LSTM, fast: see rnn/steps.hpp. The tensor of the gates first holds the input's part of the scores. Formulas:
// lstm.hpp.

#include "handgrad/ops/lstm/lstm.hpp"
#include "handgrad/ops/rnn/steps.hpp"
#include "handgrad/tensor/exp.hpp"

namespace handgrad {

using namespace cpu; // the SIMD kernels

namespace {

/// The numbers of one sequence in one step. `gates` and `dz` have 4 M numbers, the others M.
template <class T> struct ForwardStep {
    const T* scores; ///< the state's part
    T *gates, *c_state, *h_state, *c, *h;

    void operator()(std::size_t M) const {
        for_each_register<T>(M, [&](std::size_t k, std::size_t count) {
            const auto z = [&](std::size_t gate) {
                return load_lanes(gates + gate * M + k, count) + load_lanes(scores + gate * M + k, count);
            };
            const Vec<T> i = vector_sigmoid<T>(z(0)), f = vector_sigmoid<T>(z(1)), g = vector_tanh<T>(z(2)),
                         o = vector_sigmoid<T>(z(3));
            const Vec<T> new_c = f * load_lanes(c_state + k, count) + i * g, new_h = o * vector_tanh<T>(new_c);
            store_lanes(i, gates + k, count);
            store_lanes(f, gates + M + k, count);
            store_lanes(g, gates + 2 * M + k, count);
            store_lanes(o, gates + 3 * M + k, count);
            for (T* to : {c_state, c}) { store_lanes(new_c, to + k, count); }
            for (T* to : {h_state, h}) { store_lanes(new_h, to + k, count); }
        });
    }
};

template <class T> struct BackwardStep {
    const T *gates, *c, *c_before, *dh;
    const T* dh_next; ///< what the next step passes back
    T* dc_next;       ///< the same for the cell state; becomes what this step passes back
    T *dz, *dz_t;     ///< the same numbers in two places

    void operator()(std::size_t M) const {
        for_each_register<T>(M, [&](std::size_t k, std::size_t count) {
            const auto gate = [&](std::size_t number) { return load_lanes(gates + number * M + k, count); };
            const Vec<T> one(T(1)), i = gate(0), f = gate(1), g = gate(2), o = gate(3);
            const Vec<T> tanh_c = vector_tanh<T>(load_lanes(c + k, count));
            const Vec<T> dh_all = load_lanes(dh + k, count) + load_lanes(dh_next + k, count);
            const Vec<T> dc_all = load_lanes(dc_next + k, count) + dh_all * o * (one - tanh_c * tanh_c);
            const Vec<T> results[] = {dc_all * g * i * (one - i),
                                      dc_all * load_lanes(c_before + k, count) * f * (one - f),
                                      dc_all * i * (one - g * g), dh_all * tanh_c * o * (one - o)};
            for (std::size_t number = 0; number < 4; ++number) {
                for (T* to : {dz, dz_t}) { store_lanes(results[number], to + number * M + k, count); }
            }
            store_lanes(Vec<T>(dc_all * f), dc_next + k, count);
        });
    }
};

} // namespace

template <> template <class T> void LstmKernels<OnCpu>::forward(const RecurrentExtents& e, MatrixView<const T> x,
                                                                MatrixView<const T> h_0, MatrixView<const T> c_0,
                                                                const RecurrentWeights<T>& w, const LstmKept<T>& kept) {
    const std::size_t M = e.hidden;
    LinearKernels<OnCpu>::forward(x, w.w_ih, w.b_ih, kept.gates);
    for_each_part(e.batch, [&](std::size_t first, std::size_t rows) {
        T *h_state = scratch<T, struct Hidden>(rows * M), *c_state = scratch<T, struct Cell>(rows * M),
          *scores = scratch<T, struct Scores>(rows * 4 * M);
        std::copy_n(h_0.data + first * M, rows * M, h_state);
        std::copy_n(c_0.data + first * M, rows * M, c_state);
        for (std::size_t t = 0; t < e.tokens; ++t) {
            step_product(h_state, w.w_hh.data, w.b_hh.data, scores, rows, M, 4 * M);
            for (std::size_t b = 0; b < rows; ++b) {
                const std::size_t n = (first + b) * e.tokens + t;
                ForwardStep<T>{scores + b * 4 * M, kept.gates.data + n * 4 * M, c_state + b * M,
                               h_state + b * M,    kept.c.data + n * M,         kept.h.data + n * M}(M);
            }
        }
    });
}

template <> template <class T>
void LstmKernels<OnCpu>::backward_state(const RecurrentExtents& e, MatrixView<const T> w_hh, MatrixView<const T> c_0,
                                        MatrixView<const T> gates, MatrixView<const T> c, MatrixView<const T> dh,
                                        MatrixView<const T> dc_last, MatrixView<T> dz, MatrixView<T> dh_0,
                                        MatrixView<T> dc_0) {
    const std::size_t M = e.hidden;
    const Transposed<T> wt(w_hh);
    for_each_part(e.batch, [&](std::size_t first, std::size_t rows) {
        T* dz_t = scratch<T, struct ScoreGradients>(rows * 4 * M);
        T *dh_next = dh_0.data + first * M, *dc_next = dc_0.data + first * M; // what step t + 1 passes back
        std::fill_n(dh_next, rows * M, T(0));
        if (dc_last.data) {
            std::copy_n(dc_last.data + first * M, rows * M, dc_next);
        } else {
            std::fill_n(dc_next, rows * M, T(0));
        }
        for (std::size_t t = e.tokens; t-- > 0;) {
            for (std::size_t b = 0; b < rows; ++b) {
                const std::size_t n = (first + b) * e.tokens + t;
                const T* c_before = t == 0 ? c_0.data + (first + b) * M : c.data + (n - 1) * M;
                BackwardStep<T>{gates.data + n * 4 * M, c.data + n * M,  c_before,
                                dh.data + n * M,        dh_next + b * M, dc_next + b * M,
                                dz.data + n * 4 * M,    dz_t + b * 4 * M}(M);
            }
            step_product(dz_t, wt.matrix, wt.zeros, dh_next, rows, 4 * M, M);
        }
    });
}

HANDGRAD_INSTANTIATE_KERNEL(LstmKernels<OnCpu>::forward)
HANDGRAD_INSTANTIATE_KERNEL(LstmKernels<OnCpu>::backward_state)

} // namespace handgrad
