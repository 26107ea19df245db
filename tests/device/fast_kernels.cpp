// The device's fast kernels on random shapes, against the reference. They are compiled for CUDA in two programs: on a
// machine with a GPU, and on any other with the stand-ins of tests/gpu/on_host. HANDGRAD_TEST_CASES=200 makes more cases.

#include <cmath>
#include <cstdlib>
#include <limits>

#include "catch.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/algorithm.hpp"
#include "support/options.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

std::size_t number_of_cases() {
    const char* wanted = std::getenv("HANDGRAD_TEST_CASES");
    return wanted != nullptr ? static_cast<std::size_t>(std::atoi(wanted)) : 24;
}

/// Whether shapes and numbers are equal; NaN is equal to NaN.
template <class T> bool same_numbers(const device::Tensor<T>& on_device, const Tensor<T>& expected) {
    const Tensor<T> got = device::to_host(on_device);
    return got.shape() == expected.shape() &&
           std::equal(got.data(), got.data() + got.size(), expected.data(),
                      [](T a, T b) { return a == b || (std::isnan(a) && std::isnan(b)); });
}

/// A convolution of random shape. Every third case has an infinite number in each tensor.
struct RandomConvolution {
    Conv2dOptions options;
    Shape x, w;
    bool has_bias, has_infinity;

    /// The number of channels of a group decides between the three widths of tiles. Forward and the weight's gradient
    /// count the output channels, the input's gradient the input channels.
    explicit RandomConvolution(std::size_t number) {
        Random random(number, 21);
        const auto from = [&](std::size_t low, std::size_t high) {
            return low + static_cast<std::size_t>(random.below(high - low + 1));
        };
        const std::size_t size = number % 6; // 0 to 2: narrow tiles, 3: wider ones, 4 and 5: the widest
        const std::size_t many = size < 3    ? from(1, 16)
                                 : size == 3 ? from(17, 32)
                                 : size == 4 ? from(33, 64)
                                             : from(65, 70);
        const std::size_t few = size < 3 ? from(1, 5) : from(1, 3), kernel = size < 4 ? 4 : 2;
        const bool many_outputs = number / 6 % 2 == 0;
        options = conv({from(1, 3), from(1, 3)}, {from(0, 2), from(0, 2)}, {from(1, 2), from(1, 2)},
                       size < 5 ? from(1, 3) : 1);
        const std::size_t batches[] = {1, 2, 3, 5, 0, 67}; // 67: a part of the batch is two images
        const std::size_t n = batches[size < 3 ? random.below(6) : random.below(4)], side = n == 67 ? 3 : 8;
        w = {options.groups * (many_outputs ? many : few), many_outputs ? few : many, from(1, kernel), from(1, kernel)};
        const auto pixels = [&](std::size_t taps, std::size_t dilation, std::size_t padding) {
            const std::size_t window = dilation * (taps - 1) + 1,
                              least = window > 2 * padding ? window - 2 * padding : 1;
            return from(least, std::max(least, side));
        };
        x = {n, options.groups * w[1], pixels(w[2], options.dilation.h, options.padding.h),
             pixels(w[3], options.dilation.w, options.padding.w)};
        has_bias = random.below(3) > 0;
        has_infinity = number % 3 == 2;
    }

    std::string text() const {
        return "x " + to_string(x) + ", w " + to_string(w) + ", stride " + to_string(options.stride) + ", padding " +
               to_string(options.padding) + ", dilation " + to_string(options.dilation) + ", groups " +
               std::to_string(options.groups);
    }
    /// Whole numbers, whose sums are exact in any order.
    template <class T> Tensor<T> numbers(const Shape& shape, std::uint64_t seed) const {
        Tensor<T> t = whole_numbers<T>(shape, seed);
        Random random(seed, 22);
        if (has_infinity && t.size() > 0) { t.data()[random.below(t.size())] = std::numeric_limits<T>::infinity(); }
        return t;
    }
};

} // namespace

TEMPLATE_TEST_CASE("fast kernels: random convolutions", "[device][cuda]", float, double) {
    using T = TestType;
    const Chosen chosen(device::Algorithm::fast);
    for (std::size_t i = 0; i < number_of_cases(); ++i) {
        const RandomConvolution c(i);
        INFO("case " << i << ": " << c.text());
        const auto x = c.numbers<T>(c.x, i), w = c.numbers<T>(c.w, i + 1);
        const auto b = c.numbers<T>({c.has_bias ? c.w[0] : 0}, i + 2);
        const auto y = reference::conv2d_forward(x, w, b, c.options);
        const auto dy = c.numbers<T>(y.shape(), i + 3);
        const auto g = reference::conv2d_backward(x, w, dy, c.options);
        const auto device_x = device::to_device(x), device_w = device::to_device(w), device_dy = device::to_device(dy);
        CHECK(same_numbers(device::conv2d_forward(device_x, device_w, device::to_device(b), c.options), y));
        const auto device_g = device::conv2d_backward(device_x, device_w, device_dy, c.options);
        CHECK(same_numbers(device_g.dx, g.dx));
        CHECK(same_numbers(device_g.dw, g.dw));
        CHECK(same_numbers(device_g.db, g.db));
        auto sum = device::to_device(whole_numbers<T>(c.w, i + 4));
        device::conv2d_backward_weight(device_x, device_dy, c.w, c.options, sum, Accumulate::yes);
        const Tensor<T> expected = whole_numbers<T>(c.w, i + 4) + g.dw;
        CHECK(same_numbers(sum, expected));
    }
}

TEMPLATE_TEST_CASE("fast kernels: random matrix products", "[device][cuda]", float, double) {
    using T = TestType;
    const Chosen chosen(device::Algorithm::fast);
    const std::size_t extents[] = {0, 1, 2, 3, 5, 17, 33, 64};
    for (std::size_t i = 0; i < 8 * number_of_cases(); ++i) {
        Random random(i, 23);
        const std::size_t n = extents[random.below(8)], in = extents[random.below(8)], out = extents[random.below(8)];
        INFO("case " << i << ": x (" << n << ", " << in << "), w (" << in << ", " << out << ")");
        const auto x = whole_numbers<T>({n, in}, i), w = whole_numbers<T>({in, out}, i + 1),
                   b = whole_numbers<T>({out}, i + 2), dy = whole_numbers<T>({n, out}, i + 3),
                   before = whole_numbers<T>({in, out}, i + 4);
        const auto device_x = device::to_device(x), device_w = device::to_device(w), device_dy = device::to_device(dy);
        CHECK(same_numbers(device::linear_forward(device_x, device_w, device::to_device(b)),
                           reference::linear_forward(x, w, b)));
        const auto g = reference::linear_backward(x, w, dy);
        const auto device_g = device::linear_backward(device_x, device_w, device_dy);
        CHECK(same_numbers(device_g.dx, g.dx));
        CHECK(same_numbers(device_g.dw, g.dw));
        CHECK(same_numbers(device_g.db, g.db));
        auto sum = device::to_device(before);
        device::linear_backward_weight(device_x, device_dy, sum, Accumulate::yes);
        const Tensor<T> expected = before + g.dw;
        CHECK(same_numbers(sum, expected));
    }
}

TEST_CASE("a GPU without enough memory says how much was asked for", "[device][cuda]") {
    if (!device::is_gpu()) { return; }
    device::Buffer buffer;
    const std::string message = message_of<std::runtime_error>([&] { buffer.reserve(std::size_t{1} << 50); });
    INFO(message);
    CHECK(message.find("out of GPU memory: asked for 1125899906842624 bytes, ") == 0);
    CHECK_NOTHROW(buffer.reserve(100));
}
