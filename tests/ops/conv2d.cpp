// conv2d: its entry in the table of operations; on all backends and with every kernel of them.

#include "catch.hpp"
#include "ops/chains.hpp"
#include "ops/images.hpp"
#include "support/options.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// Images x (n, c, h, w) and a weight for k kernels of r x s.
struct ConvSize {
    std::size_t n, c, h, w, k, r, s;
};

std::string to_text(const ConvSize& s, const Conv2dOptions& o) {
    return "x " + to_string(Shape{s.n, s.c, s.h, s.w}) + ", w " + to_string(Shape{s.k, s.c / o.groups, s.r, s.s}) +
           ", stride " + to_string(o.stride) + ", padding " + to_string(o.padding) + ", dilation " +
           to_string(o.dilation) + ", groups " + std::to_string(o.groups);
}

template <class Fill> Values conv_arguments(const ConvSize& size, const Conv2dOptions& options, const Fill& fill) {
    return {{"x", fill(Shape{size.n, size.c, size.h, size.w}, 1)},
            {"w", fill(Shape{size.k, size.c / options.groups, size.r, size.s}, 2)},
            {"b", fill(Shape{size.k}, 3)}};
}

/// A convolution and its answer, by the reference in double.
class ConvProblem {
public:
    template <class Fill> ConvProblem(const ConvSize& size, const Conv2dOptions& options, const Fill& fill)
        : name_(to_text(size, options)), options_(options),
          values_(conv2d(options).with_upstream(conv_arguments(size, options, fill), fill)),
          expected_(conv2d(options)(reference_double, values_)) {}

    const std::string& name() const { return name_; }

    /// Whether a backend's answers are that far from it, `limit` as difference() counts, with every kernel.
    bool solved_by(const Backend& on, double limit) const {
        Conv2dOptions options = options_;
        for (const ConvAlgorithm algorithm : conv_algorithms) {
            options.algorithm = algorithm;
            const Values got = conv2d(options)(on, values_);
            for (const char* result : {"y", "dx", "dw", "db"}) {
                if (!(difference(got.at(result), expected_.at(result)) <= limit)) { return false; }
            }
        }
        return true;
    }

private:
    std::string name_;
    Conv2dOptions options_;
    Values values_, expected_;
};

/// Odd and even sizes, strides, paddings, dilations and groups, in every combination that fits.
template <class F> void for_each_convolution(const F& f) {
    const Conv2dOptions options[] = {
        conv(1), conv(1, 1), conv({2, 1}, {1, 0}), conv(2, 2, 1), conv(1, {2, 1}, {1, 2}), conv(3, 1, 2)};
    std::size_t seed = 0;
    for (const std::size_t n : {1, 2, 3, 7}) {
        for (const std::size_t c : {1, 2, 3}) {
            for (const auto& [r, s] : {std::pair<std::size_t, std::size_t>{1, 1}, {3, 2}, {2, 3}, {3, 3}, {5, 5}}) {
                for (Conv2dOptions option : options) {
                    const std::size_t h = 7 + seed % 2, w = 6 + seed % 3;
                    const bool grouped = c > 1 && seed++ % 4 == 0;
                    option.groups = grouped ? c : 1;
                    if (option.dilation.h * (r - 1) + 1 > h + 2 * option.padding.h ||
                        option.dilation.w * (s - 1) + 1 > w + 2 * option.padding.w) {
                        continue;
                    }
                    f(ConvSize{n, c, h, w, grouped ? 2 * c : 4, r, s}, option);
                }
            }
        }
    }
}

/// The convolution with each of its kernels.
std::vector<Chain> with_all_kernels(Conv2dOptions options) {
    std::vector<Chain> all;
    for (const ConvAlgorithm algorithm : conv_algorithms) {
        options.algorithm = algorithm;
        all.push_back(conv2d(options));
    }
    return all;
}

