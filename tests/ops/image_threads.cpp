// The operations on images: the same bits on any number of threads, for sizes that are cut into several chunks.

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "support/options.hpp"
#include "support/threads.hpp"

using namespace handgrad;
using namespace support;

TEMPLATE_TEST_CASE("conv2d: the number of threads does not change a bit", "[ops][threads]", Cpu<float>, Cpu<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    struct Size {
        Shape x, w;
        std::size_t padding, groups;
    };
    for (const Size& size : {Size{{64, 1, 28, 28}, {10, 1, 5, 5}, 0, 1},
                             {{64, 10, 12, 12}, {20, 10, 5, 5}, 0, 1},
                             {{7, 3, 17, 12}, {6, 1, 3, 2}, 1, 3},
                             {{301, 2, 6, 5}, {3, 2, 2, 3}, 1, 1},
                             {{1, 16, 33, 30}, {24, 16, 3, 3}, 1, 1}}) {
        const auto x = normal_numbers<T>(size.x, 1), w = normal_numbers<T>(size.w, 2),
                   b = normal_numbers<T>({size.w[0]}, 3);
        Conv2dOptions options;
        options.padding = size.padding;
        options.groups = size.groups;
        for (const auto algorithm : conv_algorithms) {
            INFO(to_string(size.x) << " " << to_string(size.w));
            options.algorithm = algorithm;
            const auto dy = normal_numbers<T>(B::conv2d_forward(x, w, b, options).shape(), 4);
            CHECK(same_on_any_number_of_threads([&] {
                Conv2dGradients<Tensor<T>> g = B::conv2d_backward(x, w, dy, options);
                return std::vector<Tensor<T>>{B::conv2d_forward(x, w, b, options), g.dx, g.dw, g.db};
            }));
        }
    }
}

TEMPLATE_TEST_CASE("pooling: the number of threads does not change a bit", "[ops][threads]", Cpu<float>, Cpu<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const Shape& shape :
         {Shape{24, 10, 24, 24}, Shape{61, 3, 17, 16}, Shape{1, 3, 170, 200}, Shape{5, 200, 9, 7}}) {
        for (const auto& [kernel, stride] : {std::pair<std::size_t, std::size_t>{2, 2}, {3, 2}, {3, 1}}) {
            INFO(to_string(shape) << ", kernel " << kernel << ", stride " << stride);
            const auto x = normal_numbers<T>(shape, 1);
            const MaxPool2dOptions max(kernel, stride, 1);
            const AvgPool2dOptions avg(kernel, stride, 1);
            const auto dy = normal_numbers<T>(B::avg_pool2d_forward(x, avg).shape(), 2);
            CHECK(same_on_any_number_of_threads([&] {
                const auto best = B::max_pool2d_forward(x, max);
                return std::vector<Tensor<T>>{best.y, to<T>(best.indices),
                                              B::max_pool2d_backward(dy, best.indices, shape),
                                              B::avg_pool2d_forward(x, avg), B::avg_pool2d_backward(dy, shape, avg)};
            }));
        }
        const auto x = normal_numbers<T>(shape, 1);
        const Size2d blocks(2);
        const auto dy = normal_numbers<T>(B::avg_pool2d_forward(x, blocks).shape(), 2);
        CHECK(same_on_any_number_of_threads([&] {
            const auto best = B::max_pool2d_forward(x, blocks);
            return std::vector<Tensor<T>>{best.y, to<T>(best.indices), B::max_pool2d_backward(dy, best.indices, shape),
                                          B::avg_pool2d_forward(x, blocks), B::avg_pool2d_backward(dy, shape, blocks)};
        }));
    }
}
