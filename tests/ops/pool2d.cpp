// max_pool2d and avg_pool2d on all backends; PyTorch's values are in tests/ops/image_torch.cpp.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/nn/nn.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// Windows to pool with; all of them fit an image of 4 x 4 or more.
struct PoolWindow {
    Size2d kernel, stride, padding, dilation;
    bool ceil_mode;
};
constexpr PoolWindow windows[] = {{2, 2, 0, 1, false},
                                  {2, 2, 0, 1, true},
                                  {3, 2, 1, 1, false},
                                  {{3, 2}, {1, 2}, {1, 0}, 1, true},
                                  {{2, 3}, {3, 1}, {0, 1}, 1, false},
                                  {2, 1, 1, {2, 1}, false},
                                  {2, {1, 2}, 0, {2, 3}, true},
                                  {1, {2, 3}, 0, 1, false},
                                  {4, 4, 2, 1, true},
                                  {2, {5, 4}, 1, 1, true},
                                  {7, {4, 5}, 1, 1, true}}; // larger than an image of 4 x 4 with its padding

std::string to_text(const Shape& shape, const PoolWindow& w) {
    return to_string(shape) + ", kernel " + to_string(w.kernel) + ", stride " + to_string(w.stride) + ", padding " +
           to_string(w.padding) + ", dilation " + to_string(w.dilation) + (w.ceil_mode ? ", ceil" : "");
}

/// Whole images of several sizes, even and odd, high and wide.
template <class F> void for_each_window(const F& f) {
    for (const std::size_t n : {1, 2, 3, 7}) {
        for (const std::size_t c : {1, 2, 3}) {
            for (const auto& [h, w] : {std::pair<std::size_t, std::size_t>{4, 4}, {6, 10}, {7, 5}, {9, 34}}) {
                for (const PoolWindow& window : windows) { f(Shape{n, c, h, w}, window); }
            }
        }
    }
}

MaxPool2dOptions max_options(const PoolWindow& w) { return {w.kernel, w.stride, w.padding, w.dilation, w.ceil_mode}; }
AvgPool2dOptions avg_options(const PoolWindow& w) {
    return {w.kernel, w.stride, w.padding, w.ceil_mode, w.kernel.h != 3};
}

Indices places(const Shape& shape, std::initializer_list<std::int32_t> values) {
    Indices t(shape);
    std::copy(values.begin(), values.end(), t.data());
    return t;
}

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double positive_infinity = std::numeric_limits<double>::infinity();

} // namespace

TEMPLATE_TEST_CASE("max_pool2d: windows side by side, done by hand", "[ops][max_pool2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    // The last column belongs to no window.
    const auto x = tensor<T>({1, 2, 2, 5}, {1,  2,  5, 4, 9, /**/ 3,  0,  6, 7, 9, //
                                            -1, -2, 8, 1, 0, /**/ -3, -4, 2, 3, 0});
    const auto [y, indices] = B::max_pool2d_forward(x, Size2d(2));
    CHECK(equal_numbers(y, tensor<T>({1, 2, 1, 2}, {3, 7, -1, 8})));
    CHECK(equal_numbers(indices, places({1, 2, 1, 2}, {5, 8, 0, 2})));
    const auto dy = tensor<T>({1, 2, 1, 2}, {10, 20, 30, 40});
    CHECK(equal_numbers(B::max_pool2d_backward(dy, indices, x.shape()),
                        tensor<T>({1, 2, 2, 5}, {0,  0, 0,  0, 0, /**/ 10, 0, 0, 20, 0, //
                                                 30, 0, 40, 0, 0, /**/ 0,  0, 0, 0,  0})));
}