std::vector<Refusal> conv2d_refusals() {
    const auto t = [](const Shape& shape) { return zeros<double>(shape); };
    const auto forward = [&](const Shape& x, const Shape& w, const Shape& b, const std::string& message,
                             const Conv2dOptions& options = {}) {
        return Refusal{conv2d(options).forward, {{"x", t(x)}, {"w", t(w)}, {"b", t(b)}}, message};
    };
    const auto backward = [&](const std::string& name, const Values& values, const std::string& message) {
        return Refusal{conv2d()[name], values, message};
    };
    const auto negative = [](int number) { return static_cast<std::size_t>(number); };
    const Shape x{1, 3, 6, 6}, w{4, 3, 3, 3}, one_x{1, 1, 6, 6}, one_w{1, 1, 3, 3};
    return {
        forward({3, 6, 6}, w, {4}, "x has shape (3, 6, 6), expected 4 dimensions (N, C_in, H, W)"),
        forward(x, {4, 3, 3}, {4}, "w has shape (4, 3, 3), expected 4 dimensions (C_out, C_in/groups, R, S)"),
        forward(x, {4, 2, 3, 3}, {4}, "w has shape (4, 2, 3, 3), expected (4, 3, 3, 3)"),
        forward(x, w, {3}, "b has shape (3,), expected (4,)"),
        forward(x, w, {4, 1}, "b has shape (4, 1), expected (4,)"),
        forward(x, w, {}, "b has shape (), expected (4,)"),
        forward({1, 3, 6, 5}, {4, 3, 3, 6}, {4},
                "the kernel covers (3, 6) pixels, expected at most (6, 5), the image with its padding"),
        forward({1, 3, 6, 5}, {4, 3, 7, 3}, {4},
                "the kernel covers (7, 3) pixels, expected at most (6, 11), the image with its padding",
                conv(1, {0, 3})),
        forward(x, w, {4}, "the kernel covers (7, 3) pixels, expected at most (6, 6), the image with its padding",
                conv(1, 0, {3, 1})),
        forward(x, {4, 3, 0, 3}, {4}, "kernel_size is (0, 3), expected at least 1"),
        forward(x, w, {4}, "stride is (1, 0), expected at least 1", conv({1, 0})),
        forward(x, w, {4}, "stride is -1, expected at least 1", conv(std::numeric_limits<std::size_t>::max())),
        forward(x, w, {4}, "padding is -1, expected at least 0", conv(1, negative(-1))),
        forward(x, w, {4}, "dilation is (0, 1), expected at least 1", conv(1, 0, {0, 1})),
        forward(x, w, {4}, "groups is 0, expected a divisor of x's 3 channels and w's 4", conv(1, 0, 1, 0)),
        forward({1, 4, 6, 6}, {4, 2, 3, 3}, {4}, "groups is 3, expected a divisor of x's 4 channels and w's 4",
                conv(1, 0, 1, 3)),
        forward({1, 4, 6, 6}, {6, 1, 3, 3}, {6}, "groups is 4, expected a divisor of x's 4 channels and w's 6",
                conv(1, 0, 1, 4)),
        forward({1, 4, 6, 6}, {6, 4, 3, 3}, {6}, "w has shape (6, 4, 3, 3), expected (6, 2, 3, 3)", conv(1, 0, 1, 2)),
        // Negative numbers are shown as they were written.
        forward(one_x, one_w, {1}, "padding is -1, expected at least 0", conv(1, negative(-1))),
        forward(one_x, one_w, {1}, "padding is (2, -7), expected at least 0", conv(1, {2, negative(-7)})),
        forward(one_x, one_w, {1}, "stride is -2, expected at least 1", conv(negative(-2))),
        forward(one_x, one_w, {1}, "dilation is -3, expected at least 1", conv(1, 0, negative(-3))),
        forward(one_x, one_w, {1}, "groups is -1, expected a divisor of x's 1 channels and w's 1",
                conv(1, 0, 1, negative(-1))),
        forward(one_x, one_w, {1}, "stride is 1073741825, expected at most 1073741824", conv((1 << 30) + 1)),
        forward({1, 0, 6, 6}, {0, 0, 3, 3}, {0}, "groups is -1, expected a divisor of x's 0 channels and w's 0",
                conv(1, 0, 1, negative(-1))),
        backward("conv2d_backward_input", {{"dy", t({1, 4, 4, 4})}, {"w", t(w)}, {"x", t({1, 3, 6, 7})}},
                 "dy has shape (1, 4, 4, 4), expected (1, 4, 4, 5)"),
        backward("conv2d_backward_input", {{"dy", t({1, 4, 4, 4})}, {"w", t(w)}, {"x", t({3, 6, 7})}},
                 "x has shape (3, 6, 7), expected 4 dimensions (N, C_in, H, W)"),
        backward("conv2d_backward_weight", {{"x", t(x)}, {"dy", t({2, 4, 4, 4})}, {"w", t(w)}},
                 "dy has shape (2, 4, 4, 4), expected (1, 4, 4, 4)"),
        backward("conv2d_backward_weight", {{"x", t(x)}, {"dy", t({1, 4, 4, 4})}, {"w", t({4, 1, 3, 3})}},
                 "w has shape (4, 1, 3, 3), expected (4, 3, 3, 3)"),
        backward("conv2d_backward_bias", {{"dy", t({4, 3})}},
                 "dy has shape (4, 3), expected 4 dimensions (N, C_out, P, Q)"),
        backward("conv2d_backward_weight", {{"x", t(x)}, {"dy", t({1, 4, 4, 4})}, {"w", t(w)}, {"dw", t({4, 3, 3, 2})}},
                 "dw has shape (4, 3, 3, 2), expected (4, 3, 3, 3)"),
        backward("conv2d_backward_bias", {{"dy", t({1, 4, 4, 4})}, {"db", t({3})}}, "db has shape (3,), expected (4,)"),
    };
}

