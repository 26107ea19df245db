// Every operation of the cpu backend on one thread, at the sizes that the chapters use.

#include <string>

#include <benchmark/benchmark.h>
#include <cblas.h>
#include <fmt/format.h>

#include "handgrad/backends/cpu.hpp"
#include "handgrad/data/data_loader.hpp"
#include "handgrad/tensor/parallel.hpp"

#include "operations.hpp"

namespace {

using namespace handgrad;
using benchmarks::add;
using benchmarks::random_tensor;

template <class T> std::string type() { return sizeof(T) == 4 ? "float" : "double"; }

// What the others are measured against.
void add_gemm() {
    constexpr std::size_t n = 512;
    constexpr double flops = 2.0 * n * n * n;
    add("sgemm 512", flops, 0, [a = random_tensor<float>({n, n}), c = zeros<float>({n, n})]() mutable {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a.data(), n, a.data(), n, 0, c.data(), n);
    });
    add("dgemm 512", flops, 0, [a = random_tensor<double>({n, n}), c = zeros<double>({n, n})]() mutable {
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a.data(), n, a.data(), n, 0, c.data(), n);
    });
}

template <class T> void add_linear(std::size_t batch, std::size_t in, std::size_t out) {
    const std::string size = fmt::format("({}, {}, {}) {}", batch, in, out, type<T>());
    const double flops = 2.0 * static_cast<double>(batch * in * out);
    const auto x = random_tensor<T>({batch, in}), w = random_tensor<T>({in, out}), dy = random_tensor<T>({batch, out});
    const auto b = random_tensor<T>({out});
    add("linear_forward " + size, flops, 0, [=, y = Tensor<T>()]() mutable { cpu::linear_forward(x, w, b, y); });
    add("linear_backward_input " + size, flops, 0,
        [=, dx = Tensor<T>()]() mutable { cpu::linear_backward_input(dy, w, dx); });
    add("linear_backward_weight " + size, flops, 0,
        [=, dw = Tensor<T>()]() mutable { cpu::linear_backward_weight(x, dy, dw); });
    add("linear_backward_bias " + size, 0, static_cast<double>(sizeof(T) * dy.size()),
        [=, db = Tensor<T>()]() mutable { cpu::linear_backward_bias(dy, db); });
}

/// y = f(x): reads x and writes y.
template <class T> void add_activation(const Shape& shape) {
    const auto x = random_tensor<T>(shape), dy = random_tensor<T>(shape);
    const std::string size = to_string(shape) + " " + type<T>();
    const double bytes = static_cast<double>(sizeof(T) * x.size());
    add("relu_forward " + size, 0, 2 * bytes, [=, y = Tensor<T>()]() mutable { cpu::relu_forward(x, y); });
    add("relu_backward " + size, 0, 3 * bytes, [=, dx = Tensor<T>()]() mutable { cpu::relu_backward(x, dy, dx); });
    add("sigmoid_forward " + size, 0, 2 * bytes, [=, y = Tensor<T>()]() mutable { cpu::sigmoid_forward(x, y); });
    add("tanh_forward " + size, 0, 2 * bytes, [=, y = Tensor<T>()]() mutable { cpu::tanh_forward(x, y); });
}

template <class T> void add_loss(std::size_t batch, std::size_t classes) {
    const auto z = random_tensor<T>({batch, classes});
    Labels y = zeros<std::int64_t>({batch});
    for (std::size_t n = 0; n < batch; ++n) { y.data()[n] = static_cast<std::int64_t>(n % classes); }
    const std::string size = fmt::format("({}, {}) {}", batch, classes, type<T>());
    const double bytes = 2.0 * static_cast<double>(sizeof(T) * z.size());
    Tensor<T> probabilities;
    cpu::cross_entropy_forward(z, y, probabilities);
    add("cross_entropy_forward " + size, 0, bytes,
        [=, p = Tensor<T>()]() mutable { benchmark::DoNotOptimize(cpu::cross_entropy_forward(z, y, p)); });
    add("cross_entropy_backward " + size, 0, bytes,
        [=, dz = Tensor<T>()]() mutable { cpu::cross_entropy_backward(probabilities, y, dz); });
    add("softmax_forward " + size, 0, bytes, [=, p = Tensor<T>()]() mutable { cpu::softmax_forward(z, p); });
}

