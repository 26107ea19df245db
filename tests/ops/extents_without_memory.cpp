// Shapes that nobody has the memory for: the checks that come before any memory is asked for.

#include "catch.hpp"
#include "handgrad/error.hpp"
#include "handgrad/ops/pool2d/pool2d.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

TEST_CASE("max_pool2d: an index counts at most 2^31 - 1 pixels of a channel", "[ops][pool2d]") {
    const auto forward = [](std::size_t h, std::size_t w) {
        return message_of([&] { check_max_pool2d_forward({1, 1, h, w}, MaxPool2dOptions(2)); });
    };
    CHECK(forward(1 << 16, (1 << 15) - 1) == "no exception");
    CHECK(forward(1 << 16, 1 << 15) ==
          "max_pool2d_forward: x has shape (1, 1, 65536, 32768), expected at most 2147483647 pixels in a channel");
    CHECK(forward(1 << 15, 1 << 16) ==
          "max_pool2d_forward: x has shape (1, 1, 32768, 65536), expected at most 2147483647 pixels in a channel");
}
