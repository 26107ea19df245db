// Where NaN and infinity go in matrix products and convolutions, as docs/edges.md tells it: every product of the
// formula counts, those with 0 too; a tap in the padding makes no product.

#include <array>
#include <cmath>
#include <limits>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "support/options.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace handgrad;
using namespace support;

namespace {

constexpr double a_nan = std::numeric_limits<double>::quiet_NaN();
constexpr double an_infinity = std::numeric_limits<double>::infinity();

#ifdef HANDGRAD_SANITIZED
constexpr std::size_t shapes_to_draw = 60;
#else
constexpr std::size_t shapes_to_draw = 400;
#endif

/// Entries in which a result is not what it should be: another number, or NaN in place of a number, or the reverse.
template <class T> std::size_t wrong_entries(const Tensor<T>& got, const Tensor<T>& expected) {
    if (got.shape() != expected.shape()) { return std::max<std::size_t>(expected.size(), 1); }
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const T a = got.data()[i], b = expected.data()[i];
        wrong += !(a == b || (std::isnan(a) && std::isnan(b)));
    }
    return wrong;
}

/// Puts up to three NaN and infinities anywhere in t.
template <class T> void spoil(Tensor<T>& t, Random& random) {
    const double values[] = {a_nan, an_infinity, -an_infinity};
    for (std::size_t i = 0, count = 1 + random.below(3); i < count && t.size() > 0; ++i) {
        t.data()[random.below(t.size())] = static_cast<T>(values[random.below(3)]);
    }
}

/// A drawn convolution of whole numbers, whose sums are exact in any order, with NaN and infinities in some operands.
template <class T> struct SpoiltConvolution {
    Conv2dOptions options;
    Tensor<T> x, w, b, dy;
    bool is_small; ///< whether plain loops can compute it

    /// @param shape_of_dy (x, w, options) to the shape of the gradient that comes in
    template <class ShapeOfDy> SpoiltConvolution(std::uint64_t seed, const ShapeOfDy& shape_of_dy) {
        Random random(seed, 4);
        const auto up_to = [&](std::size_t n) { return 1 + static_cast<std::size_t>(random.below(n)); };
        const std::size_t batches[] = {1, 1, 2, 3, 7, 8, 16, 17, 33};
        const std::size_t n = batches[random.below(9)], groups = up_to(2);
        const std::size_t c = up_to(random.below(3) == 0 ? 14 : 3), k = up_to(random.below(3) == 0 ? 44 : 5);
        const Size2d kernel(up_to(4), up_to(4));
        options.stride = Size2d(up_to(2), up_to(2));
        options.padding = Size2d(random.below(3), random.below(3));
        options.dilation = Size2d(up_to(2), up_to(2));
        options.groups = groups;
        // At least two rows and columns of results, as the pooling wants them.
        const auto least = [](std::size_t size, std::size_t stride, std::size_t padding, std::size_t dilation) {
            const std::size_t needed = dilation * (size - 1) + 1 + stride;
            return needed > 2 * padding ? needed - 2 * padding : 1;
        };
        const std::size_t h = least(kernel.h, options.stride.h, options.padding.h, options.dilation.h) - 1 + up_to(5);
        const std::size_t v = least(kernel.w, options.stride.w, options.padding.w, options.dilation.w) - 1 + up_to(5);
        x = whole_numbers<T>({n, c * groups, h, v}, 4 * seed);
        w = whole_numbers<T>({k * groups, c, kernel.h, kernel.w}, 4 * seed + 1);
        b = whole_numbers<T>({k * groups}, 4 * seed + 2);
        dy = whole_numbers<T>(shape_of_dy(x.shape(), w.shape(), options), 4 * seed + 3);
        is_small = dy.size() * c * kernel.h * kernel.w <= 40'000;
        const std::uint64_t spoilt = up_to(7);
        if (spoilt & 1) { spoil(x, random); }
        if (spoilt & 2) { spoil(w, random); }
        if (spoilt & 4) { spoil(dy, random); }
        if (random.below(8) == 0) { spoil(b, random); }
    }

    std::string name() const {
        return "x " + to_string(x.shape()) + ", w " + to_string(w.shape()) + ", stride " + to_string(options.stride) +
               ", padding " + to_string(options.padding) + ", dilation " + to_string(options.dilation) + ", groups " +
               std::to_string(options.groups);
    }
};

/// How many entries of the results of an operation, forward and backward, are wrong over many cases.
struct WrongEntries {
    std::size_t y = 0, dx = 0, dw = 0, db = 0;
    std::string first; ///< case with a wrong entry

    /// Adds a case. got and expected: y, dx, dw, db
    template <class T>
    void add(const std::string& name, const std::array<Tensor<T>, 4>& got, const std::array<Tensor<T>, 4>& expected) {
        const std::size_t before = y + dx + dw + db;
        y += wrong_entries(got[0], expected[0]);
        dx += wrong_entries(got[1], expected[1]);
        dw += wrong_entries(got[2], expected[2]);
        db += wrong_entries(got[3], expected[3]);
        if (first.empty() && y + dx + dw + db > before) { first = name; }
    }
    void check_none() const {
        INFO("the first that is wrong: " << first);
        CHECK(y == 0);
        CHECK(dx == 0);
        CHECK(dw == 0);
        CHECK(db == 0);
    }
};

} // namespace

