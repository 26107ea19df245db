#pragma once
// ## Entry by entry: transform and zip
//
// `thrust::transform` applies a function to every number of a range. It does not say in which
// order, and that is the point: no entry waits for another, so any number of threads can share the
// work.

#include <cstddef>

#include <thrust/for_each.h>
#include <thrust/iterator/zip_iterator.h>
#include <thrust/transform.h>
#include <thrust/tuple.h>

#include "sizes.hpp"

// The function is an object with an `operator()`. So the compiler knows it when it compiles the
// loop, and can make a loop for this function alone. (The condition is `x < 0` and not `x > 0`, so
// that a NaN and -0 come through.)
struct Relu {
    ON_DEVICE float operator()(float x) const { return x < 0 ? 0 : x; }
};

// The first argument of every algorithm is the *execution policy*: it says where the algorithm
// runs. The rest is the same everywhere.
template <class Policy> void relu_forward(const Policy& policy, const float* x,
                                          float* y, std::size_t n) {
    thrust::transform(policy, x, x + n, y, Relu{});
}

// With two input ranges the function has two arguments: dx = dy where x > 0, else 0.
struct ReluGradient {
    ON_DEVICE float operator()(float x, float dy) const {
        return x <= 0 ? 0 : dy;
    }
};

template <class Policy> void relu_backward(const Policy& policy, const float* x,
                                           const float* dy, float* dx,
                                           std::size_t n) {
    thrust::transform(policy, x, x + n, dy, dx, ReluGradient{});
}

// A step of SGD with momentum, $v \leftarrow \beta v + dw$ and $w \leftarrow w - \eta v$, reads
// three ranges and writes two. A `zip_iterator` makes one range of several: its entries are tuples
// of references. Two transforms would do as well, but then the first would write v and the second
// would read it again.
struct SgdStep {
    float lr, beta;
    template <class Entry> ON_DEVICE void operator()(Entry entry) const {
        float& w = thrust::get<0>(entry);
        float& v = thrust::get<2>(entry);
        v = beta * v + thrust::get<1>(entry);
        w -= lr * v;
    }
};

template <class Policy> void sgd_step(const Policy& policy, float* w,
                                      const float* dw, float* v, std::size_t n,
                                      float lr, float beta) {
    const auto entries =
        thrust::make_zip_iterator(thrust::make_tuple(w, dw, v));
    thrust::for_each(policy, entries, entries + static_cast<std::ptrdiff_t>(n),
                     SgdStep{lr, beta});
}
