// Where NaN and infinity go in matrix products and convolutions, as docs/edges.md tells it: every product of the
// formula counts, those with 0 too; a tap in the padding makes no product.

#include <cmath>
#include <limits>
#include <map>

#include "catch.hpp"
#include "ops/chains.hpp"
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
std::size_t wrong_entries(const Tensor<double>& got, const Tensor<double>& expected) {
    if (got.shape() != expected.shape()) { return std::max<std::size_t>(expected.size(), 1); }
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double a = got.data()[i], b = expected.data()[i];
        wrong += !(a == b || (std::isnan(a) && std::isnan(b)));
    }
    return wrong;
}

/// Writes up to three NaN and infinities anywhere into t.
void spoil(Tensor<double>& t, Random& random) {
    const double values[] = {a_nan, an_infinity, -an_infinity};
    for (std::size_t i = 0, count = 1 + random.below(3); i < count && t.size() > 0; ++i) {
        t.data()[random.below(t.size())] = values[random.below(3)];
    }
}

/// The same in some of x, w and dy, and sometimes in b.
void spoil(Values& values, Random& random) {
    const std::uint64_t spoilt = 1 + random.below(7);
    if (spoilt & 1) { spoil(values["x"], random); }
    if (spoilt & 2) { spoil(values["w"], random); }
    if (spoilt & 4) { spoil(values["dy"], random); }
    if (random.below(8) == 0) { spoil(values["b"], random); }
}

/// A drawn convolution of whole numbers, whose sums are exact in any order, with NaN and infinities in some operands.
struct SpoiltConvolution {
    Conv2dOptions options;
    Values values;
    bool is_small; ///< whether plain loops can compute it

    /// @param shape_of_dy (x, w, options) to the shape of the gradient that comes in
    template <class ShapeOfDy> SpoiltConvolution(std::uint64_t seed, const ShapeOfDy& shape_of_dy) {
        Random random(seed, 4);
        const auto up_to = [&](std::size_t n) { return 1 + static_cast<std::size_t>(random.below(n)); };
        const std::size_t batches[] = {1, 1, 2, 3, 7, 8, 16, 17, 33};
        const bool is_usual =
            random.below(4) == 0; // a kernel of 3 x 3 with stride 1, which has an algorithm of its own
        const std::size_t n = batches[random.below(9)], groups = is_usual ? 1 : up_to(2);
        const std::size_t c = up_to(random.below(3) == 0 ? 14 : 3), k = up_to(random.below(3) == 0 ? 44 : 5);
        const Size2d kernel = is_usual ? Size2d(3) : Size2d(up_to(4), up_to(4));
        options.stride = is_usual ? Size2d(1) : Size2d(up_to(2), up_to(2));
        options.padding = Size2d(random.below(3), random.below(3));
        options.dilation = is_usual ? Size2d(1) : Size2d(up_to(2), up_to(2));
        options.groups = groups;
        // At least two rows and columns of results, as the pooling wants them.
        const auto least = [](std::size_t size, std::size_t stride, std::size_t padding, std::size_t dilation) {
            const std::size_t needed = dilation * (size - 1) + 1 + stride;
            return needed > 2 * padding ? needed - 2 * padding : 1;
        };
        const std::size_t h = least(kernel.h, options.stride.h, options.padding.h, options.dilation.h) - 1 + up_to(5);
        const std::size_t v = least(kernel.w, options.stride.w, options.padding.w, options.dilation.w) - 1 + up_to(5);
        const Shape of_x{n, c * groups, h, v}, of_w{k * groups, c, kernel.h, kernel.w};
        values = {{"x", whole_numbers<double>(of_x, 4 * seed)},
                  {"w", whole_numbers<double>(of_w, 4 * seed + 1)},
                  {"b", whole_numbers<double>({k * groups}, 4 * seed + 2)},
                  {"dy", whole_numbers<double>(shape_of_dy(of_x, of_w, options), 4 * seed + 3)}};
        is_small = values["dy"].size() * c * kernel.h * kernel.w <= 40'000;
        spoil(values, random);
    }

    std::string name() const {
        return "x " + to_string(values.at("x").shape()) + ", w " + to_string(values.at("w").shape()) + ", stride " +
               to_string(options.stride) + ", padding " + to_string(options.padding) + ", dilation " +
               to_string(options.dilation) + ", groups " + std::to_string(options.groups);
    }
};

/// How many entries of the results of an operation, forward and backward, are wrong over many cases.
struct WrongEntries {
    std::map<std::string, std::size_t> wrong{{"y", 0}, {"dx", 0}, {"dw", 0}, {"db", 0}};
    std::string first; ///< case with a wrong entry

