#pragma once
// Exercise 16.6: the gradients of all cells of an LSTM.
// Background: the introduction of chapter 16 (chapters/16_memory/doc/intro.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// One sequence of T steps with M hidden units. Rows of all tensors, (T, M), are
// steps, counted from 0. Forward was
//
//     c(t, j) = f(t, j) c(t - 1, j) + i(t, j) g(t, j)
//     h(t, j) = o(t, j) tanh(c(t, j))
//
// with the gates f, i and o. Given f, o, c and the gradient dh of each state,
// returns dc (T, M), the whole gradient of each cell: through the state of its own
// step and through the later cells. (What later gates make of h is in dh already.)
inline Tensor<double> cell_gradients(const Tensor<double>& f,
                                     const Tensor<double>& o,
                                     const Tensor<double>& c,
                                     const Tensor<double>& dh) {
    static_cast<void>(f); // until you use them
    static_cast<void>(o);
    static_cast<void>(dh);
    Tensor<double> dc = handgrad::zeros<double>(c.shape());
    // Your code goes here.
    return dc;
}
