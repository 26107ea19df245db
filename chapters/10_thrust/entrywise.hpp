#pragma once
// ### Entry by entry: transform, and zip
//
// `thrust::transform` applies a function to every number of a range. It does not say in which order, and that is the
// point: nobody has to wait for anybody, so any number of threads can share the work.

#include <cstddef>

#include <thrust/for_each.h>
#include <thrust/iterator/zip_iterator.h>
#include <thrust/transform.h>
#include <thrust/tuple.h>

#include "sizes.hpp"

// The function is an object with an `operator()`, so that the compiler knows it when it compiles the loop, and the loop
// can be made of it alone. (It is `x < 0` and not `x > 0` so that a NaN comes through, and -0.)
struct Relu {
    ON_DEVICE float operator()(float x) const { return x < 0 ? 0 : x; }
};

// The first argument of every algorithm is the *execution policy*: it says where this is to run. The rest is the same
// everywhere.
template <class Policy> void relu_forward(const Policy& policy, const float* x, float* y, std::size_t n) {
    thrust::transform(policy, x, x + n, y, Relu{});
}

// With two input ranges the function has two arguments: dx = dy where x > 0, else 0.
struct ReluGradient {
    ON_DEVICE float operator()(float x, float dy) const { return x <= 0 ? 0 : dy; }
};

template <class Policy>
void relu_backward(const Policy& policy, const float* x, const float* dy, float* dx, std::size_t n) {
    thrust::transform(policy, x, x + n, dy, dx, ReluGradient{});
}

// A step of SGD with momentum, v = mu v + g, p = p - eta v, reads three ranges and writes two. `zip_iterator` makes one
// range of several: its entries are tuples of references. Two transforms would do as well, but then v would be written
// by the first and read again by the second.
struct SgdStep {
    float lr, momentum;
    template <class Entry> ON_DEVICE void operator()(Entry entry) const {
        float& p = thrust::get<0>(entry);
        float& v = thrust::get<2>(entry);
        v = momentum * v + thrust::get<1>(entry);
        p -= lr * v;
    }
};

template <class Policy>
void sgd_step(const Policy& policy, float* p, const float* g, float* v, std::size_t n, float lr, float momentum) {
    const auto entries = thrust::make_zip_iterator(thrust::make_tuple(p, g, v));
    thrust::for_each(policy, entries, entries + static_cast<std::ptrdiff_t>(n), SgdStep{lr, momentum});
}
