// max_pool2d and avg_pool2d: their entries in the table of operations; windows done by hand, and many of them.

#include "catch.hpp"
#include "handgrad/check/check.hpp"
#include "handgrad/nn/nn.hpp"
#include "ops/chains.hpp"
#include "ops/images.hpp"
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

/// Places in images, or other small whole numbers.
Tensor<double> places(const Shape& shape, std::initializer_list<double> values) {
    return tensor<double>(shape, values);
}

/// All different, so that no window's maximum is near another pixel: shuffled multiples of 0.05, float's.
Tensor<double> numbers_apart(const Shape& shape, std::uint64_t seed) {
    Tensor<double> t(shape);
    for (std::size_t i = 0; i < t.size(); ++i) {
        t.data()[i] = static_cast<float>(0.05 * (static_cast<double>(i) - static_cast<double>(t.size()) / 2));
    }
    Random random(seed, 4);
    for (std::size_t i = t.size(); i > 1; --i) { std::swap(t.data()[i - 1], t.data()[random.below(i)]); }
    return t;
}

/// Both poolings of x.
Values pooled(const Backend& on, const Chain& chain, const Tensor<double>& x, const Tensor<double>& dy) {
    return chain(on, {{"x", x}, {"dy", dy}});
}
Values pooled(const Backend& on, const Chain& chain, const Tensor<double>& x) { return chain(on, {{"x", x}}); }

std::vector<Refusal> max_pool2d_refusals() {
    using Options = MaxPool2dOptions;
    const auto negative = [](int number) { return static_cast<std::size_t>(number); };
    const auto forward = [](const Shape& x, const Options& options, const std::string& message) {
        return Refusal{max_pool2d(options).forward, {{"x", zeros<double>(x)}}, message};
    };
    const auto backward = [](const Shape& dy, std::initializer_list<double> winners, const Shape& x,
                             const std::string& message) {
        const auto indices = tensor<double>(Shape{1, 1, 1, winners.size()}, winners);
        return Refusal{max_pool2d(Size2d(2))["max_pool2d_backward"],
                       {{"dy", zeros<double>(dy)}, {"indices", indices}, {"x", zeros<double>(x)}},
                       message};
    };
    const Shape x{1, 3, 6, 6};
    return {
        forward({3, 6, 6}, Size2d(2), "x has shape (3, 6, 6), expected 4 dimensions (N, C, H, W)"),
        forward(x, Size2d(2, 0), "kernel_size is (2, 0), expected at least 1"),
        forward(x, Options(2, {0, 1}), "stride is (0, 1), expected at least 1"),
        forward(x, Options(2, 1, 0, 0), "dilation is 0, expected at least 1"),
        forward(x, Options(2, 1, {1, 2}), "padding is (1, 2), expected at most half of the kernel's size (2, 2)"),
        forward(x, Options({3, 4}, 1, 2), "padding is (2, 2), expected at most half of the kernel's size (3, 4)"),
        forward(x, Size2d(7, 2),
                "the kernel covers (7, 2) pixels, expected at most (6, 6), the image with its padding"),
        forward({1, 3, 4, 4}, Options(3, 1, 0, {1, 2}),
                "the kernel covers (3, 5) pixels, expected at most (4, 4), the image with its padding"),
        forward({1, 1, 2, 2}, Options(4, {3, 2}, 0, 1, true),
                "the kernel covers (4, 4) pixels, expected at most (4, 3), the image with its padding and, for "
                "ceil_mode, a stride less 1"),
        // Here PyTorch's maximum is minus infinity, at a place outside the image.
        forward({1, 1, 1, 5}, Options(2, 2, 1, 2),
                "window 0 contains no pixel: stride 2, padding 1, dilation 2, image 1"),
        forward({1, 1, 5, 2}, Options(2, 1, 1, {1, 3}),
                "window 0 contains no pixel: stride 1, padding 1, dilation 3, image 2"),
        forward({1, 1, 0, 5}, Options(2, 1, 1), "window 0 contains no pixel: stride 1, padding 1, dilation 1, image 0"),
        forward({1, 1, 2, 2}, Options(2, 1, 1, 2), ""),
        forward({1, 1, 6, 6}, Options(negative(-2)), "kernel_size is -2, expected at least 1"),
        forward({1, 1, 6, 6}, Options(2, {1, negative(-1)}), "stride is (1, -1), expected at least 1"),
        backward({1, 1, 2}, {0, 1}, {1, 1, 2, 4}, "dy has shape (1, 1, 2), expected 4 dimensions (N, C, P, Q)"),
        backward({1, 1, 1, 2}, {0, 1}, {1, 2, 4}, "x has shape (1, 2, 4), expected 4 dimensions (N, C, H, W)"),
        backward({2, 1, 1, 1}, {0, 1}, {1, 1, 2, 4}, "dy has shape (2, 1, 1, 1), expected (1, 1, 1, 1)"),
        backward({1, 1, 1, 2}, {0, 1, 2}, {1, 1, 2, 4}, "indices has shape (1, 1, 1, 3), expected (1, 1, 1, 2)"),
        backward({1, 1, 1, 2}, {0, 7}, {1, 1, 2, 4}, ""),
        backward({1, 1, 1, 2}, {0, 8}, {1, 1, 2, 4}, "an index is 8, expected a pixel's number, less than 8"),
        backward({1, 1, 1, 2}, {-1, 0}, {1, 1, 2, 4}, "an index is -1, expected a pixel's number, less than 8")};
}

