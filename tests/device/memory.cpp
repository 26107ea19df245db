// The memory of the device by itself.

#include <fstream>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/device/memory.hpp"
#include "handgrad/device/transfer.hpp"
#include "support/algorithm.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

void write_ints(device::Buffer& buffer, const std::vector<int>& values) {
    buffer.reserve(values.size() * sizeof(int));
    device::copy_to_device(values.data(), buffer.data(), values.size() * sizeof(int));
}

std::vector<int> read_ints(const device::Buffer& buffer, std::size_t n) {
    std::vector<int> values(n);
    device::copy_to_host(buffer.data(), values.data(), n * sizeof(int));
    return values;
}

} // namespace

TEST_CASE("device::Buffer: a move takes memory and size along", "[device]") {
    const std::vector<int> numbers{1, 2, 3, 4, 5, 6, 7, 8}, others{9, 10};
    device::Buffer a;
    write_ints(a, numbers);
    const void* memory = a.data();

    device::Buffer b(std::move(a));
    CHECK(b.data() == memory);
    CHECK(a.data() == nullptr); // NOLINT(bugprone-use-after-move): it is empty, and can be used again
    CHECK(read_ints(b, 8) == numbers);
    b.reserve(8 * sizeof(int)); // large enough: keeps its memory and the numbers
    CHECK(b.data() == memory);
    CHECK(read_ints(b, 8) == numbers);
    write_ints(a, others);
    REQUIRE(a.data() != nullptr);
    CHECK(a.data() != memory);
    CHECK(read_ints(a, 2) == others);

    device::Buffer c;
    c = std::move(b);
    CHECK(c.data() == memory);
    CHECK(read_ints(c, 8) == numbers);
    write_ints(b, numbers); // NOLINT(bugprone-use-after-move)
    REQUIRE(b.data() != nullptr);
    CHECK(b.data() != memory);
    CHECK(read_ints(b, 8) == numbers);

    c = std::move(a); // the smaller one
    CHECK(read_ints(c, 2) == others);
    write_ints(c, numbers); // has to grow
    CHECK(read_ints(c, 8) == numbers);
}

TEST_CASE("device::Buffer: grows, never shrinks", "[device]") {
    device::Buffer buffer;
    CHECK(buffer.data() == nullptr);
    buffer.reserve(0);
    CHECK(buffer.data() == nullptr);
    buffer.reserve(100);
    const void* memory = buffer.data();
    REQUIRE(memory != nullptr);
    for (const std::size_t bytes : {100u, 99u, 1u, 0u}) {
        buffer.reserve(bytes);
        CHECK(buffer.data() == memory);
    }
    write_ints(buffer, std::vector<int>(1000, 7));
    CHECK(read_ints(buffer, 1000) == std::vector<int>(1000, 7));
}

TEST_CASE("item takes the number of a tensor that has one, and refuses others", "[device]") {
    CHECK(device::item(device::to_device(tensor<float>({1}, {2.5}))) == 2.5f);
    for (const Shape& shape : {Shape{2}, Shape{0}, Shape{1, 1}, Shape{3, 2}}) {
        const device::Tensor<double> x = device::to_device(full<double>(shape, 3.0));
        CHECK(message_of([&] { device::item(x); }) == "item: x has shape " + to_string(shape) + ", expected (1,)");
    }
}

TEST_CASE("device::Buffer: returns its memory", "[device]") {
#ifndef HANDGRAD_SANITIZED // AddressSanitizer keeps freed memory for a while, and finds leaks by itself
    if (device::is_gpu()) { return; }
    const auto pages = [] { // of this program's address space; 0 where the system does not say
        std::size_t n = 0;
        std::ifstream("/proc/self/statm") >> n;
        return n;
    };
    const std::size_t before = pages(), bytes = std::size_t(64) << 20;
    for (int i = 0; i < 16; ++i) {
        device::Buffer buffer;
        buffer.reserve(bytes);
        buffer.reserve(2 * bytes); // gives the smaller memory back
    }
    CHECK(pages() < before + 4 * bytes / 4096);
#endif
}

TEST_CASE("copy_from_host refuses a tensor of another shape", "[device]") {
    const Tensor<float> x = full<float>({2, 3}, 1.0f);
    device::Tensor<float> there(Shape{3, 2});
    CHECK(message_of([&] { Device<float>::copy_from_host(x, there); }) ==
          "copy_from_host: x has shape (2, 3), expected (3, 2)");
}

TEST_CASE("the plain algorithm uses the device's own kernels, the fast one on a host those of the cpu", "[device]") {
    {
        const Chosen plain(device::Algorithm::plain);
        CHECK(device::is_plain());
        CHECK_FALSE(device::uses_cpu_kernels());
    }
    const Chosen fast(device::Algorithm::fast);
    CHECK_FALSE(device::is_plain());
    CHECK(device::uses_cpu_kernels() == !device::is_gpu());
}