std::vector<Example> conv2d_gradients() {
    const Window of_all_kinds[] = {{{3, 2}, 1, 0, 1},           {{2, 3}, 1, 1, 1}, {3, 2, 1, 1},
                                   {2, {1, 2}, {2, 0}, {2, 1}}, {1, {2, 3}, 0, 1}, {3, 1, 1, 1}};
    std::vector<Example> all;
    for_each_case(of_all_kinds, [&](const Shape& shape, const Window& window, std::size_t number) {
        const std::size_t c = shape[1], groups = number % 3 == 0 ? c : 1, k = groups == 1 ? 2 : 2 * c;
        const Conv2dOptions options = conv(window.stride, window.padding, window.dilation, groups);
        all.push_back({to_text(shape, window) + ", groups " + std::to_string(groups), conv2d(options),
                       conv_arguments({shape[0], c, shape[2], shape[3], k, window.kernel.h, window.kernel.w}, options,
                                      normal_numbers<double>)});
        all.back().others = with_all_kernels(options);
    });
    return all;
}

std::vector<Example> large_conv2d() {
    const std::pair<ConvSize, Conv2dOptions> sizes[] = {{{64, 1, 28, 28, 10, 5, 5}, conv(1)},
                                                        {{64, 10, 12, 12, 20, 5, 5}, conv(1)},
                                                        {{7, 3, 17, 12, 6, 3, 2}, conv(1, 1, 1, 3)},
                                                        {{301, 2, 6, 5, 3, 2, 3}, conv(1, 1)},
                                                        {{1, 16, 33, 30, 24, 3, 3}, conv(1, 1)}};
    std::vector<Example> all;
    for (const auto& [size, options] : sizes) {
        for (const Chain& chain : with_all_kernels(options)) {
            all.push_back({to_text(size, options), chain, conv_arguments(size, options, normal_numbers<double>)});
        }
    }
    return all;
}

