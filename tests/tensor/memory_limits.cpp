// More numbers than there is memory for, and the ends of a shape.

#include <cstddef>
#include <limits>
#include <new>

#include "catch.hpp"
#include "handgrad/tensor/tensor.hpp"

using namespace handgrad;

TEST_CASE("memory for more numbers than a size counts in bytes is refused", "[tensor]") {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    // n * sizeof(T) would be a small number again.
    for (const std::size_t n : {most, most / sizeof(double) + 2, most / 2 / sizeof(double) + 1}) {
        CHECK_THROWS_AS(AlignedAllocator<double>().allocate(n), std::bad_alloc);
    }
    for (const std::size_t n : {most, most / sizeof(float) + 2, most / 2 / sizeof(float) + 1}) {
        CHECK_THROWS_AS(AlignedAllocator<float>().allocate(n), std::bad_alloc);
    }
}

TEST_CASE("the first and the last extent of a shape", "[tensor]") {
    const Shape fixed{3, 4, 5};
    CHECK(fixed.front() == 3);
    CHECK(fixed.back() == 5);
    Shape shape = fixed;
    shape.front() = 7;
    shape.back() = 9;
    CHECK(shape == Shape{7, 4, 9});
}