TEMPLATE_TEST_CASE("max_pool2d: a pixel that wins in several windows gets all their gradients", "[ops][max_pool2d]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto x = tensor<T>({1, 1, 3, 3}, {0, 1, 2, /**/ 3, 9, 4, /**/ 5, 6, 7});
    const auto [y, indices] = B::max_pool2d_forward(x, MaxPool2dOptions(2, 1));
    CHECK(equal_numbers(y, tensor<T>({1, 1, 2, 2}, {9, 9, 9, 9})));
    CHECK(equal_numbers(indices, places({1, 1, 2, 2}, {4, 4, 4, 4})));
    CHECK(equal_numbers(B::max_pool2d_backward(tensor<T>({1, 1, 2, 2}, {1, 2, 4, 8}), indices, x.shape()),
                        tensor<T>({1, 1, 3, 3}, {0, 0, 0, /**/ 0, 15, 0, /**/ 0, 0, 0})));
}

TEMPLATE_TEST_CASE("pooling: with ceil_mode the kernel may be larger than the padded image, as in PyTorch",
                   "[ops][max_pool2d][avg_pool2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    // All values are those of PyTorch 2.13, for dy = 1, 2, ...: F.max_pool2d(x, kernel, stride, padding, dilation,
    // True, True) and F.avg_pool2d(x, kernel, stride, padding, True, count_include_pad).
    const auto x = tensor<T>({1, 1, 2, 2}, {1, 2, /**/ 4, 3}), wide = tensor<T>({1, 1, 2, 5}, {1, 5, 2, 0, 3, //
                                                                                               4, -1, 6, 2, 8});
    const auto square = tensor<T>({1, 1, 3, 3}, {1, 5, 2, /**/ 4, -1, 6, /**/ 7, 0, 3});
    const auto one = tensor<T>({1, 1, 1, 1}, {1}), two = tensor<T>({1, 1, 1, 2}, {1, 2});
    const auto max = [](const Tensor<T>& image, const MaxPool2dOptions& options, const Tensor<T>& y,
                        const Indices& indices, const Tensor<T>& dy, const Tensor<T>& dx) {
        const auto result = B::max_pool2d_forward(image, options);
        CHECK(equal_numbers(result.y, y));
        CHECK(equal_numbers(result.indices, indices));
        CHECK(equal_numbers(B::max_pool2d_backward(dy, result.indices, image.shape()), dx));
    };
    const auto avg = [](const Tensor<T>& image, const AvgPool2dOptions& options, const Tensor<T>& y,
                        const Tensor<T>& dy, const Tensor<T>& dx) {
        CHECK(equal_numbers(B::avg_pool2d_forward(image, options), y));
        CHECK(equal_numbers(B::avg_pool2d_backward(dy, image.shape(), options), dx));
    };
    const auto last_wins = tensor<T>({1, 1, 2, 2}, {0, 0, 1, 0});
    max(x, {3, 3, 0, 1, true}, tensor<T>({1, 1, 1, 1}, {4}), places({1, 1, 1, 1}, {2}), one, last_wins);
    max(x, {6, 6, 1, 1, true}, tensor<T>({1, 1, 1, 1}, {4}), places({1, 1, 1, 1}, {2}), one, last_wins);
    max(wide, {{4, 2}, {3, 4}, {0, 1}, 1, true}, tensor<T>({1, 1, 1, 2}, {4, 8}), places({1, 1, 1, 2}, {5, 9}), two,
        tensor<T>({1, 1, 2, 5}, {0, 0, 0, 0, 0, /**/ 1, 0, 0, 0, 2}));
    max(square, {2, 3, 0, 3, true}, tensor<T>({1, 1, 1, 1}, {1}), places({1, 1, 1, 1}, {0}), one,
        tensor<T>({1, 1, 3, 3}, {1, 0, 0, 0, 0, 0, 0, 0, 0}));
    for (const bool include_pad : {true, false}) {
        avg(x, {3, 3, 0, true, include_pad}, tensor<T>({1, 1, 1, 1}, {2.5}), one, full<T>({1, 1, 2, 2}, T(0.25)));
    }
    avg(x, {6, 6, 1, true, true}, tensor<T>({1, 1, 1, 1}, {0.625}), one, full<T>({1, 1, 2, 2}, T(0.0625)));
    avg(x, {6, 6, 1, true, false}, tensor<T>({1, 1, 1, 1}, {2.5}), one, full<T>({1, 1, 2, 2}, T(0.25)));
    avg(wide, {{4, 2}, {3, 4}, {0, 1}, true, true}, tensor<T>({1, 1, 1, 2}, {1.25, 3.25}), two,
        tensor<T>({1, 1, 2, 5}, {0.25, 0, 0, 0.5, 0.5, /**/ 0.25, 0, 0, 0.5, 0.5}));
    avg(wide, {{4, 2}, {3, 4}, {0, 1}, true, false}, tensor<T>({1, 1, 1, 2}, {2.5, 3.25}), two,
        tensor<T>({1, 1, 2, 5}, {0.5, 0, 0, 0.5, 0.5, /**/ 0.5, 0, 0, 0.5, 0.5}));
    nn::MaxPool2d<B> pool(MaxPool2dOptions(3, 3, 0, 1, true));
    CHECK(pool.output_shape({1, 1, 2, 2}) == Shape{1, 1, 1, 1});
}