    void add(const std::string& name, const Values& got, const Values& expected) {
        for (auto& [result, count] : wrong) {
            const std::size_t more = wrong_entries(got.at(result), expected.at(result));
            if (first.empty() && more > 0) { first = name; }
            count += more;
        }
    }
    void check_none() const {
        INFO("the first that is wrong: " << first);
        for (const auto& [result, count] : wrong) {
            INFO(result);
            CHECK(count == 0);
        }
    }
};

/// The convolution with each of its kernels.
std::vector<Chain> conv2d_by_all_kernels(Conv2dOptions options) {
    std::vector<Chain> all;
    for (const ConvAlgorithm algorithm : conv_algorithms) {
        options.algorithm = algorithm;
        all.push_back(conv2d(options));
    }
    return all;
}

} // namespace

HANDGRAD_TEST_ON_BACKENDS("edges: a tap in the padding makes no product", "[edges][conv2d]") {
    // One row of two pixels, a kernel of three taps, a pixel of padding at either end.
    const auto w = tensor<double>({1, 1, 1, 3}, {5, 7, 11});
    const auto none = zeros<double>({0});
    for (const std::size_t images : {1, 2, 16}) { // with and without SIMD
        const double count = static_cast<double>(images);
        const auto all = [&](std::initializer_list<double> row) {
            Tensor<double> copies(Shape{images, 1, 1, 2});
            for (std::size_t i = 0; i < copies.size(); ++i) { copies.data()[i] = row.begin()[i % 2]; }
            return copies;
        };
        for (const Chain& chain : conv2d_by_all_kernels(conv(1, Size2d(0, 1)))) {
            for (const double bad : {an_infinity, -an_infinity, a_nan}) {
                // The first tap of the first window lies in the padding: y_0 = 7 2 + 11 3 has no bad term.
                // dx_0 = 13 w_1 + 17 w_0 and dx_1 = 13 w_2 + 17 w_1.
                const auto bad_w = tensor<double>({1, 1, 1, 3}, {bad, 7, 11});
                const Values g = chain(on, {{"x", all({2, 3})}, {"w", bad_w}, {"b", none}, {"dy", all({13, 17})}});
                CHECK(wrong_entries(g.at("y"), all({47, bad * 2 + 7 * 3})) == 0);
                CHECK(wrong_entries(g.at("dx"), all({bad, 13 * 11 + 17 * 7})) == 0);
                // dw_0 = dy_1 x_0, dw_1 = dy_0 x_0 + dy_1 x_1, dw_2 = dy_0 x_1: a bad dy_0 leaves dw_0 alone.
                Values bad_dy{{"x", all({2, 3})}, {"w", w}, {"b", none}, {"dy", all({bad, 17})}};
                const Values h = chain(on, bad_dy);
                CHECK(wrong_entries(h.at("dw"), tensor<double>({1, 1, 1, 3}, {17 * 2 * count, bad, bad})) == 0);
                CHECK(wrong_entries(h.at("db"), tensor<double>({1}, {bad})) == 0);
                bad_dy["dw"] = full<double>({1, 1, 1, 3}, 100);
                chain["conv2d_backward_weight"](on, bad_dy, Accumulate::yes);
                CHECK(wrong_entries(bad_dy["dw"], tensor<double>({1, 1, 1, 3}, {100 + 17 * 2 * count, bad, bad})) == 0);
            }
        }
    }
    // A zero is a factor like any other: 0 times infinity is NaN.
    Conv2dOptions options = conv(1, Size2d(0, 1));
    options.algorithm = conv_algorithms[2];
    const auto nothing = zeros<double>({1, 1, 1, 2}), bad_x = tensor<double>({1, 1, 1, 2}, {an_infinity, 3});
    const Values g = conv2d(options)(on, {{"x", bad_x}, {"w", w}, {"b", none}, {"dy", nothing}});
    CHECK(wrong_entries(g.at("dw"), tensor<double>({1, 1, 1, 3}, {a_nan, a_nan, 0})) == 0);
    const Values y =
        conv2d(options)(on, {{"x", nothing}, {"w", tensor<double>({1, 1, 1, 3}, {an_infinity, 7, 11})}, {"b", none}});
    CHECK(wrong_entries(y.at("y"), tensor<double>({1, 1, 1, 2}, {0, a_nan})) == 0);
}

