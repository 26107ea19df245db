#include "handgrad/data/augmentation.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "handgrad/error.hpp"
#include "handgrad/tensor/philox.hpp"

namespace handgrad::data {
namespace {

// Dropout layers count from 0 upwards (philox.hpp: each purpose has numbers of its own).
constexpr std::uint32_t purpose = 0x41554700; // "AUG"

// The random bits of one step for one image; each step uses at most two words.
PhiloxBlock bits(const AugmentationCounter& counter, std::uint32_t step) {
    return random_block(counter.seed, purpose + step, counter.epoch, counter.image);
}

// A whole number from 0 to count - 1. Its probability differs from 1 / count by less than 2^-32.
std::int64_t below(std::size_t count, std::uint32_t bits) {
    return static_cast<std::int64_t>(std::uint64_t{count} * bits >> 32);
}

std::int32_t narrow(std::int64_t value) { return static_cast<std::int32_t>(value); }

// The range [begin, end) of covered rows or columns, seen from `first`, of which `count` are left.
void intersect(std::int32_t& begin, std::int32_t& end, std::int64_t first, std::size_t count) {
    const auto last = static_cast<std::int64_t>(count);
    begin = narrow(std::clamp<std::int64_t>(begin - first, 0, last));
    end = narrow(std::clamp<std::int64_t>(end - first, 0, last));
}

void require_less(const char* where, const char* what, Size2d value, Size2d image) {
    require_size(where, what, value, 0);
    require<ShapeError>(value.h < image.h && value.w < image.w, "{}: {} is {}, expected less than the image, {}", where,
                        what, as_written(value), to_string(image));
}

} // namespace

AugmentedImage::AugmentedImage(Size2d size) : size_(size) {
    window_.rows_end = narrow(static_cast<std::int64_t>(size.h));
    window_.columns_end = narrow(static_cast<std::int64_t>(size.w));
}

// Row p of the result is row p + row of the image so far, and likewise the columns.
void AugmentedImage::crop(Size2d size, std::int64_t row, std::int64_t column) {
    window_.first_row += narrow(row);
    window_.first_column += narrow(window_.column_step * column);
    intersect(window_.rows_begin, window_.rows_end, row, size.h);
    intersect(window_.columns_begin, window_.columns_end, column, size.w);
    size_ = size;
}

void AugmentedImage::apply(const RandomCrop& crop, const AugmentationCounter& counter, std::uint32_t step) {
    const PhiloxBlock random = bits(counter, step);
    const std::int64_t row = below(size_.h + 2 * crop.padding.h - crop.size.h + 1, random.word[0]);
    const std::int64_t column = below(size_.w + 2 * crop.padding.w - crop.size.w + 1, random.word[1]);
    this->crop(crop.size, row - static_cast<std::int64_t>(crop.padding.h),
               column - static_cast<std::int64_t>(crop.padding.w));
}

void AugmentedImage::apply(const RandomShift& shift, const AugmentationCounter& counter, std::uint32_t step) {
    apply(RandomCrop{size_, shift.pixels}, counter, step);
}

void AugmentedImage::apply(const RandomHorizontalFlip& flip, const AugmentationCounter& counter, std::uint32_t step) {
    if (uniform_from_bits(bits(counter, step).word[0]) >= flip.p) { return; }
    const std::int32_t last = narrow(static_cast<std::int64_t>(size_.w)) - 1;
    window_.first_column += window_.column_step * last;
    window_.column_step = -window_.column_step;
    std::swap(window_.columns_begin, window_.columns_end);
    window_.columns_begin = last + 1 - window_.columns_begin;
    window_.columns_end = last + 1 - window_.columns_end;
}

void require_valid(const RandomCrop& step, Size2d image) {
    require_size("RandomCrop", "size", step.size, 1);
    require_less("RandomCrop", "padding", step.padding, image);
    const Size2d padded(image.h + 2 * step.padding.h, image.w + 2 * step.padding.w);
    require<ShapeError>(step.size.h <= padded.h && step.size.w <= padded.w,
                        "RandomCrop: size is {}, expected at most the padded image, {}", as_written(step.size),
                        to_string(padded));
}

void require_valid(const RandomShift& step, Size2d image) { require_less("RandomShift", "pixels", step.pixels, image); }

void require_valid(const RandomHorizontalFlip& step, Size2d) {
    require<ShapeError>(step.p >= 0 && step.p <= 1, "RandomHorizontalFlip: p is {}, expected 0 to 1", step.p);
}

} // namespace handgrad::data