TEMPLATE_TEST_CASE("max_pool2d: padding, dilation and ceil_mode, done by hand", "[ops][max_pool2d]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    // Padding never wins, though it would be greater as a zero.
    const auto x = tensor<T>({1, 1, 1, 3}, {-3, -2, -4});
    const auto padded = B::max_pool2d_forward(x, MaxPool2dOptions({1, 2}, 1, {0, 1}));
    CHECK(equal_numbers(padded.y, tensor<T>({1, 1, 1, 4}, {-3, -2, -2, -4})));
    CHECK(equal_numbers(padded.indices, places({1, 1, 1, 4}, {0, 1, 1, 2})));
    const auto dilated = B::max_pool2d_forward(x, MaxPool2dOptions({1, 2}, 1, 0, {1, 2}));
    CHECK(equal_numbers(dilated.y, tensor<T>({1, 1, 1, 1}, {-3})));
    const auto floored = B::max_pool2d_forward(x, MaxPool2dOptions({1, 2}, {1, 2}));
    CHECK(equal_numbers(floored.y, tensor<T>({1, 1, 1, 1}, {-2})));
    const auto ceiled = B::max_pool2d_forward(x, MaxPool2dOptions({1, 2}, {1, 2}, 0, 1, true));
    CHECK(equal_numbers(ceiled.y, tensor<T>({1, 1, 1, 2}, {-2, -4})));
    CHECK(equal_numbers(ceiled.indices, places({1, 1, 1, 2}, {1, 2})));
}