std::vector<Refusal> avg_pool2d_refusals() {
    using Options = AvgPool2dOptions;
    const auto negative = [](int number) { return static_cast<std::size_t>(number); };
    const auto forward = [](const Shape& x, const Options& options, const std::string& message) {
        return Refusal{avg_pool2d(options).forward, {{"x", zeros<double>(x)}}, message};
    };
    const auto backward = [](const Shape& dy, const Shape& x, const std::string& message) {
        return Refusal{avg_pool2d(Size2d(3))["avg_pool2d_backward"],
                       {{"dy", zeros<double>(dy)}, {"x", zeros<double>(x)}},
                       message};
    };
    const Shape x{1, 3, 6, 6};
    return {forward({3, 6, 6}, Size2d(2), "x has shape (3, 6, 6), expected 4 dimensions (N, C, H, W)"),
            forward(x, Options(2, 0), "stride is 0, expected at least 1"),
            forward(x, Options(3, 1, 2), "padding is (2, 2), expected at most half of the kernel's size (3, 3)"),
            forward(x, Size2d(6, 7),
                    "the kernel covers (6, 7) pixels, expected at most (6, 6), the image with its padding"),
            forward({1, 1, 3, 0}, Options(2, 1, 1, false, false),
                    "window 0 contains no pixel: stride 1, padding 1, dilation 1, image 0"),
            forward({1, 1, 6, 6}, Options(2, 2, negative(-1)), "padding is -1, expected at least 0"),
            backward({1, 3, 2, 3}, {1, 3, 6, 7}, "dy has shape (1, 3, 2, 3), expected (1, 3, 2, 2)"),
            backward({1, 3, 2, 3}, {1, 3, 6}, "x has shape (1, 3, 6), expected 4 dimensions (N, C, H, W)")};
}

/// Examples of a pooling with windows, by its options as a function of window and number of the case.
template <class Options>
std::vector<Example> pool_gradients(Chain (*chain)(const Options&), Options (*options)(const Window&, std::size_t)) {
    const Window small[] = {{2, 2, 0, 1}, {{3, 2}, 1, {1, 0}, 1}, {2, 1, 1, {2, 1}}, {{2, 3}, {3, 1}, {0, 1}, 1}};
    std::vector<Example> all;
    for_each_case(small, [&](const Shape& shape, const Window& window, std::size_t number) {
        all.push_back({to_text(shape, window), chain(options(window, number)), {{"x", numbers_apart(shape, 1)}}});
    });
    return all;
}

