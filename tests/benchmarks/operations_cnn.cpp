#include "operations.hpp"

#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "handgrad/backends/cpu.hpp"
#include "handgrad/optim/sgd.hpp"

#include "09_cnn/model.hpp"
#include "cnn_flops.hpp"

namespace handgrad::benchmarks {
namespace {

constexpr std::size_t batch = 64;

template <class... Tensors> double bytes_of(const Tensors&... tensors) {
    return (static_cast<double>(tensors.size() * sizeof(*tensors.data())) + ...);
}

/// One of the two convolutions, by both kernels, and with the ReLU and the pooling that follow it in one.
void add_convolution(const std::string& layer, const Shape& shape, std::size_t channels, bool with_input) {
    const auto x = random_tensor<float>(shape), w = random_tensor<float>({channels, shape[1], 5, 5}),
               b = random_tensor<float>({channels}), y = cpu::conv2d_forward(x, w, b), dy = y;
    const double flops = 2.0 * static_cast<double>(y.size() * shape[1] * 25);
    for (const auto& [title, algorithm] :
         {std::pair{"direct", ConvAlgorithm::direct}, {"im2col", ConvAlgorithm::im2col}}) {
        Conv2dOptions options;
        options.algorithm = algorithm;
        const auto name = [&, kernel = title](const char* what) {
            return fmt::format("cnn: {} conv2d_{}, {}", layer, what, kernel);
        };
        add(name("forward"), flops, bytes_of(x, w, y),
            [=, result = y]() mutable { cpu::conv2d_forward(x, w, b, options, result); });
        add(name("backward_weight"), flops, bytes_of(x, dy, w),
            [=, dw = w]() mutable { cpu::conv2d_backward_weight(x, dy, w.shape(), options, dw); });
        if (with_input) {
            add(name("backward_input"), flops, bytes_of(dy, w, x),
                [=, dx = x]() mutable { cpu::conv2d_backward_input(dy, w, x.shape(), options, dx); });
        }
    }
    add(fmt::format("cnn: {} conv2d_backward_bias", layer), static_cast<double>(dy.size()), bytes_of(dy),
        [=, db = b]() mutable { cpu::conv2d_backward_bias(dy, db); });

    Tensor<float> pooled, winners;
    cpu::conv2d_relu_max_pool2d_forward(x, w, b, Conv2dOptions(), pooled, winners);
    const auto dpooled = pooled;
    const auto name = [&](const char* what) { return fmt::format("cnn: {} conv2d_relu_max_pool2d_{}", layer, what); };
    add(name("forward"), flops, bytes_of(x, w, pooled, winners), [=, result = pooled, won = winners]() mutable {
        cpu::conv2d_relu_max_pool2d_forward(x, w, b, Conv2dOptions(), result, won);
    });
    add(name("backward_parameters"), flops, bytes_of(x, dpooled, winners, w), [=, dw = w, db = b]() mutable {
        cpu::conv2d_relu_max_pool2d_backward_parameters(x, dpooled, winners, w.shape(), Conv2dOptions(), dw, db);
    });
    if (with_input) {
        add(name("backward_input"), flops, bytes_of(dpooled, winners, w, x), [=, dx = x]() mutable {
            cpu::conv2d_relu_max_pool2d_backward_input(dpooled, winners, w, x.shape(), Conv2dOptions(), dx);
        });
    }
}

/// ReLU and pooling after a convolution. A comparison counts as an operation.
void add_relu_and_pool(const std::string& layer, const Shape& shape) {
    const auto x = random_tensor<float>(shape), dy = x;
    const double entries = static_cast<double>(x.size());
    const auto name = [&](const char* what) { return fmt::format("cnn: {} {}", layer, what); };
    add(name("relu_forward"), entries, bytes_of(x, x), [=, y = x]() mutable { cpu::relu_forward(x, y); });
    add(name("relu_backward"), entries, bytes_of(x, x, x), [=, dx = x]() mutable { cpu::relu_backward(x, dy, dx); });
    const MaxPool2dOptions options(2);
    const auto pooled = cpu::max_pool2d_forward(x, options);
    add(name("max_pool2d_forward"), 0.75 * entries, bytes_of(x, pooled.y, pooled.indices),
        [=, y = pooled.y, indices = pooled.indices]() mutable { cpu::max_pool2d_forward(x, options, y, indices); });
    add(name("max_pool2d_backward"), 0.25 * entries, bytes_of(x, pooled.y, pooled.indices),
        [=, dx = x]() mutable { cpu::max_pool2d_backward(pooled.y, pooled.indices, x.shape(), dx); });
}

void add_linear_and_loss() {
    const auto x = random_tensor<float>({batch, 320}), w = random_tensor<float>({320, 10}),
               b = random_tensor<float>({10}), z = random_tensor<float>({batch, 10}), dz = z;
    const double flops = 2.0 * static_cast<double>(batch * 320 * 10);
    add("cnn: linear_forward", flops, bytes_of(x, w, b, z), [=, y = z]() mutable { cpu::linear_forward(x, w, b, y); });
    add("cnn: linear_backward_weight", flops, bytes_of(x, dz, w),
        [=, dw = w]() mutable { cpu::linear_backward_weight(x, dz, dw); });
    add("cnn: linear_backward_bias", static_cast<double>(dz.size()), bytes_of(dz),
        [=, db = b]() mutable { cpu::linear_backward_bias(dz, db); });
    add("cnn: linear_backward_input", flops, bytes_of(dz, w, x),
        [=, dx = x]() mutable { cpu::linear_backward_input(dz, w, dx); });

    Labels y = zeros<std::int64_t>({batch});
    for (std::size_t n = 0; n < batch; ++n) { y.data()[n] = static_cast<std::int64_t>(n % 10); }
    Tensor<float> probabilities;
    cpu::cross_entropy_forward(z, y, probabilities);
    // Maximum, difference, exponential, sum and quotient: five for an entry; then one.
    const double entries = static_cast<double>(z.size());
    add("cnn: cross_entropy_forward", 5 * entries, bytes_of(z, z),
        [=, p = z]() mutable { benchmark::DoNotOptimize(cpu::cross_entropy_forward(z, y, p)); });
    add("cnn: cross_entropy_backward", entries, bytes_of(z, z),
        [=, gradient = z]() mutable { cpu::cross_entropy_backward(probabilities, y, gradient); });
}

/// The step of all parameters, and the whole of a training step as the chapter does it.
void add_steps() {
    struct Learner {
        Random random{0};
        CNN<Cpu<float>> model{CNNSizes{}, random};
        nn::CrossEntropyLoss<Cpu<float>> criterion;
        optim::SGD<Cpu<float>> optimizer{model.parameters(), SgdOptions{}};
        Tensor<float> x = random_tensor<float>({batch, 1, 28, 28});
        Labels y = zeros<std::int64_t>({batch});
    };
    const auto learner = std::make_shared<Learner>();
    const double parameters = static_cast<double>(learner->model.parameter_count());
    add("cnn: sgd_step of all parameters", 2 * parameters, 3 * sizeof(float) * parameters,
        [learner] { learner->optimizer.step(); });
    add("cnn: a whole training step", flops_an_image() * static_cast<double>(batch), 0, [learner] {
        learner->optimizer.zero_grad();
        benchmark::DoNotOptimize(learner->criterion.forward(learner->model.forward(learner->x), learner->y));
        learner->model.backward(learner->criterion.backward(), nn::InputGradient::not_needed);
        learner->optimizer.step();
    });
}

} // namespace

void add_copies() {
    for (const std::size_t kilobytes : {128, 131072}) {
        const std::size_t bytes = kilobytes << 10;
        add(fmt::format("copy {} KiB", kilobytes), 0, 2 * static_cast<double>(bytes),
            [from = std::vector<char>(bytes, 1), to = std::vector<char>(bytes)]() mutable {
                std::memcpy(to.data(), from.data(), from.size());
            });
    }
}

void add_cnn() {
    add_convolution("conv1", {batch, 1, 28, 28}, 10, false);
    add_relu_and_pool("conv1", {batch, 10, 24, 24});
    add_convolution("conv2", {batch, 10, 12, 12}, 20, true);
    add_relu_and_pool("conv2", {batch, 20, 8, 8});
    add_linear_and_loss();
    add_steps();
}

} // namespace handgrad::benchmarks
