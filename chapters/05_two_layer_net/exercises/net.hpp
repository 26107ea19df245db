#pragma once
// The net of exercise 05.6: three linear layers, ReLU after the first, tanh after the second.

#include <handgrad/backends/reference.hpp>

using handgrad::Labels;
using handgrad::Tensor;

// N points, D inputs, H and M hidden units, K classes.
template <class T> struct ThreeLayers {
    Tensor<T> w1, b1; // (D, H), (H)
    Tensor<T> w2, b2; // (H, M), (M)
    Tensor<T> w3, b3; // (M, K), (K)
};

// All that forward computes on its way.
template <class T> struct Steps {
    Tensor<T> z1, h1; // (N, H)
    Tensor<T> z2, h2; // (N, M)
    Tensor<T> u, p;   // (N, K): scores and softmax of them
    T loss = T(0);
};

template <class T>
Steps<T> forward(const ThreeLayers<T>& net, const Tensor<T>& x, const Labels& y) {
    namespace ops = handgrad::reference;
    Steps<T> s;
    ops::linear_forward(x, net.w1, net.b1, s.z1);
    ops::relu_forward(s.z1, s.h1);
    ops::linear_forward(s.h1, net.w2, net.b2, s.z2);
    ops::tanh_forward(s.z2, s.h2);
    ops::linear_forward(s.h2, net.w3, net.b3, s.u);
    s.loss = ops::cross_entropy_forward(s.u, y, s.p);
    return s;
}
