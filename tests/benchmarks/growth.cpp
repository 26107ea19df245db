// Training steps of chapter 09's CNN on random images, for batches and images of several sizes; prints the seconds that
// an image takes.

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "handgrad/backends/cpu.hpp"
#include "handgrad/optim/sgd.hpp"
#include "handgrad/tensor/parallel.hpp"

#include "09_cnn/model.hpp"
#include "arguments.hpp"

namespace {

using namespace handgrad;
using Backend = Cpu<float>;

double seconds_an_image(std::size_t batch, std::size_t size, double at_least) {
    Random random(0);
    CNNSizes sizes;
    sizes.height = sizes.width = size;
    CNN<Backend> model(sizes, random);
    nn::CrossEntropyLoss<Backend> criterion;
    optim::SGD<Backend> optimizer(model.parameters(), SgdOptions{});
    auto x = zeros<float>({batch, 1, size, size});
    uniform_(x, 0.0, 1.0, random);
    auto y = zeros<std::int64_t>({batch});
    for (std::size_t n = 0; n < batch; ++n) { y.data()[n] = static_cast<std::int64_t>(n % 10); }
    const auto step = [&] {
        optimizer.zero_grad();
        criterion.forward(model.forward(x), y);
        model.backward(criterion.backward(), nn::InputGradient::not_needed);
        optimizer.step();
    };

    for (int i = 0; i < 2; ++i) { step(); } // for warming up
    std::chrono::duration<double> spent{};
    std::size_t steps = 0;
    for (const auto start = std::chrono::steady_clock::now(); spent.count() < at_least; ++steps) {
        step();
        spent = std::chrono::steady_clock::now() - start;
    }
    return spent.count() / static_cast<double>(steps * batch);
}

} // namespace

int main(int argc, char** argv) try {
    handgrad::benchmarks::Arguments app("Steps of chapter 09's CNN, timed");
    int threads = 1;
    double at_least = 0.3;
    std::vector<std::string> cases;
    app.option("--threads", threads);
    app.option("--seconds", at_least, "of each case");
    app.required("--cases", cases, "batch size x image size, 64x28");
    if (const auto status = app.parse(argc, argv)) { return *status; }
    set_num_threads(threads);

    std::vector<std::string> results;
    for (const std::string& one : cases) {
        std::size_t batch = 0, size = 0;
        if (std::sscanf(one.c_str(), "%zux%zu", &batch, &size) != 2) { throw std::invalid_argument(one); }
        results.push_back(fmt::format("{{\"batch\": {}, \"size\": {}, \"seconds\": {}}}", batch, size,
                                      seconds_an_image(batch, size, at_least)));
    }
    fmt::print("[{}]\n", fmt::join(results, ", "));
} catch (const std::exception& error) {
    fmt::print(stderr, "bench_growth: {}\n", error.what());
    return 1;
}