template <class Options> std::vector<Example> large_pools(Chain (*chain)(const Options&)) {
    std::vector<Example> all;
    for (const Shape& shape :
         {Shape{24, 10, 24, 24}, Shape{61, 3, 17, 16}, Shape{1, 3, 170, 200}, Shape{5, 200, 9, 7}}) {
        const Values x{{"x", normal_numbers<double>(shape, 1)}};
        for (const auto& [kernel, stride] : {std::pair<std::size_t, std::size_t>{2, 2}, {3, 2}, {3, 1}}) {
            const std::string name =
                to_string(shape) + ", kernel " + std::to_string(kernel) + ", stride " + std::to_string(stride);
            all.push_back({name, chain(Options(kernel, stride, 1)), x});
        }
        all.push_back({to_string(shape) + ", blocks", chain(Size2d(2)), x});
    }
    return all;
}

Tested tested_max_pool2d() {
    Tested t;
    t.name = "max_pool2d";
    t.folds_rows = false;
    t.batch = [](std::size_t n) { // ties in almost every window
        return Example{"", max_pool2d(Size2d(2)), {{"x", whole_numbers<double>({n, 2, 5, 6}, 1)}}};
    };
    t.forms = {{"max_pool2d_forward", "x -> y indices:indices",
                [](auto on, auto& a) {
                    auto r = on.max_pool2d_forward(a["x"], Size2d(2));
                    a["y"] = r.y, a.indices("indices") = r.indices;
                }},
               {"max_pool2d_backward", "dy indices:indices x:shape -> dx", [](auto on, auto& a) {
                    a["dx"] = on.max_pool2d_backward(a["dy"], a.indices("indices"), a.shape("x"));
                }}};
    t.refusals = max_pool2d_refusals;
    t.aliased = [] {
        return std::vector<Example>{{"", max_pool2d(Size2d(1)), {{"x", whole_numbers<double>({2, 2, 4, 4}, 1)}}}};
    };
    t.gradients = [] {
        return pool_gradients<MaxPool2dOptions>(max_pool2d, [](const Window& w, std::size_t number) {
            return MaxPool2dOptions(w.kernel, w.stride, w.padding, w.dilation, number % 3 == 0);
        });
    };
    t.mistakes = {{"dx", "the winners are off by one",
                   [](const Backend& on, const Chain& chain, Values values) {
                       const Tensor<double>& x = values.at("x");
                       const double pixels = static_cast<double>(x.shape(2) * x.shape(3));
                       for (double& index : values.at("indices").storage()) {
                           index = index + 1 < pixels ? index + 1 : 0;
                       }
                       chain.backward[0](on, values);
                       return values.at("dx");
                   }},
                  {"dx", "it is half of it", [](const Backend&, const Chain&, const Values& values) {
                       return Tensor<double>(0.5 * values.at("dx"));
                   }}};
    t.large = [] { return large_pools<MaxPool2dOptions>(max_pool2d); };
    t.cases = 40;
    t.torch_tolerance = 0; // winners too, with ties and NaN
    t.torch_chain = [](const nlohmann::ordered_json& o) {
        return std::vector<Chain>{max_pool2d({pair_of(o, "kernel_size"), pair_of(o, "stride"), pair_of(o, "padding"),
                                              pair_of(o, "dilation"), o.at("ceil_mode").get<bool>()})};
    };
    return t;
}

