#pragma once
// Exercise 16.4: the gradients of all states of an RNN.
// Background: the introduction of chapter 16 (chapters/16_memory/doc/intro.md).

#include <handgrad/tensor/tensor.hpp>

using handgrad::Tensor;

// One sequence of T steps with M hidden units. Row t of h (T, M) is the state
// after step t, counted from 0. Forward was
//
//     h(t, k) = tanh(x(t, k) + sum over j of h(t - 1, j) w(j, k))
//
// where x is what comes from the inputs, and w (M, M) is w_hh. Row t of dy (T, M)
// is the upstream gradient: what the layer above gives the state of step t.
//
// Returns dh (T, M), the whole gradient of each state: row t is dL/dh of step t,
// through its own output and through all later steps.
inline Tensor<double> state_gradients(const Tensor<double>& h,
                                      const Tensor<double>& w,
                                      const Tensor<double>& dy) {
    static_cast<void>(w); // until you use them
    static_cast<void>(dy);
    Tensor<double> dh = handgrad::zeros<double>(h.shape());
    // Your code goes here.
    return dh;
}
