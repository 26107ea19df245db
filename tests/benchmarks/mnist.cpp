// Trains chapter 08's network for some epochs and prints how long each took: shuffling, conversion of the pixels,
// forward, loss, backward and step.

#include <chrono>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "handgrad/backends/cpu.hpp"
#include "handgrad/data/data_loader.hpp"
#include "handgrad/data/mnist.hpp"
#include "handgrad/optim/sgd.hpp"
#include "handgrad/tensor/parallel.hpp"
#include "handgrad/train/train.hpp"

#include "08_mnist_two_layer/model.hpp"
#include "arguments.hpp"

int main(int argc, char** argv) try {
    handgrad::benchmarks::Arguments app("Chapter 08's network, timed");
    int threads = 1;
    std::size_t epochs = 3, limit = 0;
    std::string folder;
    app.option("--threads", threads);
    app.option("--epochs", epochs);
    app.option("--limit", limit);
    app.option("--data", folder);
    if (const auto status = app.parse(argc, argv)) { return *status; }

    using namespace handgrad;
    using Backend = Cpu<float>;
    set_num_threads(threads);
    const auto train_set = data::load_mnist(data::Split::train, folder);
    data::LoaderOptions loading;
    loading.limit = limit;
    data::DataLoader<Backend> loader(train_set, loading);
    Random random(0);
    TwoLayerNet<Backend> model(784, 100, 10, random);
    train::Classification<Backend> task(model, loader);
    SgdOptions options;
    options.lr = 0.1;
    optim::SGD<Backend> optimizer(model.parameters(), options);
    train::Run<Backend> run{task, optimizer};

    std::vector<double> seconds;
    double loss = 0;
    for (std::size_t epoch = 0; epoch <= epochs; ++epoch) { // one more, for warming up
        const auto start = std::chrono::steady_clock::now();
        loss = train::train_one_epoch(run).loss;
        const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
        if (epoch > 0) { seconds.push_back(time.count()); }
    }
    fmt::print("{{\"seconds\": [{}], \"loss\": {}}}\n", fmt::join(seconds, ", "), loss);
} catch (const std::exception& error) {
    fmt::print(stderr, "bench_mnist: {}\n", error.what());
    return 1;
}
