// The LSTM. One product computes the input's part of all scores. Then each step is a kernel with one item for each unit
// of each sequence: it computes the four scores of the unit from the whole state of the step before, which an earlier
// kernel has written. Formulas: lstm.hpp.

#include <cmath>

#include "handgrad/device/run.hpp"
#include "handgrad/ops/lstm/lstm.hpp"

namespace handgrad {
namespace {

template <class T> HANDGRAD_HOST_DEVICE T sigmoid(T x) {
    const T e = std::exp(x < 0 ? x : -x); // never overflows
    return (x < 0 ? e : T(1)) / (T(1) + e);
}

/// The gates hold the input's part of the scores of step t, which their values replace.
template <class T> struct Forward {
    RecurrentExtents e;
    std::size_t t;
    MatrixView<const T> h_0, c_0, w_hh;
    VectorView<const T> b_hh;
    LstmKept<T> kept;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t item) const {
        const std::size_t M = e.hidden, b = item / M, k = item % M, n = b * e.tokens + t;
        const T* h_before = t == 0 ? &h_0(b, 0) : &kept.h(n - 1, 0);
        T z[4];
        for (std::size_t gate = 0; gate < 4; ++gate) { z[gate] = kept.gates(n, gate * M + k) + b_hh(gate * M + k); }
        for (std::size_t j = 0; j < M; ++j) {
            for (std::size_t gate = 0; gate < 4; ++gate) { z[gate] += h_before[j] * w_hh(j, gate * M + k); }
        }
        const T i = sigmoid(z[0]), f = sigmoid(z[1]), g = std::tanh(z[2]), o = sigmoid(z[3]);
        const T c = f * (t == 0 ? c_0(b, k) : kept.c(n - 1, k)) + i * g;
        kept.gates(n, k) = i;
        kept.gates(n, M + k) = f;
        kept.gates(n, 2 * M + k) = g;
        kept.gates(n, 3 * M + k) = o;
        kept.c(n, k) = c;
        kept.h(n, k) = o * std::tanh(c);
    }
};

/// What step t passes back to unit j of the hidden state before it.
template <class T> struct ToStateBefore {
    RecurrentExtents e;
    MatrixView<const T> w_hh, dz;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t b, std::size_t t, std::size_t j) const {
        const std::size_t n = b * e.tokens + t;
        T sum(0);
        for (std::size_t k = 0; k < w_hh.columns && t < e.tokens; ++k) { sum += dz(n, k) * w_hh(j, k); }
        return sum;
    }
    /// Of step 0, as an item.
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const { return (*this)(item / e.hidden, 0, item % e.hidden); }
};

template <class T> struct Backward {
    RecurrentExtents e;
    std::size_t t;
    ToStateBefore<T> from_step;
    MatrixView<const T> c_0, gates, c, dh;
    MatrixView<T> dz, dc_next; ///< dc_next is what the next step passes back, and becomes what this step passes back
    HANDGRAD_HOST_DEVICE void operator()(std::size_t item) const {
        const std::size_t M = e.hidden, b = item / M, k = item % M, n = b * e.tokens + t;
        const T i = gates(n, k), f = gates(n, M + k), g = gates(n, 2 * M + k), o = gates(n, 3 * M + k);
        const T c_before = t == 0 ? c_0(b, k) : c(n - 1, k), tanh_c = std::tanh(c(n, k));
        const T dh_all = dh(n, k) + from_step(b, t + 1, k);
        const T dc_all = dc_next(b, k) + dh_all * o * (T(1) - tanh_c * tanh_c);
        dz(n, k) = dc_all * g * i * (T(1) - i);
        dz(n, M + k) = dc_all * c_before * f * (T(1) - f);
        dz(n, 2 * M + k) = dc_all * i * (T(1) - g * g);
        dz(n, 3 * M + k) = dh_all * tanh_c * o * (T(1) - o);
        dc_next(b, k) = dc_all * f;
    }
};

/// The gradient of the last cell state, or 0.
template <class T> struct FromLoss {
    const T* dc_last;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const { return dc_last ? dc_last[item] : T(0); }
};

} // namespace

template <> template <class T>
void LstmKernels<OnDevice>::forward(const RecurrentExtents& e, MatrixView<const T> x, MatrixView<const T> h_0,
                                    MatrixView<const T> c_0, const RecurrentWeights<T>& w, const LstmKept<T>& kept) {
    LinearKernels<OnDevice>::forward(x, w.w_ih, w.b_ih, kept.gates);
    for (std::size_t t = 0; t < e.tokens; ++t) {
        device::for_each_item(e.batch * e.hidden, 8 * e.hidden + 100, Forward<T>{e, t, h_0, c_0, w.w_hh, w.b_hh, kept});
    }
}

template <> template <class T>
void LstmKernels<OnDevice>::backward_state(const RecurrentExtents& e, MatrixView<const T> w_hh, MatrixView<const T> c_0,
                                           MatrixView<const T> gates, MatrixView<const T> c, MatrixView<const T> dh,
                                           MatrixView<const T> dc_last, MatrixView<T> dz, MatrixView<T> dh_0,
                                           MatrixView<T> dc_0) {
    const std::size_t units = e.batch * e.hidden;
    const ToStateBefore<T> from_step{e, w_hh, {dz.data, dz.rows, dz.columns}};
    device::tabulate(dc_0.data, units, 1, FromLoss<T>{dc_last.data});
    for (std::size_t t = e.tokens; t-- > 0;) {
        device::for_each_item(units, 8 * e.hidden + 50, Backward<T>{e, t, from_step, c_0, gates, c, dh, dz, dc_0});
    }
    device::tabulate(dh_0.data, units, 8 * e.hidden, from_step);
}

HANDGRAD_INSTANTIATE_KERNEL(LstmKernels<OnDevice>::forward)
HANDGRAD_INSTANTIATE_KERNEL(LstmKernels<OnDevice>::backward_state)

} // namespace handgrad
