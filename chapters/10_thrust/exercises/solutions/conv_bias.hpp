#pragma once
// Exercise 10.5: the bias gradient of a convolution, with reduce_by_key.

#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/discard_iterator.h>
#include <thrust/iterator/permutation_iterator.h>
#include <thrust/iterator/transform_iterator.h>
#include <thrust/reduce.h>

#include <sizes.hpp> // ON_DEVICE

// i = (k * N + n) * places + p. A channel has N * places numbers, and `places`
// of them are in each image.
struct ChannelOf {
    int N, places;
    ON_DEVICE int operator()(int i) const { return i / (N * places); }
};
struct PlaceOf {
    int N, C_out, places;
    ON_DEVICE int operator()(int i) const {
        const int k = i / (N * places), n = i / places % N, p = i % places;
        return (n * C_out + k) * places + p;
    }
};

template <class Policy> void conv_bias_backward(const Policy& policy,
                                                const float* dy, float* db,
                                                int N, int C_out, int places) {
    const auto count = thrust::make_counting_iterator(0);
    const auto keys =
        thrust::make_transform_iterator(count, ChannelOf{N, places});
    const auto order =
        thrust::make_transform_iterator(count, PlaceOf{N, C_out, places});
    const auto values = thrust::make_permutation_iterator(dy, order);
    thrust::reduce_by_key(policy, keys, keys + N * C_out * places, values,
                          thrust::make_discard_iterator(), db);
}