Tested tested_avg_pool2d() {
    Tested t;
    t.name = "avg_pool2d";
    t.folds_rows = false;
    t.batch = [](std::size_t n) {
        return Example{"", avg_pool2d(Size2d(2)), {{"x", whole_numbers<double>({n, 2, 5, 6}, 1)}}};
    };
    t.forms = {
        {"avg_pool2d_forward", "x -> y", [](auto on, auto& a) { a["y"] = on.avg_pool2d_forward(a["x"], Size2d(2)); }},
        {"avg_pool2d_backward", "dy x:shape -> dx",
         [](auto on, auto& a) { a["dx"] = on.avg_pool2d_backward(a["dy"], a.shape("x"), Size2d(2)); }}};
    t.refusals = avg_pool2d_refusals;
    t.aliased = [] {
        return std::vector<Example>{{"", avg_pool2d(Size2d(1)), {{"x", whole_numbers<double>({2, 2, 4, 4}, 1)}}}};
    };
    t.gradients = [] {
        return pool_gradients<AvgPool2dOptions>(avg_pool2d, [](const Window& w, std::size_t number) {
            return AvgPool2dOptions(w.kernel, w.stride, w.padding, number % 3 == 0, number % 2 == 0);
        });
    };
    t.mistakes = {
        {"dx", "it is not divided by the window's size",
         [](const Backend&, const Chain&, const Values& values) { return Tensor<double>(6.0 * values.at("dx")); }}};
    t.large = [] { return large_pools<AvgPool2dOptions>(avg_pool2d); };
    t.cases = 28;
    t.torch_chain = [](const nlohmann::ordered_json& o) {
        return std::vector<Chain>{avg_pool2d({pair_of(o, "kernel_size"), pair_of(o, "stride"), pair_of(o, "padding"),
                                              o.at("ceil_mode").get<bool>(), o.at("count_include_pad").get<bool>()})};
    };
    return t;
}

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double positive_infinity = std::numeric_limits<double>::infinity();

} // namespace

HANDGRAD_TEST_OPERATION("max_pool2d", tested_max_pool2d())
HANDGRAD_TEST_OPERATION("avg_pool2d", tested_avg_pool2d())

Chain support::max_pool2d(const MaxPool2dOptions& options) {
    return {Operation::forward(
                "max_pool2d_forward", "x -> y indices:indices",
                [=](auto on, auto& a) { on.max_pool2d_forward(a["x"], options, a["y"], a.indices("indices")); }),
            {{"max_pool2d_backward", "dy indices:indices x:shape -> dx",
              [](auto on, auto& a) { on.max_pool2d_backward(a["dy"], a.indices("indices"), a.shape("x"), a["dx"]); }}}};
}

Chain support::avg_pool2d(const AvgPool2dOptions& options) {
    return {Operation::forward("avg_pool2d_forward", "x -> y",
                               [=](auto on, auto& a) { on.avg_pool2d_forward(a["x"], options, a["y"]); }),
            {{"avg_pool2d_backward", "dy x:shape -> dx",
              [=](auto on, auto& a) { on.avg_pool2d_backward(a["dy"], a.shape("x"), options, a["dx"]); }}}};
}

HANDGRAD_TEST_ON_BACKENDS("max_pool2d: windows side by side, done by hand", "[ops][max_pool2d]") {
    // The last column belongs to no window.
    const auto x = tensor<double>({1, 2, 2, 5}, {1,  2,  5, 4, 9, /**/ 3,  0,  6, 7, 9, //
                                                 -1, -2, 8, 1, 0, /**/ -3, -4, 2, 3, 0});
    const auto dy = tensor<double>({1, 2, 1, 2}, {10, 20, 30, 40});
    const Values r = pooled(on, max_pool2d(Size2d(2)), x, dy);
    CHECK(equal_numbers(r.at("y"), tensor<double>({1, 2, 1, 2}, {3, 7, -1, 8})));
    CHECK(equal_numbers(r.at("indices"), places({1, 2, 1, 2}, {5, 8, 0, 2})));
    CHECK(equal_numbers(r.at("dx"), tensor<double>({1, 2, 2, 5}, {0,  0, 0,  0, 0, /**/ 10, 0, 0, 20, 0, //
                                                                  30, 0, 40, 0, 0, /**/ 0,  0, 0, 0,  0})));
}