template <class T> void add_sgd(const Shape& shape) {
    const auto g = random_tensor<T>(shape);
    const std::string size = to_string(shape) + " " + type<T>();
    const double bytes = static_cast<double>(sizeof(T) * g.size());
    SgdOptions plain;
    SgdOptions momentum;
    momentum.momentum = 0.9;
    add("sgd_step " + size, 0, 3 * bytes, [=, p = g, v = Tensor<T>()]() mutable { cpu::sgd_step(p, g, v, plain); });
    add("sgd_step with momentum " + size, 0, 5 * bytes,
        [=, p = g, v = Tensor<T>()]() mutable { cpu::sgd_step(p, g, v, momentum); });
}

/// Batch normalisation, dropout and the addition of a residual block, on images of the size of a residual network's.
template <class T> void add_deep(const Shape& shape) {
    const auto x = random_tensor<T>(shape), dy = random_tensor<T>(shape);
    const auto w = random_tensor<T>({shape[1]}), b = random_tensor<T>({shape[1]});
    const std::string size = to_string(shape) + " " + type<T>();
    const double bytes = static_cast<double>(sizeof(T) * x.size());
    const auto kept = cpu::batch_norm_forward(x, w, b, 1e-5);
    add("batch_norm_forward " + size, 0, 3 * bytes,
        [=, y = Tensor<T>(), mean = Tensor<T>(), var = Tensor<T>(), rstd = Tensor<T>()]() mutable {
            cpu::batch_norm_forward(x, w, b, 1e-5, y, mean, var, rstd);
        });
    add("batch_norm_backward " + size, 0, 5 * bytes,
        [=, dw = Tensor<T>(), db = Tensor<T>(), dy_mean = Tensor<T>(), dyx_mean = Tensor<T>(),
         dx = Tensor<T>()]() mutable {
            cpu::batch_norm_backward_parameters(x, kept.mean, kept.rstd, dy, dw, db, dy_mean, dyx_mean);
            cpu::batch_norm_backward_input(x, w, kept.mean, kept.rstd, dy_mean, dyx_mean, dy, dx);
        });
    add("dropout_forward " + size, 0, 2 * bytes, [=, y = Tensor<T>()]() mutable {
        cpu::dropout_forward(x, 0.5, DropoutCounter{1, 0, 0}, y);
    });
    add("add_forward " + size, 0, 3 * bytes, [=, y = Tensor<T>()]() mutable { cpu::add_forward(x, dy, y); });
}

/// An epoch of the loader: one byte read and one float written for each of the pixels.
void add_loader() {
    static data::ImageDataset set; // as large as MNIST, so that it comes from memory
    set.height = set.width = 28;
    set.pixels.resize(60000 * 784);
    set.labels.resize(60000);
    for (std::size_t i = 0; i < set.pixels.size(); ++i) { set.pixels[i] = static_cast<std::uint8_t>(i * 7919 >> 5); }
    static data::DataLoader<Cpu<float>> loader(set);
    add("DataLoader, an epoch of 60000 images, batch 64", 0, 5.0 * 60000 * 784, [] {
        for (const auto& batch : loader) { benchmark::DoNotOptimize(batch.images.data()); }
    });
}

} // namespace

int main(int argc, char** argv) {
    set_num_threads(1);
    add_gemm();
    benchmarks::add_copies();
    benchmarks::add_cnn();
    add_linear<float>(64, 784, 100); // chapter 08
    add_linear<float>(64, 100, 10);
    add_linear<double>(300, 2, 100); // chapter 05
    add_linear<double>(300, 100, 3);
    add_activation<float>({64, 100});
    add_activation<double>({300, 100});
    add_loss<float>(64, 10);
    add_loss<double>(300, 3);
    add_sgd<float>({784, 100});
    add_deep<float>({128, 32, 28, 28});
    add_deep<float>({128, 128, 7, 7});
    add_deep<float>({128, 1024});
    add_loader();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) { return 1; }
    benchmark::RunSpecifiedBenchmarks();
}
