#pragma once
// Exercise 10.5: the bias gradient of a convolution, with reduce_by_key.
// Background: chapter 10, the section about reduce_by_key, and the book's page
// "Convolution" (lib/handgrad/ops/conv2d/conv2d.md).

#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/discard_iterator.h>
#include <thrust/iterator/permutation_iterator.h>
#include <thrust/iterator/transform_iterator.h>
#include <thrust/reduce.h>

#include <sizes.hpp> // ON_DEVICE

// dy has shape (N, C_out, places): N images, C_out channels, and places = P Q
// numbers for each. The result db has C_out numbers:
//
//     db_k = sum over n and p of dy_nkp
//
// reduce_by_key adds up neighbours with equal keys, but the numbers of a
// channel are neighbours only within an image. So let i = 0, 1, ... count all
// N C_out places numbers channel by channel: first those of channel 0 in all
// images, then those of channel 1, and so on. (column_sums_by_key in sums.hpp
// does the same for a matrix.)
struct ChannelOf { // the channel of the i-th number in that order: its key
    int N, places;
    ON_DEVICE int operator()(int i) const {
        // Your code goes here.
        return 0;
    }
};
struct PlaceOf { // the position in dy of the i-th number in that order
    int N, C_out, places;
    ON_DEVICE int operator()(int i) const {
        // Your code goes here.
        return 0;
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
