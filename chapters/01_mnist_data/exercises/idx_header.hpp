#pragma once
// Exercise 01.5: read the header of an IDX file, and believe nothing.

#include <cstdint>
#include <vector>

#include <handgrad/error.hpp>
#include <handgrad/tensor/tensor.hpp>

using handgrad::Shape;

// `file` is the whole file, byte by byte: two zeros, the type (8 for unsigned bytes), the number of dimensions, then
// that many extents of four bytes each, the most significant byte first, then one byte for each value.
//
// Returns the extents: for MNIST's training images (60000, 28, 28). Throws handgrad::DataError, with a message of one
// line, if the first two bytes are not 0, if the type is not 8, if the header is cut off, or if there are fewer or more
// values than the extents promise. (Three extents of 2^32 - 1 multiply to more than 64 bits can hold.)
inline Shape idx_shape(const std::vector<std::uint8_t>& file) {
    Shape shape{0, 0, 0};
    // Your code goes here.
    return shape;
}
