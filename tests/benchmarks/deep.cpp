// The operations of a deep network and a training step of chapter 13's residual CNN, in float: prints the
// seconds of the fastest of several calls of each. torch_deep.py does the same with PyTorch, under the same names.

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "handgrad/backends/cpu.hpp"
#include "handgrad/optim/adam.hpp"
#include "handgrad/tensor/parallel.hpp"

#include "13_residual/model.hpp"
#include "arguments.hpp"
#include "times.hpp"

namespace {

using namespace handgrad;
using benchmarks::random_numbers;
using benchmarks::Times;
using Backend = Cpu<float>;
using Numbers = Tensor<float>;

std::size_t batch = 128; // examples in a mini-batch

void time_convolution(Times& times, std::size_t in, std::size_t out, std::size_t side, std::size_t kernel,
                      std::size_t stride) {
    Conv2dOptions options;
    options.stride = stride;
    options.padding = kernel / 2;
    const Numbers x = random_numbers({batch, in, side, side}), w = random_numbers({out, in, kernel, kernel}), no_bias;
    Numbers y = Backend::conv2d_forward(x, w, zeros<float>({0}), options), dx, dw;
    const Numbers dy = y;
    const std::string size = fmt::format("{0} x {0}, {1} to {2}, on {3} x {3}{4}", kernel, in, out, side,
                                         stride == 1 ? "" : fmt::format(", stride {}", stride));
    times.add("conv2d " + size, [&] { Backend::conv2d_forward(x, w, zeros<float>({0}), options, y); });
    times.add("  backward", [&] {
        Backend::conv2d_backward_input(dy, w, x.shape(), options, dx);
        Backend::conv2d_backward_weight(x, dy, w.shape(), options, dw);
    });
}

void time_convolutions(Times& times) {
    for (const std::size_t width : {16, 32}) {
        time_convolution(times, width, width, 28, 3, 1);
        time_convolution(times, width, 2 * width, 28, 3, 2);
        time_convolution(times, width, 2 * width, 28, 1, 2);
        time_convolution(times, 2 * width, 2 * width, 14, 3, 1);
        time_convolution(times, 2 * width, 4 * width, 14, 3, 2);
        time_convolution(times, 4 * width, 4 * width, 7, 3, 1);
    }
}

void time_batch_norm(Times& times, const Shape& shape) {
    const Numbers x = random_numbers(shape), dy = random_numbers(shape), w = random_numbers({shape[1]}), b = w;
    Numbers y, mean, var, rstd, dw, db, dy_mean, dyx_mean, dx;
    times.add("batch_norm " + to_string(shape),
              [&] { Backend::batch_norm_forward(x, w, b, 1e-5, y, mean, var, rstd); });
    times.add("  backward", [&] {
        Backend::batch_norm_backward_parameters(x, mean, rstd, dy, dw, db, dy_mean, dyx_mean);
        Backend::batch_norm_backward_input(x, w, mean, rstd, dy_mean, dyx_mean, dy, dx);
    });
}

void time_others(Times& times) {
    const Shape shape{batch, 32, 28, 28};
    const Numbers x = random_numbers(shape), dy = random_numbers(shape);
    const std::string size = " " + to_string(shape);
    Numbers y, dx;
    times.add("add" + size, [&] { Backend::add_forward(x, dy, y); });
    times.add("dropout" + size, [&] { Backend::dropout_forward(x, 0.5, DropoutCounter{1, 0, 0}, y); });
    times.add("leaky_relu" + size, [&] { Backend::leaky_relu_forward(x, 0.01, y); });
    times.add("  backward", [&] { Backend::leaky_relu_backward(x, dy, 0.01, dx); });
    times.add("silu" + size, [&] { Backend::silu_forward(x, y); });
    times.add("  backward", [&] { Backend::silu_backward(x, dy, dx); });
    times.add("gelu" + size, [&] { Backend::gelu_forward(x, y); });
    times.add("  backward", [&] { Backend::gelu_backward(x, dy, dx); });

    nn::AdaptiveAvgPool2d<Backend> pool;
    times.add("global average pooling" + size, [&] { pool.forward(x); });

    const Numbers rows = random_numbers({batch, 1024}), drows = rows, w = random_numbers({1024}), b = w;
    Numbers mean, rstd, dw, db;
    times.add("layer_norm " + to_string(rows.shape()),
              [&] { Backend::layer_norm_forward(rows, w, b, 1e-5, y, mean, rstd); });
    times.add("  backward", [&] {
        Backend::layer_norm_backward_input(rows, w, mean, rstd, drows, dx);
        Backend::layer_norm_backward_parameters(rows, mean, rstd, drows, dw, db);
    });
}

void time_steps(Times& times) {
    const Shape shape{512, 512};
    const Numbers g = random_numbers(shape);
    Numbers p = g, first, second, third;
    const std::string size = " step " + to_string(shape);
    SgdOptions sgd;
    sgd.momentum = 0.9;
    times.add("sgd with momentum," + size, [&] { Backend::sgd_step(p, g, first, sgd); });
    times.add("rmsprop," + size, [&] { Backend::rmsprop_step(p, g, second, third, third, RMSpropOptions()); });
    Numbers average, square;
    times.add("adam," + size, [&] { Backend::adam_step(p, g, average, square, 1, AdamOptions()); });
    times.add("adamw," + size, [&] { Backend::adam_step(p, g, average, square, 1, AdamWOptions()); });
}

void time_network(Times& times, std::size_t width) {
    Random random(0);
    ResNetSizes sizes;
    sizes.width = width;
    ResNet<Backend> model(sizes, random);
    nn::CrossEntropyLoss<Backend> criterion;
    optim::AdamW<Backend> optimizer(model.parameters(), AdamWOptions());
    const Numbers x = random_numbers({batch, 1, 28, 28});
    Labels y = zeros<std::int64_t>({batch});
    for (std::size_t n = 0; n < batch; ++n) { y.data()[n] = static_cast<std::int64_t>(n % 10); }
    times.add(fmt::format("training step of the residual CNN, W = {}", width), [&] {
        optimizer.zero_grad();
        criterion.forward(model.forward(x), y);
        model.backward(criterion.backward(), nn::InputGradient::not_needed);
        optimizer.step();
    });
}

} // namespace

int main(int argc, char** argv) try {
    handgrad::benchmarks::Arguments app("The operations of a deep network, timed");
    int threads = 1;
    double at_least = 0.3;
    app.option("--threads", threads);
    app.option("--seconds", at_least, "of each operation");
    app.option("--batch", batch, "examples in a mini-batch");
    if (const auto status = app.parse(argc, argv)) { return *status; }
    set_num_threads(threads);
    Times times(at_least);
    time_convolutions(times);
    for (const Shape& shape : {Shape{batch, 32, 28, 28}, Shape{batch, 128, 7, 7}, Shape{batch, 1024}}) {
        time_batch_norm(times, shape);
    }
    time_others(times);
    time_steps(times);
    for (const std::size_t width : {16, 32}) { time_network(times, width); }
    fmt::print("{{\"times\": {}}}\n", times.text());
} catch (const std::exception& error) {
    fmt::print(stderr, "bench_deep: {}\n", error.what());
    return 1;
}
