#pragma once
/// @file
/// Data augmentation: random crops, shifts and flips of training images, as in torchvision.transforms.
///
/// A random step does not change the number of images. It shows the network another version of each image in each epoch.
/// What it draws is a function of (seed, step, epoch, image) alone, by Philox (tensor/philox.hpp). So the augmented
/// images are the same on every backend, for any number of threads, however the epoch is divided into mini-batches, and
/// after a resume.
///
/// Source: K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015, section
/// 3.1, for crops and flips; K. He et al., "Deep residual learning for image recognition", 2016, section 4.2, for the
/// crop of a padded image.

#include <cstddef>
#include <cstdint>
#include <string>

#include "handgrad/ops/size2d.hpp"
#include "handgrad/tensor/image_window.hpp"

namespace handgrad::data {

/// A random part of the image of a given size, after `padding` zeros have been added on each of the four sides. Every
/// position has the same probability. torchvision.transforms.RandomCrop.
struct RandomCrop {
    Size2d size;       ///< H, W of the result, at least 1 and at most the padded image
    Size2d padding{0}; ///< zeros above and below, left and right; less than the image
};

/// A shift by up to `pixels` rows and columns, in each direction, drawn independently; zeros move in. RandomCrop of the
/// image's own size with this padding.
struct RandomShift {
    Size2d pixels; ///< largest shift, less than the image
};

/// Reflects the image from left to right with probability p. torchvision.transforms.RandomHorizontalFlip.
struct RandomHorizontalFlip {
    double p = 0.5; ///< probability, from 0 to 1
};

/// What the random steps of an image are drawn from, beside the position of the step.
struct AugmentationCounter {
    std::uint64_t seed = 0;  ///< of the loader
    std::uint32_t epoch = 0; ///< number of complete passes over the data set
    std::uint32_t image = 0; ///< number of the image in the data set
};

/// An image of which the random steps so far show a window. Each function continues with one more step.
class AugmentedImage {
public:
    /// The image itself. @param size H and W
    explicit AugmentedImage(Size2d size);

    /// Crops. @param crop the step @param counter the image and its epoch
    /// @param step position of the step among all steps: two steps draw different numbers
    void apply(const RandomCrop& crop, const AugmentationCounter& counter, std::uint32_t step);
    /// Shifts. @param shift, counter, step as for a crop
    void apply(const RandomShift& shift, const AugmentationCounter& counter, std::uint32_t step);
    /// Flips, or does nothing. @param flip, counter, step as for a crop
    void apply(const RandomHorizontalFlip& flip, const AugmentationCounter& counter, std::uint32_t step);

    Size2d size() const { return size_; }                 ///< H, W of the result
    const ImageWindow& window() const { return window_; } ///< the part of the source that the result shows

private:
    void crop(Size2d size, std::int64_t row, std::int64_t column);

    Size2d size_;
    ImageWindow window_;
};

/// Throws ShapeError unless the crop's size is from 1 to the padded image's, and its padding less than the image.
/// @param step the step @param image H, W of the image that the step gets
void require_valid(const RandomCrop& step, Size2d image);
/// Throws ShapeError unless the shift is less than the image.
void require_valid(const RandomShift& step, Size2d image);
/// Throws ShapeError unless p is from 0 to 1.
void require_valid(const RandomHorizontalFlip& step, Size2d image);

} // namespace handgrad::data