TEMPLATE_TEST_CASE("max_pool2d: the first of equals wins, the last NaN, and minus infinity can", "[ops][max_pool2d]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    struct Contest {
        double pixels[4];
        std::int32_t winner;
    };
    // Each in a wide image, so that every path of a kernel sees it, alone and among others.
    for (const std::size_t blocks : {1, 3, 40}) {
        for (const Contest& contest :
             {Contest{{1, 1, 1, 1}, 0},
              {{0, 1, 1, 0}, 1},
              {{0, 0, 1, 1}, 2},
              {{1, 0, 0, 1}, 0},
              {{0.0, -0.0, 0.0, -0.0}, 0},
              {{-0.0, 0.0, 0.0, -0.0}, 0},
              {{not_a_number, 1, 2, 3}, 0},
              {{1, not_a_number, 2, 3}, 1},
              {{1, 2, not_a_number, 3}, 2},
              {{1, 2, 3, not_a_number}, 3},
              {{not_a_number, not_a_number, 2, 3}, 1},
              {{not_a_number, 1, not_a_number, 3}, 2},
              {{not_a_number, not_a_number, not_a_number, not_a_number}, 3},
              {{positive_infinity, not_a_number, positive_infinity, 1}, 1},
              {{1, positive_infinity, positive_infinity, 2}, 1},
              {{-positive_infinity, -positive_infinity, -positive_infinity, -positive_infinity}, 0},
              {{-positive_infinity, -positive_infinity, -positive_infinity, -5}, 3}}) {
            const double* v = contest.pixels;
            Tensor<T> x(Shape{1, 1, 2, 2 * blocks});
            for (std::size_t b = 0; b < blocks; ++b) {
                for (const std::size_t place : {0, 1, 2, 3}) {
                    x(0, 0, place / 2, 2 * b + place % 2) = static_cast<T>(v[place]);
                }
            }
            INFO(blocks << " blocks of " << v[0] << " " << v[1] << " " << v[2] << " " << v[3]);
            for (const bool ceil_mode : {false, true}) {
                const auto [y, indices] = B::max_pool2d_forward(x, MaxPool2dOptions(2, 2, 0, 1, ceil_mode));
                const auto place = static_cast<std::size_t>(contest.winner);
                bool good = true;
                for (std::size_t b = 0; b < blocks; ++b) {
                    const std::size_t expected = place / 2 * 2 * blocks + 2 * b + place % 2;
                    good = good && static_cast<std::size_t>(indices(0, 0, 0, b)) == expected;
                    const T pixel = x.data()[expected];
                    good = good && std::memcmp(&y(0, 0, 0, b), &pixel, sizeof(T)) == 0;
                }
                CHECK(good);
            }
        }
    }
}

TEMPLATE_TEST_CASE("avg_pool2d: done by hand", "[ops][avg_pool2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto x = tensor<T>({1, 1, 2, 5}, {1, 2, 5, 4, 9, /**/ 3, 0, 6, 7, 9});
    CHECK(equal_numbers(B::avg_pool2d_forward(x, Size2d(2)), tensor<T>({1, 1, 1, 2}, {1.5, 5.5})));
    const auto dy = tensor<T>({1, 1, 1, 2}, {4, 8});
    CHECK(equal_numbers(B::avg_pool2d_backward(dy, x.shape(), Size2d(2)),
                        tensor<T>({1, 1, 2, 5}, {1, 1, 2, 2, 0, /**/ 1, 1, 2, 2, 0})));

    const auto row = tensor<T>({1, 1, 1, 3}, {2, 4, 8});
    const auto pool = [&](const AvgPool2dOptions& options) { return B::avg_pool2d_forward(row, options); };
    // Padding counts, or not; what ceil_mode adds beyond the padding never does.
    CHECK(equal_numbers(pool({{1, 2}, 1, {0, 1}}), tensor<T>({1, 1, 1, 4}, {1, 3, 6, 4})));
    CHECK(equal_numbers(pool({{1, 2}, 1, {0, 1}, false, false}), tensor<T>({1, 1, 1, 4}, {2, 3, 6, 8})));
    CHECK(equal_numbers(pool({{1, 2}, {1, 2}, 0, true}), tensor<T>({1, 1, 1, 2}, {3, 8})));
    CHECK(equal_numbers(pool({{1, 4}, {1, 3}, {0, 1}, true}), tensor<T>({1, 1, 1, 2}, {3.5, 4})));
    CHECK(equal_numbers(pool({{1, 4}, {1, 3}, {0, 1}, true, false}), tensor<T>({1, 1, 1, 2}, {14.0 / 3, 8})));
}

