// conv2d on all backends and with every kernel of them; PyTorch's values are in tests/ops/image_torch.cpp.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
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

/// A convolution and its answer, by the reference in double.
class ConvProblem {
public:
    template <class Fill> ConvProblem(const ConvSize& size, const Conv2dOptions& options, const Fill& fill)
        : name_(to_text(size, options)), options_(options), x_(fill(Shape{size.n, size.c, size.h, size.w}, 1)),
          w_(fill(Shape{size.k, size.c / options.groups, size.r, size.s}, 2)), b_(fill(Shape{size.k}, 3)),
          y_(reference::conv2d_forward(x_, w_, b_, options)), dy_(fill(y_.shape(), 4)),
          gradients_(reference::conv2d_backward(x_, w_, dy_, options)) {}

    const std::string& name() const { return name_; }

    /// Whether a backend's answers are that far from it, `limit` as difference() counts, with every kernel.
    template <class B> bool solved_by(double limit) const {
        using T = typename B::Scalar;
        const auto x = to<T>(x_), w = to<T>(w_), b = to<T>(b_), dy = to<T>(dy_);
        Conv2dOptions options = options_;
        for (const ConvAlgorithm algorithm : conv_algorithms) {
            options.algorithm = algorithm;
            const Conv2dGradients<Tensor<T>> g = B::conv2d_backward(x, w, dy, options);
            if (!(difference(B::conv2d_forward(x, w, b, options), y_) <= limit) ||
                !(difference(g.dx, gradients_.dx) <= limit) || !(difference(g.dw, gradients_.dw) <= limit) ||
                !(difference(g.db, gradients_.db) <= limit)) {
                return false;
            }
        }
        return true;
    }

private:
    std::string name_;
    Conv2dOptions options_;
    Tensor<double> x_, w_, b_, y_, dy_;
    Conv2dGradients<Tensor<double>> gradients_;
};

