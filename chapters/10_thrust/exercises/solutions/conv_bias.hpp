#pragma once
// Exercise 10.5: the bias gradient of a convolution, with reduce_by_key.

#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/discard_iterator.h>
#include <thrust/iterator/permutation_iterator.h>
#include <thrust/iterator/transform_iterator.h>
#include <thrust/reduce.h>

#include <sizes.hpp> // ON_DEVICE

// i = (k * N + n) * places + p, taken to pieces: a channel has N * places numbers, an image places of them.
struct ChannelOf {
    int N, places;
    ON_DEVICE int operator()(int i) const { return i / (N * places); }
};
struct PlaceOf {
    int N, K, places;
    ON_DEVICE int operator()(int i) const {
        const int k = i / (N * places), n = i / places % N, p = i % places;
        return (n * K + k) * places + p;
    }
};

template <class Policy>
void conv_bias_backward(const Policy& policy, const float* dy, float* db, int N, int K, int places) {
    const auto count = thrust::make_counting_iterator(0);
    const auto keys = thrust::make_transform_iterator(count, ChannelOf{N, places});
    const auto order = thrust::make_transform_iterator(count, PlaceOf{N, K, places});
    const auto values = thrust::make_permutation_iterator(dy, order);
    thrust::reduce_by_key(policy, keys, keys + N * K * places, values, thrust::make_discard_iterator(), db);
}