TEMPLATE_TEST_CASE("pooling: equal to the reference over the grid, and buffers are overwritten", "[ops][max_pool2d]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for_each_window([](const Shape& shape, const PoolWindow& window) {
        INFO(to_text(shape, window));
        const auto x = whole_numbers<T>(shape, 1); // ties in almost every window
        const MaxPool2dOptions max = max_options(window);
        auto expected = reference::max_pool2d_forward(x, max);
        decltype(expected) got;
        const auto dy = whole_numbers<T>(expected.y.shape(), 2);
        REQUIRE(overwrites(expected.y, [&](Tensor<T>& t) { B::max_pool2d_forward(x, max, t, got.indices); }));
        REQUIRE(equal_numbers(got.indices, expected.indices));
        Indices dirty = full<std::int32_t>({3, 2}, -7);
        B::max_pool2d_forward(x, max, got.y, dirty);
        REQUIRE(equal_numbers(dirty, expected.indices));
        const Tensor<T> dx = reference::max_pool2d_backward(dy, expected.indices, shape);
        REQUIRE(overwrites(dx, [&](Tensor<T>& t) { B::max_pool2d_backward(dy, expected.indices, shape, t); }));
        if (window.dilation != Size2d(1)) { return; }

        const AvgPool2dOptions avg = avg_options(window);
        const Tensor<T> y = reference::avg_pool2d_forward(x, avg);
        REQUIRE(overwrites(y, [&](Tensor<T>& t) { B::avg_pool2d_forward(x, avg, t); }));
        const Tensor<T> dx_avg = reference::avg_pool2d_backward(dy, shape, avg);
        REQUIRE(overwrites(dx_avg, [&](Tensor<T>& t) { B::avg_pool2d_backward(dy, shape, avg, t); }));
    });
}

TEMPLATE_TEST_CASE("pooling: many channels, wide images, and images beyond one block", "[ops][max_pool2d]", Cpu<float>,
                   Cpu<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    // Narrow and wide rows of 2 x 2 blocks; more columns than the kernel takes at once; several chunks.
    for (const Shape& shape : {Shape{2, 3, 2, 2},
                               {3, 2, 40, 2},
                               {1, 2, 4, 2050},
                               {1, 1, 2, 4096},
                               {64, 10, 24, 24},
                               {40, 20, 8, 8},
                               {5, 3, 23, 23},
                               {3, 1, 25, 24}}) {
        INFO(to_string(shape));
        const auto x = whole_numbers<T>(shape, 1);
        const auto expected = reference::max_pool2d_forward(x, Size2d(2));
        const auto got = B::max_pool2d_forward(x, Size2d(2));
        CHECK(equal_numbers(got.y, expected.y));
        CHECK(equal_numbers(got.indices, expected.indices));
        const auto dy = whole_numbers<T>(got.y.shape(), 2);
        CHECK(equal_numbers(B::max_pool2d_backward(dy, got.indices, shape),
                            reference::max_pool2d_backward(dy, got.indices, shape)));
        CHECK(equal_numbers(B::avg_pool2d_forward(x, Size2d(2)), reference::avg_pool2d_forward(x, Size2d(2))));
        CHECK(equal_numbers(B::avg_pool2d_backward(dy, shape, Size2d(2)),
                            reference::avg_pool2d_backward(dy, shape, Size2d(2))));
    }
}

TEMPLATE_TEST_CASE("pooling: an empty batch gives an empty result", "[ops][max_pool2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const Size2d kernel : {Size2d(2), Size2d(3)}) {
        const Tensor<T> x(Shape{0, 3, 6, 6});
        const auto [y, indices] = B::max_pool2d_forward(x, kernel);
        CHECK(y.shape() == Shape{0, 3, 6 / kernel.h, 6 / kernel.w});
        CHECK(indices.shape() == y.shape());
        CHECK(B::max_pool2d_backward(y, indices, x.shape()).shape() == x.shape());
        CHECK(B::avg_pool2d_forward(x, kernel).shape() == y.shape());
        CHECK(B::avg_pool2d_backward(y, x.shape(), kernel).shape() == x.shape());
    }
}

TEMPLATE_TEST_CASE("max_pool2d: images without pixels have no windows, and an empty gradient", "[ops][max_pool2d]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const Indices none(Shape{2, 3, 0, 0});
    CHECK(B::max_pool2d_backward(zeros<T>({2, 3, 0, 0}), none, Shape{2, 3, 0, 5}).shape() == Shape{2, 3, 0, 5});
}
