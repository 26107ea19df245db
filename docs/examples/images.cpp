// The examples that the reference shows for the operations on images. Each is a test case.
#include <handgrad/backends/cpu.hpp>

#include "examples.hpp"

using namespace handgrad;

TEST_CASE("example: conv2d", "[examples]") {
    //! [conv2d]
    // (N, C_in, H, W) = (1, 1, 3, 3)
    const Tensor<double> x{{{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}}};
    // (C_out, C_in, R, S) = (1, 1, 2, 2)
    const Tensor<double> w{{{{1, 0}, {0, -1}}}};
    const Tensor<double> b{10}; // (C_out,)
    // a correlation: 1 - 5 + 10, ...
    const auto y = cpu::conv2d_forward(x, w, b);
    assert(y == Tensor<double>{{{{6, 6}, {6, 6}}}});

    const Tensor<double> dy{{{{1, 0}, {0, 0}}}};
    const auto [dx, dw, db] = cpu::conv2d_backward(x, w, dy);
    // the kernel, where that window was
    assert(dx == Tensor<double>{{{{1, 0, 0}, {0, -1, 0}, {0, 0, 0}}}});
    assert(dw == Tensor<double>{{{{1, 2}, {4, 5}}}}); // the window
    assert(db == Tensor<double>{1});
    //! [conv2d]
}

TEST_CASE("example: conv2d's options", "[examples]") {
    //! [conv2d_options]
    Conv2dOptions options;
    options.stride = 2;
    // one row of zeros above and below, none at the sides
    options.padding = {1, 0};
    const auto x = zeros<float>({8, 4, 9, 9}),
               w = zeros<float>({16, 4, 3, 3}), b = zeros<float>({16});
    assert(cpu::conv2d_forward(x, w, b, options).shape() ==
           Shape{8, 16, 5, 4});
    //! [conv2d_options]
}

TEST_CASE("example: max_pool2d", "[examples]") {
    //! [max_pool2d]
    const Tensor<double> x{{{{1, 5, 2, 2}, {3, 4, 2, 2}}}}; // (1, 1, 2, 4)
    const auto [y, indices] = cpu::max_pool2d_forward(
        x, MaxPool2dOptions(2)); // windows of 2 x 2, side by side
    assert(y == Tensor<double>{{{{5, 2}}}});
    assert(indices ==
           Indices{{{{1, 2}}}}); // places in the image; of equals the first

    const Tensor<double> dy{{{{10, 20}}}};
    assert(cpu::max_pool2d_backward(dy, indices, x.shape()) ==
           Tensor<double>{{{{0, 10, 20, 0}, {0, 0, 0, 0}}}});
    //! [max_pool2d]
}

TEST_CASE("example: avg_pool2d", "[examples]") {
    //! [avg_pool2d]
    const Tensor<double> x{{{{1, 5}, {3, 7}}}};
    const AvgPool2dOptions options(2);
    assert(cpu::avg_pool2d_forward(x, options)(0, 0, 0, 0) == 4);

    const auto dy = full<double>({1, 1, 1, 1}, 8);
    assert(cpu::avg_pool2d_backward(dy, x.shape(), options) ==
           Tensor<double>{{{{2, 2}, {2, 2}}}});
    //! [avg_pool2d]
}

TEST_CASE("example: conv2d_relu_max_pool2d", "[examples]") {
    //! [conv2d_relu_max_pool2d]
    const Tensor<float> x{{{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}}};
    const Tensor<float> w{{{{1, 0}, {0, 0}}}}, b{-2};
    const Conv2dOptions options; // stride 1, no padding
    // The backend chooses the form of winners, which backward needs.
    Tensor<float> y, winners;
    cpu::conv2d_relu_max_pool2d_forward(x, w, b, options, y, winners);
    assert(y(0, 0, 0, 0) == 3); // the largest of max(1-2, 0), 2-2, 4-2, 5-2

    Tensor<float> dx, dw, db;
    const auto dy = full<float>({1, 1, 1, 1}, 1);
    cpu::conv2d_relu_max_pool2d_backward_input(dy, winners, w, x.shape(),
                                               options, dx);
    cpu::conv2d_relu_max_pool2d_backward_parameters(
        x, dy, winners, w.shape(), options, dw, db);
    assert(dx == Tensor<float>{{{{0, 0, 0}, {0, 1, 0}, {0, 0, 0}}}});
    assert(dw == Tensor<float>{{{{5, 6}, {8, 9}}}});
    //! [conv2d_relu_max_pool2d]
}

TEST_CASE("example: flatten", "[examples]") {
    //! [flatten]
    const auto x = zeros<float>({64, 20, 4, 4});
    Tensor<float> y, dx;
    cpu::flatten_forward(x, y);
    assert(y.shape() == Shape{64, 320});
    assert(y.data() == x.data()); // a view: nothing was copied
    cpu::flatten_backward(y, x.shape(), dx);
    assert(dx.shape() == x.shape());
    //! [flatten]
}
