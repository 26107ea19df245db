#pragma once
// The net of exercise 05.6: three linear layers, ReLU after the first, tanh
// after the second.

#include <handgrad/backends/reference.hpp>

using handgrad::Labels;
using handgrad::Tensor;

// N examples, D inputs, M_1 and M_2 hidden units, K classes.
template <class T> struct ThreeLayers {
    Tensor<T> w1, b1; // (D, M_1), (M_1)
    Tensor<T> w2, b2; // (M_1, M_2), (M_2)
    Tensor<T> w3, b3; // (M_2, K), (K)
};

// The intermediate results of forward.
template <class T> struct Steps {
    Tensor<T> z1, o1; // (N, M_1)
    Tensor<T> z2, o2; // (N, M_2)
    Tensor<T> z3, p;  // (N, K): scores and their softmax
    T loss = T(0);
};

template <class T> Steps<T> forward(const ThreeLayers<T>& net,
                                    const Tensor<T>& x, const Labels& y) {
    namespace ops = handgrad::reference;
    Steps<T> s;
    ops::linear_forward(x, net.w1, net.b1, s.z1);
    ops::relu_forward(s.z1, s.o1);
    ops::linear_forward(s.o1, net.w2, net.b2, s.z2);
    ops::tanh_forward(s.z2, s.o2);
    ops::linear_forward(s.o2, net.w3, net.b3, s.z3);
    s.loss = ops::cross_entropy_forward(s.z3, y, s.p);
    return s;
}
