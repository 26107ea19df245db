// Marks the coding exercises of chapter 09. Angle brackets: the include path says whether these are the stubs or the
// solutions.

#include <string>

#include <handgrad/backends/reference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <avg_pool2d.hpp>
#include <conv2d_backward.hpp>
#include <conv2d_stride.hpp>

using namespace handgrad;

namespace {

void mark_avg_pool2d(check::Exercise& exercise) {
    NumpyRandom random(94);
    const Tensor<double> x = random.randn({2, 3, 4, 6}), dy = random.randn({2, 3, 2, 3});
    exercise.extents({{"N", 2}, {"C", 3}, {"R S", 4}});
    exercise.gradient("x", x, ::avg_pool2d_backward(dy), [&](const auto& x_) {
        auto y = check::cast_like(x_, zeros<double>(dy.shape()));
        for (std::size_t n = 0; n < 2; ++n) {
            for (std::size_t c = 0; c < 3; ++c) {
                for (std::size_t i = 0; i < 4; ++i) {
                    for (std::size_t j = 0; j < 6; ++j) {
                        y(n, c, i / 2, j / 2) += 0.25 * x_(n, c, i, j);
                    }
                }
            }
        }
        return check::weighted_sum(y, dy);
    });
}

void mark_conv2d_backward(check::Exercise& exercise) {
    NumpyRandom random(95);
    const Tensor<double> x = random.randn({2, 3, 6, 5}), w = random.randn({4, 3, 3, 2}),
                         b = random.randn({4});
    const Tensor<double> dy = random.randn({2, 4, 4, 4});
    exercise.extents({{"N", 2}, {"C", 3}, {"K", 4}, {"R", 3}, {"S", 2}, {"P", 4}, {"Q", 4}});
    const auto g = ::conv2d_backward(x, dy);
    const auto sum = [&](const auto& w_, const auto& b_) {
        const auto y = reference::conv2d_forward(check::cast_like(w_, x), w_, b_, Conv2dOptions());
        return check::weighted_sum(y, dy);
    };
    exercise.gradient("b", b, g.db,
                      [&](const auto& b_) { return sum(check::cast_like(b_, w), b_); });
    exercise.gradient("w", w, g.dw,
                      [&](const auto& w_) { return sum(w_, check::cast_like(w_, b)); });
}

void mark_stride(check::Exercise& exercise) {
    NumpyRandom random(96);
    const Tensor<double> x = random.randn({2, 3, 8, 9}), w = random.randn({4, 3, 3, 2}),
                         b = random.randn({4});
    for (const std::size_t stride : {1, 2, 3}) {
        Conv2dOptions options;
        options.stride = stride;
        const Tensor<double> flipped = xt::flip(xt::flip(w, 2), 3);
        exercise.mistake(
            reference::conv2d_forward(x, flipped, b, options),
            "the kernel is flipped: w(k, c, r, s) belongs to the pixel at p + r, q + s");
        exercise.value("y for stride " + std::to_string(stride), ::conv2d_forward(x, w, b, stride),
                       reference::conv2d_forward(x, w, b, options));
    }
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("09.4", "avg_pool2d_backward", "avg_pool2d.hpp", mark_avg_pool2d);
    exercises.add("09.5", "conv2d_backward", "conv2d_backward.hpp", mark_conv2d_backward);
    exercises.add("09.6", "conv2d_forward", "conv2d_stride.hpp", mark_stride);
    return exercises.main(argc, argv);
}