/// Odd and even sizes, strides, paddings, dilations and groups, in every combination that fits.
template <class F> void for_each_convolution(const F& f) {
    const Conv2dOptions options[] = {
        conv(1), conv(1, 1), conv({2, 1}, {1, 0}), conv(2, 2, 1), conv(1, {2, 1}, {1, 2}), conv(3, 1, 2)};
    std::size_t seed = 0;
    for (const std::size_t n : {1, 2, 3, 7}) {
        for (const std::size_t c : {1, 2, 3}) {
            for (const auto& [r, s] : {std::pair<std::size_t, std::size_t>{1, 1}, {3, 2}, {2, 3}, {5, 5}}) {
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

} // namespace

TEMPLATE_TEST_CASE("conv2d: sums done by hand", "[ops][conv2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto x = tensor<T>({1, 1, 3, 3}, {1, 2, 3, /**/ 4, 5, 6, /**/ 7, 8, 9});
    const auto w = tensor<T>({1, 1, 2, 2}, {1, 2, /**/ 3, 4});
    const auto b = tensor<T>({1}, {0.5});
    const auto dy = tensor<T>({1, 1, 2, 2}, {1, -1, /**/ 2, 0.5});
    Conv2dOptions options;
    for (const ConvAlgorithm algorithm : conv_algorithms) {
        options.algorithm = algorithm;
        // 1*1 + 2*2 + 4*3 + 5*4 + 0.5 and so on: the kernel is not flipped
        CHECK(equal_numbers(B::conv2d_forward(x, w, b, options), tensor<T>({1, 1, 2, 2}, {37.5, 47.5, 67.5, 77.5})));
        const Conv2dGradients<Tensor<T>> g = B::conv2d_backward(x, w, dy, options);
        CHECK(equal_numbers(g.dx, tensor<T>({1, 1, 3, 3}, {1, 1, -2, /**/ 5, 5.5, -3, /**/ 6, 9.5, 2})));
        CHECK(equal_numbers(g.dw, tensor<T>({1, 1, 2, 2}, {9.5, 12, /**/ 17, 19.5})));
        CHECK(equal_numbers(g.db, tensor<T>({1}, {2.5})));
    }
}

TEMPLATE_TEST_CASE("conv2d: channels, padding and no bias, done by hand", "[ops][conv2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto x = tensor<T>({1, 2, 1, 2}, {1, 2, /**/ 10, 20});
    const auto w = tensor<T>({2, 2, 1, 2}, {1, 0, /**/ 0, 1, /**/ 2, 3, /**/ -1, 1});
    Conv2dOptions options = conv(1, {0, 1});
    for (const ConvAlgorithm algorithm : conv_algorithms) {
        options.algorithm = algorithm;
        CHECK(equal_numbers(B::conv2d_forward(x, w, zeros<T>({0}), options),
                            tensor<T>({1, 2, 1, 3}, {10, 21, 2, /**/ 13, 18, -16})));
    }
    const auto pair = tensor<T>({2, 1, 1, 2}, {1, 2, /**/ 3, 4});
    Conv2dOptions grouped = conv(1, 0, 1, 2); // each kernel sees one channel
    for (const ConvAlgorithm algorithm : conv_algorithms) {
        grouped.algorithm = algorithm;
        CHECK(equal_numbers(B::conv2d_forward(x, pair, zeros<T>({0}), grouped), tensor<T>({1, 2, 1, 1}, {5, 110})));
    }
}

TEST_CASE("conv2d: whole numbers are exact over the grid, with every kernel", "[ops][conv2d]") {
    for_each_convolution([](const ConvSize& size, const Conv2dOptions& options) {
        const ConvProblem problem(size, options, whole_numbers<double>);
        INFO(problem.name());
        REQUIRE(problem.solved_by<Reference<float>>(0));
        REQUIRE(problem.solved_by<Cpu<float>>(0));
        REQUIRE(problem.solved_by<Cpu<double>>(0));
    });
}

TEST_CASE("conv2d: any numbers, to rounding, over the grid, with every kernel", "[ops][conv2d]") {
    for_each_convolution([](const ConvSize& size, const Conv2dOptions& options) {
        const ConvProblem problem(size, options, normal_numbers<double>);
        INFO(problem.name());
        REQUIRE(problem.solved_by<Reference<float>>(rounding<float>()));
        REQUIRE(problem.solved_by<Cpu<float>>(rounding<float>()));
        REQUIRE(problem.solved_by<Cpu<double>>(rounding<double>()));
    });
}

TEMPLATE_TEST_CASE("conv2d: every batch from 1 to 40", "[ops][conv2d]", Cpu<float>, Cpu<double>) {
    for (std::size_t n = 1; n <= 40; ++n) {
        const ConvProblem plain({n, 2, 6, 7, 3, 3, 2}, conv(1), whole_numbers<double>);
        const ConvProblem strided({n, 4, 5, 6, 6, 2, 3}, conv({1, 2}, 1, 1, 2), whole_numbers<double>);
        INFO("N " << n);
        REQUIRE(plain.template solved_by<TestType>(0));
        REQUIRE(strided.template solved_by<TestType>(0));
    }
}

TEMPLATE_TEST_CASE("conv2d: every number of channels and every width", "[ops][conv2d]", Cpu<float>, Cpu<double>) {
    for (std::size_t channels = 1; channels <= 17; ++channels) {
        for (const std::size_t others : {1, 4, 9}) {
            const ConvProblem out({9, others, 4, 3 + channels, channels, 2, 2}, conv(1), whole_numbers<double>);
            const ConvProblem in({9, channels, 3 + channels, 4, others, 2, 2}, conv(1, 1), whole_numbers<double>);
            INFO(out.name() << "; " << in.name());
            REQUIRE(out.template solved_by<TestType>(0));
            REQUIRE(in.template solved_by<TestType>(0));
        }
    }
    for (std::size_t taps = 1; taps <= 12; ++taps) {
        const ConvProblem long_kernel({9, 1, 3, 13, 5, 1, taps}, conv(1), whole_numbers<double>);
        INFO(long_kernel.name());
        REQUIRE(long_kernel.template solved_by<TestType>(0));
    }
}

TEMPLATE_TEST_CASE("conv2d: the layers of the lecture, and padding beyond the kernel", "[ops][conv2d]", Cpu<float>,
                   Cpu<double>) {
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
            REQUIRE(problem.template solved_by<TestType>(0));
        }
    }
}

TEMPLATE_TEST_CASE("conv2d: buffers are overwritten, whatever was in them", "[ops][conv2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const std::size_t n : {1, 3, 19}) {
        for (Conv2dOptions options : {conv(1), conv(2, 1), conv({3, 1}, {0, 2}, {2, 1}, 2)}) {
            for (const ConvAlgorithm algorithm : conv_algorithms) {
                options.algorithm = algorithm;
                INFO("N " << n << ", stride " << to_string(options.stride));
                const auto x = normal_numbers<T>({n, 4, 7, 6}, 1), b = normal_numbers<T>({6}, 3),
                           w = normal_numbers<T>({6, 4 / options.groups, 3, 2}, 2);
                const Tensor<T> y = B::conv2d_forward(x, w, b, options);
                const auto dy = normal_numbers<T>(y.shape(), 4);
                const Conv2dGradients<Tensor<T>> g = B::conv2d_backward(x, w, dy, options);
                const Shape& of_x = x.shape();
                const Shape& of_w = w.shape();
                REQUIRE(overwrites(y, [&](Tensor<T>& t) { B::conv2d_forward(x, w, b, options, t); }));
                REQUIRE(overwrites(g.dx, [&](Tensor<T>& t) { B::conv2d_backward_input(dy, w, of_x, options, t); }));
                REQUIRE(overwrites(g.dw, [&](Tensor<T>& t) { B::conv2d_backward_weight(x, dy, of_w, options, t); }));
                REQUIRE(overwrites(g.db, [&](Tensor<T>& t) { B::conv2d_backward_bias(dy, t); }));
            }
        }
    }
}

