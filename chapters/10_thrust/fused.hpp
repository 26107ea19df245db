#pragma once
// ## Three operations in one: fusion
//
// Convolution, ReLU and pooling one after another write z, read it, write o, and read it. z and o
// are four times as large as the result. A work item that computes the four z of a window itself
// keeps them in registers. Moreover, three algorithms are started three times, and on a GPU a small
// batch spends most of its time on starts.
//
// ReLU of the maximum equals the maximum of the ReLUs, and saves three of the four.

#include "entrywise.hpp"
#include "images.hpp"

struct ConvReluPooling {
    ConvForward conv;
    ON_DEVICE thrust::tuple<float, std::int32_t> operator()(int window) const {
        const ConvSizes& size = conv.size;
        const int columns = size.Q() / 2, rows = size.P() / 2;
        const int q = window % columns * 2, p = window / columns % rows * 2;
        const int map = window / columns / rows;
        const int n = map / size.C_out, k = map % size.C_out;
        float best = conv.at(n, k, p, q);
        int winner = 0;
        for (int place = 1; place < 4; ++place) {
            const float z = conv.at(n, k, p + place / 2, q + place % 2);
            if (z > best || z != z) {
                best = z;
                winner = place;
            }
        }
        const int row = map * size.P() + p + winner / 2;
        return thrust::make_tuple(Relu{}(best),
                                  row * size.Q() + q + winner % 2);
    }
};

template <class Policy>
void conv2d_relu_max_pool2d_forward(const Policy& policy, const ConvSizes& size,
                                    const float* x, const float* w,
                                    const float* b, float* y,
                                    std::int32_t* winners) {
    const auto items = thrust::make_counting_iterator(0);
    const auto results =
        thrust::make_zip_iterator(thrust::make_tuple(y, winners));
    const ConvReluPooling pooling{{size, x, w, b}};
    thrust::transform(policy, items, items + size.pooled(), results, pooling);
}

// Backward through pooling and ReLU: the winner gets the gradient if ReLU has let it through, and
// the sign of y says so. `scatter_if` takes a *stencil* beside the map, and a condition for it.
struct IsOn {
    ON_DEVICE bool operator()(float y) const { return !(y <= 0); }
};

template <class Policy>
void relu_max_pool2d_backward(const Policy& policy, const float* dy,
                              const float* y, const std::int32_t* winners,
                              int windows, float* dz, int pixels) {
    thrust::fill(policy, dz, dz + pixels, 0.0f);
    thrust::scatter_if(policy, dy, dy + windows, winners, y, dz, IsOn{});
}
