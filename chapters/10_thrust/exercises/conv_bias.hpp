#pragma once
// Exercise 10.5: the bias gradient of a convolution, with reduce_by_key.

#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/discard_iterator.h>
#include <thrust/iterator/permutation_iterator.h>
#include <thrust/iterator/transform_iterator.h>
#include <thrust/reduce.h>

#include <sizes.hpp> // ON_DEVICE

// dy has shape (N, K, places): N images, K channels, and places = P * Q numbers for each. The result db has K numbers:
//
//     db_k = sum over n and p of dy_nkp
//
// reduce_by_key adds up neighbours with equal keys, but the numbers of one channel are neighbours only within an image.
// So let i = 0, 1, 2, ... count all N * K * places numbers channel by channel: first those of channel 0 in all images,
// then those of channel 1, and so on. (column_sums_by_key in sums.hpp does the same for a matrix.)
struct ChannelOf { // the channel of the i-th number in that order: its key
    int N, places;
    ON_DEVICE int operator()(int i) const {
        // Your code goes here.
        return 0;
    }
};
struct PlaceOf { // where in dy the i-th number in that order is
    int N, K, places;
    ON_DEVICE int operator()(int i) const {
        // Your code goes here.
        return 0;
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
