#pragma once
/// @file
/// A validation set: training images that are held back, to choose settings without looking at the test images.

#include <cstddef>
#include <cstdint>

#include "handgrad/data/mnist.hpp"

namespace handgrad::data {

/// Which images of a data set become the validation set.
enum class Held {
    first, ///< the first ones
    last,  ///< the last ones
    random ///< drawn at random without replacement, as torch.utils.data.random_split
};

/// A data set in two disjoint parts, which together have all of its images.
struct ValidationSplit {
    ImageDataset train;      ///< "MNIST train", without the images held back
    ImageDataset validation; ///< "MNIST validation"
};

/// Divides a data set. In both parts the images keep their order.
/// @param dataset the training images; copied
/// @param count size of the validation set: at least 1, and less than the data set
/// @param held which images
/// @param seed of the choice, for Held::random
/// @throws ShapeError for another count
ValidationSplit hold_back(const ImageDataset& dataset, std::size_t count, Held held = Held::last,
                          std::uint64_t seed = 0);

} // namespace handgrad::data