HANDGRAD_TEST_ON_BACKENDS("max_pool2d: a pixel that wins in several windows gets all their gradients",
                          "[ops][max_pool2d]") {
    const auto x = tensor<double>({1, 1, 3, 3}, {0, 1, 2, /**/ 3, 9, 4, /**/ 5, 6, 7});
    const Values r = pooled(on, max_pool2d({2, 1}), x, tensor<double>({1, 1, 2, 2}, {1, 2, 4, 8}));
    CHECK(equal_numbers(r.at("y"), tensor<double>({1, 1, 2, 2}, {9, 9, 9, 9})));
    CHECK(equal_numbers(r.at("indices"), places({1, 1, 2, 2}, {4, 4, 4, 4})));
    CHECK(equal_numbers(r.at("dx"), tensor<double>({1, 1, 3, 3}, {0, 0, 0, /**/ 0, 15, 0, /**/ 0, 0, 0})));
}

HANDGRAD_TEST_ON_BACKENDS("pooling: with ceil_mode the kernel may be larger than the padded image, as in PyTorch",
                          "[ops][max_pool2d][avg_pool2d]") {
    // All values are those of PyTorch 2.13, for dy = 1, 2, ...: F.max_pool2d(x, kernel, stride, padding, dilation,
    // True, True) and F.avg_pool2d(x, kernel, stride, padding, True, count_include_pad).
    const auto x = tensor<double>({1, 1, 2, 2}, {1, 2, /**/ 4, 3}),
               wide = tensor<double>({1, 1, 2, 5}, {1, 5, 2, 0, 3, //
                                                    4, -1, 6, 2, 8});
    const auto square = tensor<double>({1, 1, 3, 3}, {1, 5, 2, /**/ 4, -1, 6, /**/ 7, 0, 3});
    const auto one = tensor<double>({1, 1, 1, 1}, {1}), two = tensor<double>({1, 1, 1, 2}, {1, 2});
    const auto max = [&](const Tensor<double>& image, const MaxPool2dOptions& options, const Tensor<double>& y,
                         const Tensor<double>& indices, const Tensor<double>& dy, const Tensor<double>& dx) {
        const Values r = pooled(on, max_pool2d(options), image, dy);
        CHECK(equal_numbers(r.at("y"), y));
        CHECK(equal_numbers(r.at("indices"), indices));
        CHECK(equal_numbers(r.at("dx"), dx));
    };
    const auto avg = [&](const Tensor<double>& image, const AvgPool2dOptions& options, const Tensor<double>& y,
                         const Tensor<double>& dy, const Tensor<double>& dx) {
        const Values r = pooled(on, avg_pool2d(options), image, dy);
        CHECK(equal_numbers(r.at("y"), y));
        CHECK(equal_numbers(r.at("dx"), dx));
    };
    const auto last_wins = tensor<double>({1, 1, 2, 2}, {0, 0, 1, 0});
    max(x, {3, 3, 0, 1, true}, tensor<double>({1, 1, 1, 1}, {4}), places({1, 1, 1, 1}, {2}), one, last_wins);
    max(x, {6, 6, 1, 1, true}, tensor<double>({1, 1, 1, 1}, {4}), places({1, 1, 1, 1}, {2}), one, last_wins);
    max(wide, {{4, 2}, {3, 4}, {0, 1}, 1, true}, tensor<double>({1, 1, 1, 2}, {4, 8}), places({1, 1, 1, 2}, {5, 9}),
        two, tensor<double>({1, 1, 2, 5}, {0, 0, 0, 0, 0, /**/ 1, 0, 0, 0, 2}));
    max(square, {2, 3, 0, 3, true}, tensor<double>({1, 1, 1, 1}, {1}), places({1, 1, 1, 1}, {0}), one,
        tensor<double>({1, 1, 3, 3}, {1, 0, 0, 0, 0, 0, 0, 0, 0}));
    for (const bool include_pad : {true, false}) {
        avg(x, {3, 3, 0, true, include_pad}, tensor<double>({1, 1, 1, 1}, {2.5}), one,
            full<double>({1, 1, 2, 2}, 0.25));
    }
    avg(x, {6, 6, 1, true, true}, tensor<double>({1, 1, 1, 1}, {0.625}), one, full<double>({1, 1, 2, 2}, 0.0625));
    avg(x, {6, 6, 1, true, false}, tensor<double>({1, 1, 1, 1}, {2.5}), one, full<double>({1, 1, 2, 2}, 0.25));
    avg(wide, {{4, 2}, {3, 4}, {0, 1}, true, true}, tensor<double>({1, 1, 1, 2}, {1.25, 3.25}), two,
        tensor<double>({1, 1, 2, 5}, {0.25, 0, 0, 0.5, 0.5, /**/ 0.25, 0, 0, 0.5, 0.5}));
    avg(wide, {{4, 2}, {3, 4}, {0, 1}, true, false}, tensor<double>({1, 1, 1, 2}, {2.5, 3.25}), two,
        tensor<double>({1, 1, 2, 5}, {0.5, 0, 0, 0.5, 0.5, /**/ 0.5, 0, 0, 0.5, 0.5}));
    nn::MaxPool2d<Cpu<float>> pool(MaxPool2dOptions(3, 3, 0, 1, true));
    CHECK(pool.output_shape({1, 1, 2, 2}) == Shape{1, 1, 1, 1});
}

