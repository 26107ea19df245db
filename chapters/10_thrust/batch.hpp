#pragma once
// ## A batch: gather
//
// `thrust::gather` computes result[i] = source[map[i]]. Here the source is the set of all digits,
// as bytes, and the map says which pixel of which digit is next. Both ranges are computed on the
// fly: the map from i, and numbers from 0 to 1 from the bytes. So a shuffled batch costs one byte
// read and one number written per pixel, and the data set may stay on the device during the whole
// training.

#include <cstdint>

#include <thrust/gather.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/transform_iterator.h>

#include "sizes.hpp"

struct ToUnit {
    ON_DEVICE float operator()(std::uint8_t byte) const {
        return static_cast<float>(byte) / 255.0f;
    }
};

// `order` contains the shuffled numbers of the digits, and the batch begins at place *first of it.
// The functions read *first on the device, instead of receiving it from the host, so that a whole
// step can be recorded and replayed ("One start for a whole step" in system_cuda.cu).
struct PixelOf {
    const std::int32_t *order, *first;
    int pixels;
    ON_DEVICE int operator()(int i) const {
        return order[*first + i / pixels] * pixels + i % pixels;
    }
};

template <class Policy>
void gather_batch(const Policy& policy, const std::uint8_t* bytes,
                  const std::int32_t* all_labels, const std::int32_t* order,
                  const std::int32_t* first, int n, int pixels, float* images,
                  std::int32_t* labels) {
    const auto count = thrust::make_counting_iterator(0);
    const auto numbers = thrust::make_transform_iterator(bytes, ToUnit{});
    const auto places =
        thrust::make_transform_iterator(count, PixelOf{order, first, pixels});
    thrust::gather(policy, places, places + n * pixels, numbers, images);
    const auto digits =
        thrust::make_transform_iterator(count, PixelOf{order, first, 1});
    thrust::gather(policy, digits, digits + n, all_labels, labels);
}
