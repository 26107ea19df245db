// The lecture's CNN as one writes it who knows the formulas and C++, and no more: loops, one image at a time, the
// innermost loop along a row so that the compiler can use SIMD registers. It trains on a part of an epoch and prints how
// long the whole would take.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "handgrad/backends/cpu.hpp"
#include "handgrad/data/data_loader.hpp"
#include "handgrad/data/mnist.hpp"
#include "handgrad/tensor/random.hpp"

#include "arguments.hpp"

namespace {

using Numbers = std::vector<float>;

/// A convolution with kernels of 5 x 5: `in` channels of size x size pixels, `out` of (size - 4) x (size - 4).
struct Conv {
    std::size_t in, out, size;

    template <class F> void for_each_tap(F f) const { // f(output channel, input channel, row, column, weight's number)
        for (std::size_t k = 0, i = 0; k < out; ++k) {
            for (std::size_t c = 0; c < in; ++c) {
                for (std::size_t r = 0; r < 5; ++r) {
                    for (std::size_t s = 0; s < 5; ++s, ++i) { f(k, c, r, s, i); }
                }
            }
        }
    }

    void forward(const Numbers& w, const Numbers& b, const float* x, float* y) const {
        const std::size_t result = size - 4;
        for (std::size_t k = 0; k < out; ++k) { std::fill_n(y + k * result * result, result * result, b[k]); }
        for_each_tap([&](std::size_t k, std::size_t c, std::size_t r, std::size_t s, std::size_t i) {
            for (std::size_t p = 0; p < result; ++p) {
                const float* from = x + (c * size + p + r) * size + s;
                float* to = y + (k * result + p) * result;
                for (std::size_t q = 0; q < result; ++q) { to[q] += w[i] * from[q]; }
            }
        });
    }

    void backward(const float* x, const float* dy, Numbers& dw, Numbers& db) const {
        const std::size_t result = size - 4;
        for_each_tap([&](std::size_t k, std::size_t c, std::size_t r, std::size_t s, std::size_t i) {
            std::array<float, 24> columns{};
            for (std::size_t p = 0; p < result; ++p) {
                const float* from = x + (c * size + p + r) * size + s;
                const float* by = dy + (k * result + p) * result;
                for (std::size_t q = 0; q < result; ++q) { columns[q] += by[q] * from[q]; }
            }
            for (std::size_t q = 0; q < result; ++q) { dw[i] += columns[q]; }
        });
        for (std::size_t k = 0; k < out; ++k) {
            for (std::size_t i = 0; i < result * result; ++i) { db[k] += dy[k * result * result + i]; }
        }
    }

    void backward_input(const Numbers& w, const float* dy, float* dx) const {
        const std::size_t result = size - 4;
        std::fill_n(dx, in * size * size, 0.0F);
        for_each_tap([&](std::size_t k, std::size_t c, std::size_t r, std::size_t s, std::size_t i) {
            for (std::size_t p = 0; p < result; ++p) {
                const float* from = dy + (k * result + p) * result;
                float* to = dx + (c * size + p + r) * size + s;
                for (std::size_t q = 0; q < result; ++q) { to[q] += w[i] * from[q]; }
            }
        });
    }
};

/// ReLU, then the largest of each 2 x 2: `channels` of size x size pixels; winners are numbers of pixels.
void relu_pool(std::size_t channels, std::size_t size, Numbers& z, float* y, std::vector<std::size_t>& winners) {
    for (float& v : z) { v = v > 0 ? v : 0; }
    for (std::size_t c = 0, i = 0; c < channels; ++c) {
        for (std::size_t p = 0; p < size; p += 2) {
            for (std::size_t q = 0; q < size; q += 2, ++i) {
                const std::size_t first = (c * size + p) * size + q;
                winners[i] = first;
                for (const std::size_t other : {first + 1, first + size, first + size + 1}) {
                    if (z[other] > z[winners[i]]) { winners[i] = other; }
                }
                y[i] = z[winners[i]];
            }
        }
    }
}

void relu_pool_backward(const Numbers& y, const Numbers& dy, const std::vector<std::size_t>& winners, Numbers& dz) {
    std::fill(dz.begin(), dz.end(), 0.0F);
    for (std::size_t i = 0; i < y.size(); ++i) { dz[winners[i]] = y[i] > 0 ? dy[i] : 0; }
}

constexpr Conv conv1{1, 10, 28}, conv2{10, 20, 12};

struct Parameters {
    Numbers w1 = Numbers(250), b1 = Numbers(10), w2 = Numbers(5000), b2 = Numbers(20), w3 = Numbers(3200),
            b3 = Numbers(10);
    std::array<Numbers*, 6> all() { return {&w1, &b1, &w2, &b2, &w3, &b3}; }
};

/// What one thread needs: an image's values and their gradients, and the sum of the parameters' gradients.
struct Worker {
    Numbers z1 = Numbers(5760), o1 = Numbers(1440), z2 = Numbers(1280), o2 = Numbers(320), scores = Numbers(10);
    Numbers dz1 = z1, do1 = o1, dz2 = z2, do2 = o2;
    std::vector<std::size_t> winners1 = std::vector<std::size_t>(1440), winners2 = std::vector<std::size_t>(320);
    Parameters gradient;
    double loss = 0;