HANDGRAD_TEST_ON_BACKENDS("max_pool2d: padding, dilation and ceil_mode, done by hand", "[ops][max_pool2d]") {
    // Padding never wins, though it would be greater as a zero.
    const auto x = tensor<double>({1, 1, 1, 3}, {-3, -2, -4});
    const Values padded = pooled(on, max_pool2d(MaxPool2dOptions({1, 2}, 1, {0, 1})), x);
    CHECK(equal_numbers(padded.at("y"), tensor<double>({1, 1, 1, 4}, {-3, -2, -2, -4})));
    CHECK(equal_numbers(padded.at("indices"), places({1, 1, 1, 4}, {0, 1, 1, 2})));
    const Values dilated = pooled(on, max_pool2d(MaxPool2dOptions({1, 2}, 1, 0, {1, 2})), x);
    CHECK(equal_numbers(dilated.at("y"), tensor<double>({1, 1, 1, 1}, {-3})));
    const Values floored = pooled(on, max_pool2d(MaxPool2dOptions({1, 2}, {1, 2})), x);
    CHECK(equal_numbers(floored.at("y"), tensor<double>({1, 1, 1, 1}, {-2})));
    const Values ceiled = pooled(on, max_pool2d(MaxPool2dOptions({1, 2}, {1, 2}, 0, 1, true)), x);
    CHECK(equal_numbers(ceiled.at("y"), tensor<double>({1, 1, 1, 2}, {-2, -4})));
    CHECK(equal_numbers(ceiled.at("indices"), places({1, 1, 1, 2}, {1, 2})));
}