TEMPLATE_TEST_CASE("edges: a tap in the padding makes no product", "[edges][conv2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    // One row of two pixels, a kernel of three taps, a pixel of padding at either end.
    Conv2dOptions options = conv(1, Size2d(0, 1));
    const auto x = tensor<T>({1, 1, 1, 2}, {2, 3}), w = tensor<T>({1, 1, 1, 3}, {5, 7, 11});
    const auto none = zeros<T>({0});
    for (const std::size_t images : {1, 2, 16}) { // with and without SIMD
        for (const ConvAlgorithm algorithm : conv_algorithms) {
            options.algorithm = algorithm;
            const auto all = [&](const Tensor<T>& image) {
                Tensor<T> copies(Shape{images, 1, 1, 2});
                for (std::size_t i = 0; i < copies.size(); ++i) { copies.data()[i] = image.data()[i % 2]; }
                return copies;
            };
            for (const double bad : {an_infinity, -an_infinity, a_nan}) {
                // The first tap of the first window lies in the padding: y_0 = 7 2 + 11 3 has no bad term.
                const auto bad_w = tensor<T>({1, 1, 1, 3}, {bad, 7, 11});
                const auto y = B::conv2d_forward(all(x), bad_w, none, options);
                CHECK(wrong_entries(y, all(tensor<T>({1, 1, 1, 2}, {47, bad * 2 + 7 * 3}))) == 0);
                // dx_0 = 13 w_1 + 17 w_0 and dx_1 = 13 w_2 + 17 w_1.
                const auto dy = tensor<T>({1, 1, 1, 2}, {13, 17});
                const auto g = B::conv2d_backward(all(x), bad_w, all(dy), options);
                CHECK(wrong_entries(g.dx, all(tensor<T>({1, 1, 1, 2}, {bad, 13 * 11 + 17 * 7}))) == 0);
                // dw_0 = dy_1 x_0, dw_1 = dy_0 x_0 + dy_1 x_1, dw_2 = dy_0 x_1: a bad dy_0 leaves dw_0 alone.
                const auto bad_dy = B::conv2d_backward(all(x), w, all(tensor<T>({1, 1, 1, 2}, {bad, 17})), options);
                const double count = static_cast<double>(images);
                CHECK(wrong_entries(bad_dy.dw, tensor<T>({1, 1, 1, 3}, {17 * 2 * count, bad, bad})) == 0);
                CHECK(wrong_entries(bad_dy.db, tensor<T>({1}, {bad})) == 0);
                Tensor<T> added = tensor<T>({1, 1, 1, 3}, {100, 100, 100});
                B::conv2d_backward_weight(all(x), all(tensor<T>({1, 1, 1, 2}, {bad, 17})), w.shape(), options, added,
                                          Accumulate::yes);
                CHECK(wrong_entries(added, tensor<T>({1, 1, 1, 3}, {100 + 17 * 2 * count, bad, bad})) == 0);
            }
        }
    }
    // A zero is a factor like any other: 0 times infinity is NaN.
    const auto nothing = zeros<T>({1, 1, 1, 2}), bad_x = tensor<T>({1, 1, 1, 2}, {an_infinity, 3});
    CHECK(wrong_entries(B::conv2d_backward(bad_x, w, nothing, options).dw,
                        tensor<T>({1, 1, 1, 3}, {a_nan, a_nan, 0})) == 0);
    CHECK(wrong_entries(B::conv2d_forward(nothing, tensor<T>({1, 1, 1, 3}, {an_infinity, 7, 11}), none, options),
                        tensor<T>({1, 1, 1, 2}, {0, a_nan})) == 0);
}

TEMPLATE_TEST_CASE("edges: NaN and infinity in conv2d appear where the formula has them", "[edges][conv2d]", Cpu<float>,
                   Cpu<double>, support::OnDevice<float>, support::OnDevice<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    std::size_t compared = 0;
    WrongEntries wrong;
    for (std::uint64_t seed = 0; seed < shapes_to_draw; ++seed) {
        const SpoiltConvolution<T> s(seed, [](const Shape& x, const Shape& w, const Conv2dOptions& o) {
            return check_conv2d_forward(x, w, {0}, o);
        });
        if (!s.is_small) { continue; }
        ++compared;
        const auto y = reference::conv2d_forward(s.x, s.w, s.b, s.options);
        const auto expected = reference::conv2d_backward(s.x, s.w, s.dy, s.options);
        Conv2dOptions options = s.options;
        for (const ConvAlgorithm algorithm : conv_algorithms) {
            options.algorithm = algorithm;
            const auto g = B::conv2d_backward(s.x, s.w, s.dy, options);
            wrong.add<T>(s.name() + ", algorithm " + std::to_string(static_cast<int>(algorithm)),
                         {B::conv2d_forward(s.x, s.w, s.b, options), g.dx, g.dw, g.db},
                         {y, expected.dx, expected.dw, expected.db});
        }
    }
    CHECK(compared > shapes_to_draw / 2);
    wrong.check_none();
}