    void learn(const Parameters& p, const float* x, std::size_t label) {
        conv1.forward(p.w1, p.b1, x, z1.data());
        relu_pool(10, 24, z1, o1.data(), winners1);
        conv2.forward(p.w2, p.b2, o1.data(), z2.data());
        relu_pool(20, 8, z2, o2.data(), winners2);
        scores = p.b3;
        for (std::size_t i = 0; i < 320; ++i) {
            for (std::size_t k = 0; k < 10; ++k) { scores[k] += o2[i] * p.w3[i * 10 + k]; }
        }
        const float most = *std::max_element(scores.begin(), scores.end());
        float sum = 0;
        for (const float u : scores) { sum += std::exp(u - most); }
        loss += std::log(sum) + most - scores[label];
        for (float& u : scores) { u = std::exp(u - most) / sum; } // from here on the gradient
        scores[label] -= 1;

        for (std::size_t k = 0; k < 10; ++k) { gradient.b3[k] += scores[k]; }
        for (std::size_t i = 0; i < 320; ++i) {
            do2[i] = 0;
            for (std::size_t k = 0; k < 10; ++k) {
                gradient.w3[i * 10 + k] += o2[i] * scores[k];
                do2[i] += p.w3[i * 10 + k] * scores[k];
            }
        }
        relu_pool_backward(o2, do2, winners2, dz2);
        conv2.backward(o1.data(), dz2.data(), gradient.w2, gradient.b2);
        conv2.backward_input(p.w2, dz2.data(), do1.data());
        relu_pool_backward(o1, do1, winners1, dz1);
        conv1.backward(x, dz1.data(), gradient.w1, gradient.b1);
    }
};

/// One step: the workers share the batch's images. Returns the sum of the losses.
double step(Parameters& parameters, std::vector<Worker>& workers, const handgrad::Tensor<float>& images,
            const handgrad::Labels& labels, float lr) {
    const std::size_t batch = labels.size(), count = workers.size();
    const auto work = [&](std::size_t i) {
        workers[i].loss = 0;
        for (Numbers* g : workers[i].gradient.all()) { std::fill(g->begin(), g->end(), 0.0F); }
        for (std::size_t n = i * batch / count; n < (i + 1) * batch / count; ++n) {
            workers[i].learn(parameters, images.data() + n * 784, static_cast<std::size_t>(labels.data()[n]));
        }
    };
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < count; ++i) { threads.emplace_back(work, i); }
    work(0);
    for (std::thread& thread : threads) { thread.join(); }

    double loss = 0;
    for (Worker& worker : workers) {
        loss += worker.loss;
        for (std::size_t i = 0; i < 6; ++i) {
            Numbers &p = *parameters.all()[i], &g = *worker.gradient.all()[i];
            for (std::size_t j = 0; j < p.size(); ++j) { p[j] -= lr / static_cast<float>(batch) * g[j]; }
        }
    }
    return loss;
}

} // namespace

int main(int argc, char** argv) try {
    handgrad::benchmarks::Arguments app("The CNN in plain loops, timed");
    std::size_t threads = 1, limit = 6000, epoch = 60000;
    std::string folder;
    app.option("--threads", threads);
    app.option("--limit", limit, "images to train on");
    app.option("--epoch", epoch, "images for which the time is printed");
    app.option("--data", folder);
    if (const auto status = app.parse(argc, argv)) { return *status; }

    using namespace handgrad;
    const auto train_set = data::load_mnist(data::Split::train, folder);
    data::LoaderOptions loading;
    loading.limit = limit;
    data::DataLoader<Cpu<float>> loader(train_set, loading);
    Random random(0);
    Parameters parameters;
    const std::array<double, 6> bounds = {
        0.2, 0.2, 1 / std::sqrt(250.0), 1 / std::sqrt(250.0), 1 / std::sqrt(320.0), 1 / std::sqrt(320.0)};
    for (std::size_t i = 0; i < 6; ++i) {
        for (float& v : *parameters.all()[i]) { v = static_cast<float>((2 * random.uniform() - 1) * bounds[i]); }
    }
    std::vector<Worker> workers(threads);

    const auto start = std::chrono::steady_clock::now();
    double loss = 0;
    for (const auto& batch : loader) { loss += step(parameters, workers, batch.images, batch.labels, 0.001F); }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    const auto images = static_cast<double>(loader.dataset_size());
    fmt::print("{{\"seconds\": {}, \"loss\": {}}}\n", time.count() * static_cast<double>(epoch) / images,
               loss / images);
} catch (const std::exception& error) {
    fmt::print(stderr, "bench_naive_cnn: {}\n", error.what());
    return 1;
}