Tested tested_conv2d() {
    Tested t;
    t.name = "conv2d";
    t.folds_rows = false;
    t.batch = [](std::size_t n) {
        return Example{"", conv2d(), conv_arguments({n, 2, 5, 6, 3, 2, 3}, {}, whole_numbers<double>)};
    };
    t.forms = {
        {"conv2d_forward", "x w b -> y", [](auto on, auto& a) { a["y"] = on.conv2d_forward(a["x"], a["w"], a["b"]); }},
        {"conv2d_backward", "x w dy -> dx dw db", [](auto on, auto& a) {
             auto g = on.conv2d_backward(a["x"], a["w"], a["dy"]);
             a["dx"] = g.dx, a["dw"] = g.dw, a["db"] = g.db;
         }}};
    t.refusals = conv2d_refusals;
    t.aliased = [] { // as large a result as x
        return std::vector<Example>{
            {"", conv2d(conv(1, 1)), conv_arguments({2, 2, 4, 4, 2, 3, 3}, {}, whole_numbers<double>)}};
    };
    t.gradients = conv2d_gradients;
    for (const std::string gradient : {"dx", "dw", "db"}) {
        t.mistakes.push_back({gradient, "an image was forgotten: " + gradient,
                              [=](const Backend& on, const Chain& chain, Values values) {
                                  Tensor<double>& dy = values.at("dy");
                                  if (dy.shape(0) == 1) { return Tensor<double>(Shape{0}); }
                                  const std::size_t image = dy.size() / dy.shape(0);
                                  std::fill_n(dy.data() + dy.size() - image, image, 0.0);
                                  return chain(on, values).at(gradient);
                              }});
    }
    t.mistakes.push_back({"dx", "the kernel was flipped", [](const Backend& on, const Chain& chain, Values values) {
                              Tensor<double>& w = values.at("w");
                              const std::size_t area = w.shape(2) * w.shape(3);
                              if (area == 1) { return Tensor<double>(Shape{0}); }
                              for (std::size_t i = 0; i < w.size(); i += area) {
                                  std::reverse(w.data() + i, w.data() + i + area);
                              }
                              return chain(on, values).at("dx");
                          }});
    t.large = large_conv2d;
    t.cases = 16;
    t.torch_tolerance = 0;
    t.torch_chain = [](const nlohmann::ordered_json& options) { return with_all_kernels(conv_options(options)); };
    return t;
}

} // namespace

HANDGRAD_TEST_OPERATION("conv2d", tested_conv2d())

Chain support::conv2d(const Conv2dOptions& options) {
    return {Operation::forward("conv2d_forward", "x w b -> y",
                               [=](auto on, auto& a) { on.conv2d_forward(a["x"], a["w"], a["b"], options, a["y"]); }),
            {{"conv2d_backward_input", "dy w x:shape -> dx",
              [=](auto on, auto& a) { on.conv2d_backward_input(a["dy"], a["w"], a.shape("x"), options, a["dx"]); }},
             {"conv2d_backward_weight", "x dy w:shape -> dw+",
              [=](auto on, auto& a) {
                  on.conv2d_backward_weight(a["x"], a["dy"], a.shape("w"), options, a["dw"], a.mode);
              }},
             {"conv2d_backward_bias", "dy -> db+",
              [](auto on, auto& a) { on.conv2d_backward_bias(a["dy"], a["db"], a.mode); }}}};
}