TEMPLATE_TEST_CASE("edges: NaN and infinity in conv2d_relu_max_pool2d appear where its three operations have them",
                   "[edges][fused]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    std::size_t compared = 0;
    WrongEntries wrong;
    for (std::uint64_t seed = 0; seed < shapes_to_draw; ++seed) {
        const SpoiltConvolution<T> s(seed, [](const Shape& x, const Shape& w, const Conv2dOptions& o) {
            return check_conv2d_relu_max_pool2d_forward(x, w, {0}, o).y;
        });
        if (!s.is_small) { continue; }
        ++compared;
        const Tensor<T> z = reference::conv2d_forward(s.x, s.w, s.b, s.options), h = reference::relu_forward(z);
        const auto pooled = reference::max_pool2d_forward(h, MaxPool2dOptions(2));
        const Tensor<T> dh = reference::max_pool2d_backward(s.dy, pooled.indices, h.shape());
        const auto expected = reference::conv2d_backward(s.x, s.w, reference::relu_backward(z, dh), s.options);
        Tensor<T> y, winners, dx, dw = zeros<T>(s.w.shape()), db = zeros<T>(s.b.shape());
        B::conv2d_relu_max_pool2d_forward(s.x, s.w, s.b, s.options, y, winners);
        B::conv2d_relu_max_pool2d_backward_input(s.dy, winners, s.w, s.x.shape(), s.options, dx);
        B::conv2d_relu_max_pool2d_backward_parameters(s.x, s.dy, winners, s.w.shape(), s.options, dw, db,
                                                      seed % 2 == 0 ? Accumulate::no : Accumulate::yes);
        wrong.add<T>(s.name(), {y, dx, dw, db}, {pooled.y, expected.dx, expected.dw, expected.db});
    }
    CHECK(compared > shapes_to_draw / 2);
    wrong.check_none();
}

TEMPLATE_TEST_CASE("edges: the number of threads does not change a bit of a convolution with infinities",
                   "[edges][threads]", Cpu<float>, Cpu<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    const Conv2dOptions options = conv(1, 1); // with padding: other loops than for finite numbers
    const auto x = normal_numbers<T>({37, 3, 6, 6}, 1), b = normal_numbers<T>({5}, 2);
    auto w = normal_numbers<T>({5, 3, 3, 3}, 3), dy = normal_numbers<T>({37, 5, 6, 6}, 4);
    w(1, 2, 0, 0) = static_cast<T>(an_infinity);
    dy(20, 3, 0, 0) = static_cast<T>(a_nan);
    CHECK(same_on_any_number_of_threads([&] {
        const Conv2dGradients<Tensor<T>> g = B::conv2d_backward(x, w, dy, options);
        Tensor<T> y, winners, dx, dw, db;
        B::conv2d_relu_max_pool2d_forward(x, w, b, options, y, winners);
        B::conv2d_relu_max_pool2d_backward_input(y, winners, w, x.shape(), options, dx);
        B::conv2d_relu_max_pool2d_backward_parameters(x, y, winners, w.shape(), options, dw, db);
        return std::vector<Tensor<T>>{B::conv2d_forward(x, w, b, options), g.dx, g.dw, g.db, y, dx, dw, db};
    }));
}

TEMPLATE_TEST_CASE("edges: NaN and infinity in linear appear where the formula has them", "[edges]", Cpu<float>,
                   Cpu<double>, support::OnDevice<float>, support::OnDevice<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    WrongEntries wrong;
    for (std::uint64_t seed = 0; seed < shapes_to_draw; ++seed) {
        Random random(seed, 5);
        const auto extent = [&] { return 1 + static_cast<std::size_t>(random.below(random.below(2) == 0 ? 9 : 70)); };
        const std::size_t n = extent(), in = extent(), out = extent();
        auto x = whole_numbers<T>({n, in}, 4 * seed), w = whole_numbers<T>({in, out}, 4 * seed + 1),
             b = whole_numbers<T>({out}, 4 * seed + 2), dy = whole_numbers<T>({n, out}, 4 * seed + 3);
        const std::uint64_t spoilt = 1 + random.below(7);
        if (spoilt & 1) { spoil(x, random); }
        if (spoilt & 2) { spoil(w, random); }
        if (spoilt & 4) { spoil(dy, random); }
        if (random.below(8) == 0) { spoil(b, random); }
        const auto expected = reference::linear_backward(x, w, dy), got = B::linear_backward(x, w, dy);
        wrong.add<T>("x " + to_string(x.shape()) + ", w " + to_string(w.shape()),
                     {B::linear_forward(x, w, b), got.dx, got.dw, got.db},
                     {reference::linear_forward(x, w, b), expected.dx, expected.dw, expected.db});
    }
    wrong.check_none();
}
