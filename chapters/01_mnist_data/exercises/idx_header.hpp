#pragma once
// Exercise 01.5: read the header of an IDX file, and trust nothing in it.
// Background: chapter 01, the section about the file format.

#include <cstdint>
#include <vector>

#include <handgrad/error.hpp>
#include <handgrad/tensor/tensor.hpp>

using handgrad::Shape;

// `file` is the whole file, byte by byte: two zeros, the type (8 for unsigned
// bytes), the number of dimensions, then one extent of four bytes for each
// dimension, the most significant byte first, then one byte for each value.
//
// Returns the extents: (60000, 28, 28) for MNIST's training images. Throws
// handgrad::DataError with a message of one line if
// - the first two bytes are not 0, or the type is not 8;
// - the header is cut off;
// - the file has fewer or more values than the extents say. (The product of
//   three extents of 2^32 - 1 does not fit into 64 bits.)
inline Shape idx_shape(const std::vector<std::uint8_t>& file) {
    Shape shape{0, 0, 0};
    // Your code goes here.
    return shape;
}