TEMPLATE_TEST_CASE("conv2d: parameters' gradients add up where asked to", "[ops][conv2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const std::size_t n : {1, 19}) {
        for (const ConvAlgorithm algorithm : conv_algorithms) {
            Conv2dOptions options = conv({1, 2}, 1);
            options.algorithm = algorithm;
            const auto x = whole_numbers<T>({n, 2, 5, 6}, 1), w = whole_numbers<T>({3, 2, 2, 3}, 2);
            const auto dy = whole_numbers<T>(B::conv2d_forward(x, w, zeros<T>({0}), options).shape(), 3);
            const Conv2dGradients<Tensor<T>> g = B::conv2d_backward(x, w, dy, options);
            Tensor<T> dw = full<T>(w.shape(), T(10)), db = full<T>({3}, T(20));
            for (int call = 0; call < 2; ++call) {
                B::conv2d_backward_weight(x, dy, w.shape(), options, dw, Accumulate::yes);
                B::conv2d_backward_bias(dy, db, Accumulate::yes);
            }
            const Tensor<T> twice_dw = T(10) + T(2) * g.dw, twice_db = T(20) + T(2) * g.db;
            CHECK(equal_numbers(dw, twice_dw));
            CHECK(equal_numbers(db, twice_db));
        }
    }
}

TEMPLATE_TEST_CASE("conv2d: an empty batch gives an empty result and gradients of zero", "[ops][conv2d]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const ConvAlgorithm algorithm : conv_algorithms) {
        Conv2dOptions options = conv(2, 1);
        options.algorithm = algorithm;
        const Tensor<T> x(Shape{0, 2, 5, 6}), dy(Shape{0, 3, 3, 3});
        const auto w = whole_numbers<T>({3, 2, 3, 3}, 1), b = whole_numbers<T>({3}, 2);
        CHECK(B::conv2d_forward(x, w, b, options).shape() == dy.shape());
        const Conv2dGradients<Tensor<T>> g = B::conv2d_backward(x, w, dy, options);
        CHECK(g.dx.shape() == x.shape());
        CHECK(equal_numbers(g.dw, zeros<T>(w.shape())));
        CHECK(equal_numbers(g.db, zeros<T>({3})));
    }
}

TEMPLATE_TEST_CASE("conv2d: an image's result does not depend on the images beside it", "[ops][conv2d]",
                   HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const std::size_t images = 19, pixels = 2 * 7 * 6;
    const auto x = normal_numbers<T>({images, 2, 7, 6}, 1), w = normal_numbers<T>({5, 2, 3, 2}, 2),
               b = normal_numbers<T>({5}, 3);
    for (const ConvAlgorithm algorithm : {ConvAlgorithm::im2col, ConvAlgorithm::direct}) {
        Conv2dOptions options = conv(1, 1);
        options.algorithm = algorithm;
        const Tensor<T> y = B::conv2d_forward(x, w, b, options);
        const auto dy = normal_numbers<T>(y.shape(), 4);
        Tensor<T> dx;
        B::conv2d_backward_input(dy, w, x.shape(), options, dx);
        for (const std::size_t n : {0, 7, 18}) {
            Tensor<T> one(Shape{1, 2, 7, 6}), dy_one(Shape{1, 5, y.shape(2), y.shape(3)}), y_one(dy_one.shape()),
                dx_one(one.shape()), dx_alone;
            std::copy_n(x.data() + n * pixels, pixels, one.data());
            std::copy_n(dx.data() + n * pixels, pixels, dx_one.data());
            std::copy_n(y.data() + n * y_one.size(), y_one.size(), y_one.data());
            std::copy_n(dy.data() + n * dy_one.size(), dy_one.size(), dy_one.data());
            CHECK(same_bits(B::conv2d_forward(one, w, b, options), y_one));
            B::conv2d_backward_input(dy_one, w, one.shape(), options, dx_alone);
            CHECK(same_bits(dx_alone, dx_one));
        }
    }
}

TEMPLATE_TEST_CASE("conv2d: NaN stays in its image and its window", "[ops][conv2d]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const ConvAlgorithm algorithm : conv_algorithms) {
        Conv2dOptions options;
        options.algorithm = algorithm;
        for (const std::size_t images : {3, 19}) {
            auto x = whole_numbers<T>({images, 1, 5, 5}, 1);
            x(1, 0, 0, 4) = std::numeric_limits<T>::quiet_NaN();
            const Tensor<T> y = B::conv2d_forward(x, full<T>({2, 1, 2, 2}, T(0)), zeros<T>({2}), options);
            bool good = true;
            for (std::size_t i = 0; i < y.size(); ++i) {
                const std::size_t n = i / 32, p = i / 4 % 4, q = i % 4;
                good = good && std::isnan(y.data()[i]) == (n == 1 && p == 0 && q == 3); // 0 * NaN is NaN
            }
            CHECK(good);
        }
    }
}
