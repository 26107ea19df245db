#pragma once
// Exercise 01.5: read the header of an IDX file, and trust nothing in it.

#include <cstdint>
#include <vector>

#include <handgrad/error.hpp>
#include <handgrad/tensor/tensor.hpp>

using handgrad::Shape;

inline Shape idx_shape(const std::vector<std::uint8_t>& file) {
    using handgrad::DataError;
    if (file.size() < 4 || file[0] != 0 || file[1] != 0) {
        throw DataError("idx: expected two zeros first");
    }
    if (file[2] != 8) {
        throw DataError("idx: expected type 8, unsigned bytes");
    }
    const std::size_t rank = file[3], header = 4 + 4 * rank;
    if (file.size() < header) { throw DataError("idx: the header is cut off"); }

    Shape shape(rank);
    std::size_t values = 1; // the product of the extents so far
    for (std::size_t axis = 0; axis < rank; ++axis) {
        std::size_t extent = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            extent = extent << 8 | file[4 + 4 * axis + i];
        }
        shape[axis] = extent;
        // The product of two numbers below 2^32 fits into 64 bits, so we stop
        // before a larger one is multiplied again.
        if (values > file.size() && extent > 0) {
            throw DataError("idx: fewer values than the header says");
        }
        values *= extent;
    }
    if (values != file.size() - header) {
        throw DataError(
            "idx: the number of values is not what the header says");
    }
    return shape;
}
