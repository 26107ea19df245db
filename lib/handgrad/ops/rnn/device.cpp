// The recurrent network. One product computes the input's part of all scores. Then each step is a kernel with one item
// for each unit of each sequence: it reads the whole state of the step before, which an earlier kernel has written.
// Formulas: rnn.hpp.

#include <cmath>

#include "handgrad/device/memory.hpp"
#include "handgrad/device/run.hpp"
#include "handgrad/ops/rnn/rnn.hpp"

namespace handgrad {
namespace {

/// The last state: an item for each of its numbers.
template <class T> struct Last {
    RecurrentExtents e;
    MatrixView<const T> h_0, h;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const std::size_t b = item / e.hidden, k = item % e.hidden;
        return e.tokens == 0 ? h_0(b, k) : h(b * e.tokens + e.tokens - 1, k);
    }
};

/// The state before every step: row n of h moved down by one, h_0 in the first row of each sequence.
template <class T> struct Before {
    RecurrentExtents e;
    MatrixView<const T> h_0, h;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t item) const {
        const std::size_t n = item / e.hidden, k = item % e.hidden;
        return n % e.tokens == 0 ? h_0(n / e.tokens, k) : h(n - 1, k);
    }
};

/// h holds the input's part of the scores of step t, which the states replace.
template <class T> struct Forward {
    RecurrentExtents e;
    std::size_t t;
    MatrixView<const T> h_0, w_hh;
    VectorView<const T> b_hh;
    MatrixView<T> h;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t item) const {
        const std::size_t b = item / e.hidden, k = item % e.hidden, n = b * e.tokens + t;
        const T* before = t == 0 ? &h_0(b, 0) : &h(n - 1, 0);
        T sum = h(n, k) + b_hh(k);
        for (std::size_t j = 0; j < e.hidden; ++j) { sum += before[j] * w_hh(j, k); }
        h(n, k) = std::tanh(sum);
    }
};

/// What step t passes back to unit j of the state before it.
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
    MatrixView<const T> h, dh;
    MatrixView<T> dz;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t item) const {
        const std::size_t b = item / e.hidden, k = item % e.hidden, n = b * e.tokens + t;
        dz(n, k) = (dh(n, k) + from_step(b, t + 1, k)) * (T(1) - h(n, k) * h(n, k));
    }
};

} // namespace

template <> template <class T> void RecurrentKernels<OnDevice>::last(const RecurrentExtents& e, MatrixView<const T> h_0,
                                                                     MatrixView<const T> h, MatrixView<T> result) {
    device::tabulate(result.data, e.batch * e.hidden, 1, Last<T>{e, h_0, h});
}

template <> template <class T>
void RecurrentKernels<OnDevice>::backward_parameters(const RecurrentExtents& e, MatrixView<const T> x,
                                                     MatrixView<const T> h_0, MatrixView<const T> h,
                                                     MatrixView<const T> dz, const RecurrentGradients<T>& g,
                                                     Accumulate mode) {
    const std::size_t count = dz.rows * e.hidden;
    T* before = device::scratch<T>(count);
    device::tabulate(before, count, 1, Before<T>{e, h_0, h});
    LinearKernels<OnDevice>::backward_weight(x, dz, g.dw_ih, mode);
    LinearKernels<OnDevice>::backward_weight(MatrixView<const T>{before, dz.rows, e.hidden}, dz, g.dw_hh, mode);
    LinearKernels<OnDevice>::backward_bias(dz, g.db_ih, mode);
    LinearKernels<OnDevice>::backward_bias(dz, g.db_hh, mode);
}

template <> template <class T> void RnnKernels<OnDevice>::forward(const RecurrentExtents& e, MatrixView<const T> x,
                                                                  MatrixView<const T> h_0, const RecurrentWeights<T>& w,
                                                                  MatrixView<T> h) {
    LinearKernels<OnDevice>::forward(x, w.w_ih, w.b_ih, h);
    for (std::size_t t = 0; t < e.tokens; ++t) {
        device::for_each_item(e.batch * e.hidden, 2 * e.hidden + 20, Forward<T>{e, t, h_0, w.w_hh, w.b_hh, h});
    }
}

template <> template <class T>
void RnnKernels<OnDevice>::backward_state(const RecurrentExtents& e, MatrixView<const T> w_hh, MatrixView<const T> h,
                                          MatrixView<const T> dh, MatrixView<T> dz, MatrixView<T> dh_0) {
    const ToStateBefore<T> from_step{e, w_hh, {dz.data, dz.rows, dz.columns}};
    for (std::size_t t = e.tokens; t-- > 0;) {
        device::for_each_item(e.batch * e.hidden, 2 * e.hidden, Backward<T>{e, t, from_step, h, dh, dz});
    }
    device::tabulate(dh_0.data, e.batch * e.hidden, 2 * e.hidden, from_step);
}

HANDGRAD_INSTANTIATE_KERNEL(RecurrentKernels<OnDevice>::last)
HANDGRAD_INSTANTIATE_KERNEL(RecurrentKernels<OnDevice>::backward_parameters)
HANDGRAD_INSTANTIATE_KERNEL(RnnKernels<OnDevice>::forward)
HANDGRAD_INSTANTIATE_KERNEL(RnnKernels<OnDevice>::backward_state)

} // namespace handgrad
