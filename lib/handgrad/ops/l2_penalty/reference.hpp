#pragma once
/// @file
/// The L2 penalty, in plain loops. Formulas: contract/l2_penalty.hpp.

#include "handgrad/ops/accumulate.hpp"
#include "handgrad/ops/l2_penalty/l2_penalty.hpp"

namespace handgrad::reference {

/// Returns lambda / 2 times the sum of w_i^2; w of any shape.
template <class T> T l2_penalty_forward(const Tensor<T>& w, double lambda) {
    T sum(0);
    for (std::size_t i = 0; i < w.size(); ++i) { sum += w.data()[i] * w.data()[i]; }
    return T(0.5 * lambda) * sum;
}

/// dw_i = lambda w_i, overwritten or added to; dw has the shape of w. @throws ShapeError
template <class T>
void l2_penalty_backward(const Tensor<T>& w, double lambda, Tensor<T>& dw, Accumulate mode = Accumulate::no) {
    prepare_gradient("l2_penalty_backward", "dw", dw, w.shape(), mode);
    for (std::size_t i = 0; i < w.size(); ++i) {
        const T g = T(lambda) * w.data()[i];
        dw.data()[i] = mode == Accumulate::yes ? dw.data()[i] + g : g;
    }
}

/// The gradient, as a new tensor.
template <class T> Tensor<T> l2_penalty_backward(const Tensor<T>& w, double lambda) {
    Tensor<T> dw;
    l2_penalty_backward(w, lambda, dw);
    return dw;
}

} // namespace handgrad::reference