HANDGRAD_TEST_ON_BACKENDS("conv2d: sums done by hand", "[ops][conv2d]") {
    for (const Chain& chain : with_all_kernels({})) {
        const Values r = chain(on, {{"x", tensor<double>({1, 1, 3, 3}, {1, 2, 3, /**/ 4, 5, 6, /**/ 7, 8, 9})},
                                    {"w", tensor<double>({1, 1, 2, 2}, {1, 2, /**/ 3, 4})},
                                    {"b", tensor<double>({1}, {0.5})},
                                    {"dy", tensor<double>({1, 1, 2, 2}, {1, -1, /**/ 2, 0.5})}});
        // 1*1 + 2*2 + 4*3 + 5*4 + 0.5 and so on: the kernel is not flipped
        CHECK(equal_numbers(r.at("y"), tensor<double>({1, 1, 2, 2}, {37.5, 47.5, 67.5, 77.5})));
        CHECK(equal_numbers(r.at("dx"), tensor<double>({1, 1, 3, 3}, {1, 1, -2, /**/ 5, 5.5, -3, /**/ 6, 9.5, 2})));
        CHECK(equal_numbers(r.at("dw"), tensor<double>({1, 1, 2, 2}, {9.5, 12, /**/ 17, 19.5})));
        CHECK(equal_numbers(r.at("db"), tensor<double>({1}, {2.5})));
    }
}

HANDGRAD_TEST_ON_BACKENDS("conv2d: channels, padding and no bias, done by hand", "[ops][conv2d]") {
    const auto x = tensor<double>({1, 2, 1, 2}, {1, 2, /**/ 10, 20}), none = zeros<double>({0});
    const auto w = tensor<double>({2, 2, 1, 2}, {1, 0, /**/ 0, 1, /**/ 2, 3, /**/ -1, 1});
    for (const Chain& chain : with_all_kernels(conv(1, {0, 1}))) {
        CHECK(equal_numbers(chain(on, {{"x", x}, {"w", w}, {"b", none}}).at("y"),
                            tensor<double>({1, 2, 1, 3}, {10, 21, 2, /**/ 13, 18, -16})));
    }
    const auto pair = tensor<double>({2, 1, 1, 2}, {1, 2, /**/ 3, 4});
    for (const Chain& chain : with_all_kernels(conv(1, 0, 1, 2))) { // each kernel sees one channel
        CHECK(equal_numbers(chain(on, {{"x", x}, {"w", pair}, {"b", none}}).at("y"),
                            tensor<double>({1, 2, 1, 1}, {5, 110})));
    }
}

TEST_CASE("conv2d: whole numbers are exact over the grid, with every kernel", "[ops][conv2d]") {
    for_each_convolution([](const ConvSize& size, const Conv2dOptions& options) {
        const ConvProblem problem(size, options, whole_numbers<double>);
        INFO(problem.name());
        REQUIRE(problem.solved_by(reference_float, 0));
        REQUIRE(problem.solved_by(cpu_float, 0));
        REQUIRE(problem.solved_by(cpu_double, 0));
    });
}

TEST_CASE("conv2d: any numbers, to rounding, over the grid, with every kernel", "[ops][conv2d]") {
    for_each_convolution([](const ConvSize& size, const Conv2dOptions& options) {
        const ConvProblem problem(size, options, normal_numbers<double>);
        INFO(problem.name());
        REQUIRE(problem.solved_by(reference_float, reference_float.rounding()));
        REQUIRE(problem.solved_by(cpu_float, cpu_float.rounding()));
        REQUIRE(problem.solved_by(cpu_double, cpu_double.rounding()));
    });
}

HANDGRAD_TEST_ON_CPU("conv2d: every batch from 1 to 40", "[ops][conv2d]") {
    for (std::size_t n = 1; n <= 40; ++n) {
        const ConvProblem plain({n, 2, 6, 7, 3, 3, 2}, conv(1), whole_numbers<double>);
        const ConvProblem strided({n, 4, 5, 6, 6, 2, 3}, conv({1, 2}, 1, 1, 2), whole_numbers<double>);
        INFO("N " << n);
        REQUIRE(plain.solved_by(on, 0));
        REQUIRE(strided.solved_by(on, 0));
    }
}