HANDGRAD_TEST_ON_BACKENDS("max_pool2d: the first of equals wins, the last NaN, and minus infinity can",
                          "[ops][max_pool2d]") {
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
            Tensor<double> x(Shape{1, 1, 2, 2 * blocks});
            for (std::size_t b = 0; b < blocks; ++b) {
                for (const std::size_t place : {0, 1, 2, 3}) { x(0, 0, place / 2, 2 * b + place % 2) = v[place]; }
            }
            INFO(blocks << " blocks of " << v[0] << " " << v[1] << " " << v[2] << " " << v[3]);
            for (const bool ceil_mode : {false, true}) {
                const Values r = pooled(on, max_pool2d({2, 2, 0, 1, ceil_mode}), x);
                const auto place = static_cast<std::size_t>(contest.winner);
                bool good = true;
                for (std::size_t b = 0; b < blocks; ++b) {
                    const std::size_t expected = place / 2 * 2 * blocks + 2 * b + place % 2;
                    good = good && r.at("indices")(0, 0, 0, b) == static_cast<double>(expected);
                    const double pixel = x.data()[expected], y = r.at("y")(0, 0, 0, b);
                    good = good && (y == pixel || (std::isnan(y) && std::isnan(pixel))) &&
                           std::signbit(y) == std::signbit(pixel);
                }
                CHECK(good);
            }
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("avg_pool2d: done by hand", "[ops][avg_pool2d]") {
    const auto x = tensor<double>({1, 1, 2, 5}, {1, 2, 5, 4, 9, /**/ 3, 0, 6, 7, 9});
    const Values r = pooled(on, avg_pool2d(Size2d(2)), x, tensor<double>({1, 1, 1, 2}, {4, 8}));
    CHECK(equal_numbers(r.at("y"), tensor<double>({1, 1, 1, 2}, {1.5, 5.5})));
    CHECK(equal_numbers(r.at("dx"), tensor<double>({1, 1, 2, 5}, {1, 1, 2, 2, 0, /**/ 1, 1, 2, 2, 0})));

    const auto row = tensor<double>({1, 1, 1, 3}, {2, 4, 8});
    const auto pool = [&](const AvgPool2dOptions& options) { return pooled(on, avg_pool2d(options), row).at("y"); };
    // Padding counts, or not; what ceil_mode adds beyond the padding never does.
    CHECK(equal_numbers(pool({{1, 2}, 1, {0, 1}}), tensor<double>({1, 1, 1, 4}, {1, 3, 6, 4})));
    CHECK(equal_numbers(pool({{1, 2}, 1, {0, 1}, false, false}), tensor<double>({1, 1, 1, 4}, {2, 3, 6, 8})));
    CHECK(equal_numbers(pool({{1, 2}, {1, 2}, 0, true}), tensor<double>({1, 1, 1, 2}, {3, 8})));
    CHECK(equal_numbers(pool({{1, 4}, {1, 3}, {0, 1}, true}), tensor<double>({1, 1, 1, 2}, {3.5, 4})));
    CHECK(equal_numbers(pool({{1, 4}, {1, 3}, {0, 1}, true, false}),
                        tensor<double>({1, 1, 1, 2}, {on.stored(14.0 / 3), 8})));
}

HANDGRAD_TEST_ON_BACKENDS("pooling: equal to the reference over the grid, and buffers are overwritten",
                          "[ops][max_pool2d]") {
    const auto compare = [&](const Chain& chain, const Tensor<double>& x) {
        const Values arguments = chain.with_upstream({{"x", x}}, whole_numbers<double>);
        const Values expected = chain(reference_of(on), arguments);
        for (const double dirt : {999.0, std::numeric_limits<double>::quiet_NaN()}) {
            for (const Shape& shape : {expected.at("y").shape(), Shape{3, 1, 2}, Shape{}}) {
                Values got = arguments;
                got["y"] = full<double>(shape, dirt);
                got["dx"] = full<double>(shape.size() == 4 ? x.shape() : shape, dirt);
                got["indices"] = full<double>(shape, -7);
                for (int call = 0; call < 2; ++call) {
                    got = chain(on, got);
                    REQUIRE(same_bits(got.at("y"), expected.at("y")));
                    REQUIRE(same_bits(got.at("dx"), expected.at("dx")));
                    if (expected.count("indices") != 0) {
                        REQUIRE(equal_numbers(got.at("indices"), expected.at("indices")));
                    }
                }
            }
        }
    };
    for_each_window([&](const Shape& shape, const PoolWindow& window) {
        INFO(to_text(shape, window));
        const auto x = whole_numbers<double>(shape, 1); // ties in almost every window
        compare(max_pool2d(max_options(window)), x);
        if (window.dilation == Size2d(1)) { compare(avg_pool2d(avg_options(window)), x); }
    });
}

HANDGRAD_TEST_ON_CPU("pooling: many channels, wide images, and images beyond one block", "[ops][max_pool2d]") {
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
        for (const Chain& chain : {max_pool2d(Size2d(2)), avg_pool2d(Size2d(2))}) {
            const Values arguments =
                chain.with_upstream({{"x", whole_numbers<double>(shape, 1)}}, whole_numbers<double>);
            const Values got = chain(on, arguments), expected = chain(reference_of(on), arguments);
            for (const auto& [name, value] : expected) { CHECK(equal_numbers(got.at(name), value)); }
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("pooling: an empty batch gives an empty result", "[ops][max_pool2d]") {
    for (const Size2d kernel : {Size2d(2), Size2d(3)}) {
        const Shape of_x{0, 3, 6, 6}, of_y{0, 3, 6 / kernel.h, 6 / kernel.w};
        const Values max = pooled(on, max_pool2d(kernel), Tensor<double>(of_x), Tensor<double>(of_y)),
                     avg = pooled(on, avg_pool2d(kernel), Tensor<double>(of_x), Tensor<double>(of_y));
        CHECK(max.at("y").shape() == of_y);
        CHECK(max.at("indices").shape() == of_y);
        CHECK(max.at("dx").shape() == of_x);
        CHECK(avg.at("y").shape() == of_y);
        CHECK(avg.at("dx").shape() == of_x);
    }
}

HANDGRAD_TEST_ON_BACKENDS("max_pool2d: images without pixels have no windows, and an empty gradient",
                          "[ops][max_pool2d]") {
    const Tensor<double> none(Shape{2, 3, 0, 0});
    Values values{{"dy", none}, {"indices", none}, {"x", Tensor<double>(Shape{2, 3, 0, 5})}};
    max_pool2d(Size2d(2)).backward[0](on, values);
    CHECK(values.at("dx").shape() == Shape{2, 3, 0, 5});
}

TEST_CASE("avg_pool2d shows a negative number of rows as it was written", "[ops][shapes]") { // the same for all
    Tensor<float> dx;
    CHECK(message_of([&] {
              cpu::avg_pool2d_backward(zeros<float>({1, 1, 6, 6}), Shape{1, 1, static_cast<std::size_t>(-4), 6},
                                       AvgPool2dOptions(2), dx);
          }) == "avg_pool2d_backward: x has shape (1, 1, -4, 6), expected 0 to 1073741824 rows and columns");
}

TEST_CASE("a tie in max_pool2d is a kink, and is found", "[gradients]") {
    auto x = numbers_apart({1, 1, 4, 4}, 1);
    x(0, 0, 1, 1) = x(0, 0, 0, 0) = 7;
    const auto found = check::central_difference(
        [&](const auto& v) {
            return check::weighted_sum(reference::max_pool2d_forward(v, Size2d(2)).y, full<double>({1, 1, 2, 2}, 1.0));
        },
        x);
    REQUIRE(found.kinks.size() == 2);
    CHECK(found.kinks[0].entry == 0);
    CHECK(found.kinks[1].entry == 5);
}

HANDGRAD_TEST_ON_BACKENDS("pooling: backward is the transpose of forward", "[metamorphic]") {
    const auto image = whole_numbers<double>({3, 2, 7, 6}, 4);
    const auto check = [&](const Chain& chain) {
        const Values r = chain(on, chain.with_upstream({{"x", image}}, whole_numbers<double>));
        CHECK(inner(image, r.at("dx")) == inner(r.at("y"), r.at("dy")));
    };
    for (const AvgPool2dOptions& options : {AvgPool2dOptions(2), AvgPool2dOptions(4, 2, 2), {2, 1}}) {
        check(avg_pool2d(options)); // over 4 or 16 pixels: exact
    }
    // Max-pooling is linear as long as the winners stay, as they do for the very x.
    for (const MaxPool2dOptions& options : {MaxPool2dOptions(2), MaxPool2dOptions(3, 1, 1), {2, 1, 0, 2}}) {
        check(max_pool2d(options));
    }
}