HANDGRAD_TEST_ON_FAST("edges: NaN and infinity in conv2d appear where the formula has them", "[edges][conv2d]") {
    std::size_t compared = 0;
    WrongEntries wrong;
    for (std::uint64_t seed = 0; seed < shapes_to_draw; ++seed) {
        const SpoiltConvolution s(seed, [](const Shape& x, const Shape& w, const Conv2dOptions& o) {
            return check_conv2d_forward(x, w, {0}, o);
        });
        if (!s.is_small) { continue; }
        ++compared;
        const Values expected = conv2d(s.options)(reference_of(on), s.values);
        for (const Chain& chain : conv2d_by_all_kernels(s.options)) {
            wrong.add(s.name(), chain(on, s.values), expected);
        }
    }
    CHECK(compared > shapes_to_draw / 2);
    wrong.check_none();
}

HANDGRAD_TEST_ON_BACKENDS(
    "edges: NaN and infinity in conv2d_relu_max_pool2d appear where its three operations have them", "[edges][fused]") {
    std::size_t compared = 0;
    WrongEntries wrong;
    const Chain relu = chain_of("relu"), pooling = max_pool2d(Size2d(2));
    for (std::uint64_t seed = 0; seed < shapes_to_draw; ++seed) {
        const SpoiltConvolution s(seed, [](const Shape& x, const Shape& w, const Conv2dOptions& o) {
            return check_conv2d_relu_max_pool2d_forward(x, w, {0}, o).y;
        });
        if (!s.is_small) { continue; }
        ++compared;
        const Backend& plain = reference_of(on);
        Values expected = s.values;
        const Chain convolution = conv2d(s.options);
        convolution.forward(plain, expected);
        Values h{{"x", expected["y"]}};
        relu.forward(plain, h);
        const Values pooled = pooling(plain, {{"x", h["y"]}, {"dy", s.values.at("dy")}});
        h["dy"] = pooled.at("dx");
        expected["dy"] = relu(plain, h).at("dx");
        expected = convolution(plain, expected);
        expected["y"] = pooled.at("y");
        Values arguments = s.values;
        arguments["dw"] = zeros<double>(s.values.at("w").shape());
        arguments["db"] = zeros<double>(s.values.at("b").shape());
        wrong.add(s.name(),
                  conv2d_relu_max_pool2d(s.options)(on, arguments, seed % 2 == 0 ? Accumulate::no : Accumulate::yes),
                  expected);
    }
    CHECK(compared > shapes_to_draw / 2);
    wrong.check_none();
}

HANDGRAD_TEST_ON_CPU("edges: the number of threads does not change a bit of a convolution with infinities",
                     "[edges][threads]") {
    const Conv2dOptions options = conv(1, 1); // with padding: other loops than for finite numbers
    Values arguments{{"x", normal_numbers<double>({37, 3, 6, 6}, 1)},
                     {"b", normal_numbers<double>({5}, 2)},
                     {"w", normal_numbers<double>({5, 3, 3, 3}, 3)},
                     {"dy", normal_numbers<double>({37, 5, 6, 6}, 4)}};
    arguments["w"](1, 2, 0, 0) = an_infinity;
    arguments["dy"](20, 3, 0, 0) = a_nan;
    Values of_fused = arguments;
    of_fused["dy"] =
        conv2d_relu_max_pool2d(options)(on, {{"x", arguments["x"]}, {"w", arguments["w"]}, {"b", arguments["b"]}})
            .at("y");
    CHECK(same_on_any_number_of_threads([&] {
        const Values g = conv2d(options)(on, arguments), f = conv2d_relu_max_pool2d(options)(on, of_fused);
        return std::vector<Tensor<double>>{g.at("y"), g.at("dx"), g.at("dw"), g.at("db"),
                                           f.at("y"), f.at("dx"), f.at("dw"), f.at("db")};
    }));
}

HANDGRAD_TEST_ON_FAST("edges: NaN and infinity in linear appear where the formula has them", "[edges]") {
    WrongEntries wrong;
    const Chain linear = chain_of("linear");
    for (std::uint64_t seed = 0; seed < shapes_to_draw; ++seed) {
        Random random(seed, 5);
        const auto extent = [&] { return 1 + static_cast<std::size_t>(random.below(random.below(2) == 0 ? 9 : 70)); };
        const std::size_t n = extent(), in = extent(), out = extent();
        Values values{{"x", whole_numbers<double>({n, in}, 4 * seed)},
                      {"w", whole_numbers<double>({in, out}, 4 * seed + 1)},
                      {"b", whole_numbers<double>({out}, 4 * seed + 2)},
                      {"dy", whole_numbers<double>({n, out}, 4 * seed + 3)}};
        spoil(values, random);
        wrong.add("x " + to_string(values["x"].shape()) + ", w " + to_string(values["w"].shape()), linear(on, values),
                  linear(reference_of(on), values));
    }
    wrong.check_none();
}