HANDGRAD_TEST_ON_CPU("conv2d: every number of channels and every width", "[ops][conv2d]") {
    for (std::size_t channels = 1; channels <= 17; ++channels) {
        for (const std::size_t others : {1, 4, 9}) {
            const ConvProblem out({9, others, 4, 3 + channels, channels, 2, 2}, conv(1), whole_numbers<double>);
            const ConvProblem in({9, channels, 3 + channels, 4, others, 2, 2}, conv(1, 1), whole_numbers<double>);
            INFO(out.name() << "; " << in.name());
            REQUIRE(out.solved_by(on, 0));
            REQUIRE(in.solved_by(on, 0));
        }
    }
    for (std::size_t taps = 1; taps <= 12; ++taps) {
        const ConvProblem long_kernel({9, 1, 3, 13, 5, 1, taps}, conv(1), whole_numbers<double>);
        INFO(long_kernel.name());
        REQUIRE(long_kernel.solved_by(on, 0));
    }
}

HANDGRAD_TEST_ON_CPU("conv2d: the layers of the lecture, and padding beyond the kernel", "[ops][conv2d]") {
    for (const ConvProblem& problem :
         {ConvProblem({33, 1, 28, 28, 10, 5, 5}, conv(1), whole_numbers<double>),
          ConvProblem({33, 10, 12, 12, 20, 5, 5}, conv(1), whole_numbers<double>),
          ConvProblem({5, 2, 3, 4, 3, 2, 2}, conv(1, {3, 5}), whole_numbers<double>),
          ConvProblem({5, 2, 3, 4, 3, 1, 1}, conv({2, 3}, {4, 1}), whole_numbers<double>),
          ConvProblem({18, 2, 9, 9, 3, 2, 2}, conv({7, 6}), whole_numbers<double>),
          ConvProblem({18, 2, 9, 9, 3, 2, 2}, conv({5, 1}, 0, {8, 7}), whole_numbers<double>),
          ConvProblem({3, 300, 2, 3, 130, 1, 1}, conv(1), whole_numbers<double>),
          ConvProblem({2, 3, 40, 37, 16, 7, 7}, conv(2, 3), whole_numbers<double>)}) {
        INFO(problem.name());
        for (const int threads : {1, 3}) {
            const Threads guard(threads);
            REQUIRE(problem.solved_by(on, 0));
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("conv2d: buffers are overwritten, whatever was in them, or added to", "[ops][conv2d]") {
    for (const std::size_t n : {1, 3, 19}) {
        for (const Conv2dOptions& options : {conv(1), conv(2, 1), conv({1, 2}, 1), conv({3, 1}, {0, 2}, {2, 1}, 2)}) {
            for (const Chain& chain : with_all_kernels(options)) {
                INFO("N " << n << ", stride " << to_string(options.stride));
                const Values arguments = chain.with_upstream(
                    conv_arguments({n, 4, 7, 6, 6, 3, 2}, options, whole_numbers<double>), whole_numbers<double>);
                const Values clean = chain(on, arguments);
                for (const double dirt : {999.0, std::numeric_limits<double>::quiet_NaN()}) {
                    for (const bool same_shape : {true, false}) {
                        Values dirty = clean;
                        for (const char* result : {"y", "dx", "dw", "db"}) {
                            const Shape shape = same_shape ? clean.at(result).shape() : Shape{3, 1, 2};
                            dirty[result] = full<double>(shape, dirt);
                        }
                        for (int call = 0; call < 2; ++call) {
                            dirty = chain(on, dirty);
                            for (const char* result : {"y", "dx", "dw", "db"}) {
                                REQUIRE(same_bits(dirty.at(result), clean.at(result)));
                            }
                        }
                    }
                }
                Values added = clean;
                added["dw"].fill(10);
                added["db"].fill(20);
                for (int call = 0; call < 2; ++call) { added = chain(on, added, Accumulate::yes); }
                CHECK(equal_numbers(added.at("dw"), Tensor<double>(10.0 + 2.0 * clean.at("dw"))));
                CHECK(equal_numbers(added.at("db"), Tensor<double>(20.0 + 2.0 * clean.at("db"))));
            }
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("conv2d: an empty batch gives an empty result and gradients of zero", "[ops][conv2d]") {
    for (const Chain& chain : with_all_kernels(conv(2, 1))) {
        Values values = conv_arguments({0, 2, 5, 6, 3, 3, 3}, conv(2, 1), whole_numbers<double>);
        values["dy"] = Tensor<double>(Shape{0, 3, 3, 3});
        const Values r = chain(on, values);
        CHECK(r.at("y").shape() == Shape{0, 3, 3, 3});
        CHECK(r.at("dx").shape() == Shape{0, 2, 5, 6});
        CHECK(equal_numbers(r.at("dw"), zeros<double>({3, 2, 3, 3})));
        CHECK(equal_numbers(r.at("db"), zeros<double>({3})));
    }
}

HANDGRAD_TEST_ON_BACKENDS("conv2d: an image's result does not depend on the images beside it", "[ops][conv2d]") {
    for (const ConvAlgorithm algorithm :
         {ConvAlgorithm::im2col, ConvAlgorithm::direct, ConvAlgorithm::channels_last, ConvAlgorithm::winograd}) {
        Conv2dOptions options = conv(1, 1);
        options.algorithm = algorithm;
        const Chain chain = conv2d(options);
        const std::size_t width = algorithm == ConvAlgorithm::winograd ? 3 : 2;
        Values values = chain.with_upstream(conv_arguments({19, 2, 7, 6, 5, 3, width}, options, normal_numbers<double>),
                                            normal_numbers<double>);
        values = chain(on, values);
        for (const std::size_t n : {0, 7, 18}) {
            Values one{{"x", image_of(values["x"], n)},
                       {"w", values["w"]},
                       {"b", values["b"]},
                       {"dy", image_of(values["dy"], n)}};
            one = chain(on, one);
            CHECK(same_bits(one["y"], image_of(values["y"], n)));
            CHECK(same_bits(one["dx"], image_of(values["dx"], n)));
        }
    }
}

HANDGRAD_TEST_ON_CPU("conv2d: tiles of every size at the edges, channels of more than a register", "[ops][conv2d]") {
    for (const auto& [size, options] : {std::pair<ConvSize, Conv2dOptions>{{9, 18, 1, 4, 17, 3, 3}, conv(1, 1)},
                                        {{2, 17, 2, 3, 33, 3, 3}, conv(1, 2)},
                                        {{3, 1, 5, 3, 16, 3, 3}, conv(1, {0, 1})},
                                        {{70, 16, 4, 4, 16, 3, 3}, conv(1, {2, 0})},
                                        {{1, 2, 9, 226, 3, 3, 3}, conv(1, 1)},
                                        {{19, 20, 9, 8, 24, 3, 3}, conv(2, 1)},
                                        {{3, 17, 8, 11, 18, 2, 1}, conv({3, 2}, {1, 0})},
                                        {{2, 18, 3, 5, 16, 1, 1}, conv(2)}}) {
        const ConvProblem problem(size, options, whole_numbers<double>);
        INFO(problem.name());
        for (const int threads : {1, 3}) {
            const Threads guard(threads);
            REQUIRE(problem.solved_by(on, 0));
        }
    }
}

HANDGRAD_TEST_ON_CPU("conv2d: the number of threads does not change a bit of any kernel's results", "[ops][conv2d]") {
    for (const std::size_t stride : {1, 2}) {
        for (const Chain& chain : with_all_kernels(conv(stride, 1))) {
            const Values arguments =
                chain.with_upstream(conv_arguments({37, 17, 6, 7, 18, 3, 3}, conv(stride, 1), normal_numbers<double>),
                                    normal_numbers<double>);
            Values results[2];
            for (const int threads : {1, 4}) {
                const Threads guard(threads);
                results[threads / 4] = chain(on, arguments);
            }
            for (const char* result : {"y", "dx", "dw", "db"}) {
                CHECK(same_bits(results[0].at(result), results[1].at(result)));
            }
        }
    }
}

TEST_CASE("conv2d: a sum of pixels that overflows changes no result of the formula", "[ops][conv2d][edges]") {
    const double large = 0.3 * static_cast<double>(std::numeric_limits<float>::max());
    auto x = full<double>({3, 1, 4, 4}, 1), dy = x;
    for (const std::size_t i : {0, 2}) { // Winograd's kernel adds these four with the same sign
        for (const std::size_t j : {0, 2}) { x(1, 0, i, j) = dy(2, 0, i, j) = i == j ? large : -large; }
    }
    Conv2dOptions options = conv(1, 1);
    options.algorithm = ConvAlgorithm::winograd;
    const Values arguments{{"x", x}, {"w", full<double>({1, 1, 3, 3}, 0.0625)}, {"b", zeros<double>({1})}, {"dy", dy}};
    const Values got = conv2d(options)(cpu_float, arguments), expected = conv2d(options)(reference_double, arguments);
    for (const char* result : {"y", "dx", "dw"}) {
        CHECK(difference(got.at(result), expected.at(result)) <= cpu_float.rounding());
    }
}

HANDGRAD_TEST_ON_BACKENDS("conv2d: NaN stays in its image and its window", "[ops][conv2d]") {
    for (const Chain& chain : with_all_kernels({})) {
        for (const auto& [images, kernel] : {std::pair<std::size_t, std::size_t>{3, 2}, {19, 2}, {3, 3}, {19, 3}}) {
            auto x = whole_numbers<double>({images, 1, 5, 5}, 1);
            x(1, 0, 0, 4) = std::numeric_limits<double>::quiet_NaN();
            const auto y =
                chain(on, {{"x", x}, {"w", zeros<double>({2, 1, kernel, kernel})}, {"b", zeros<double>({2})}}).at("y");
            const std::size_t side = 6 - kernel;
            bool good = true;
            for (std::size_t i = 0; i < y.size(); ++i) {
                const std::size_t n = i / (2 * side * side), p = i / side % side, q = i % side;
                // 0 * NaN is NaN
                good = good && std::isnan(y.data()[i]) == (n == 1 && p == 0 && q == side - 1);
            }
            CHECK(good);
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("conv2d: both backwards are the transposes of forward", "[metamorphic][conv2d]") {
    // Forward without a bias is linear in x and in w: <conv(x, w), dy> = <x, dx> = <w, dw>. Whole numbers: exactly.
    for (const std::size_t n : {1, 5, 17}) {
        for (const std::size_t stride : {1, 2}) {
            for (const std::size_t padding : {0, 2}) {
                for (const std::size_t dilation : {1, 2}) {
                    for (const std::size_t groups : {1, 2}) {
                        const Conv2dOptions options = conv({stride, 1}, {padding, 1}, {1, dilation}, groups);
                        const Chain chain = conv2d(options);
                        Values r = conv_arguments({n, 4, 7, 8, 6, 3, 2}, options, whole_numbers<double>);
                        r["b"] = zeros<double>({0});
                        r = chain(on, chain.with_upstream(r, whole_numbers<double>));
                        const double sum = inner(r["y"], r["dy"]);
                        CHECK(inner(r["x"], r["dx"]) == sum);
                        CHECK(inner(r["w"], r["dw"]) == sum);
                        // The transpose of any x and any w, not only of those at which it was computed.
                        const auto other = whole_numbers<double>(r["x"].shape(), 4);
                        const auto y = chain(on, {{"x", other}, {"w", r["w"]}, {"b", r["b"]}}).at("y");
                        CHECK(inner(y, r["dy"]) == inner(other, r["dx"]));
                    }
                }
            }
        }
    }
}
