// Trains chapter 09's CNN for some epochs and prints how long each took: shuffling, conversion of the pixels, forward,
// loss, backward and step.

#include <chrono>
#include <exception>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "handgrad/cpu/cpu.hpp"
#include "handgrad/data/data_loader.hpp"
#include "handgrad/data/mnist.hpp"
#include "handgrad/optim/sgd.hpp"
#include "handgrad/parallel.hpp"
#include "handgrad/train/train.hpp"

#include "09_cnn/model.hpp"

int main(int argc, char** argv) try {
    CLI::App app("Chapter 09's CNN, timed");
    int threads = 1;
    std::size_t epochs = 1, limit = 0;
    std::string folder;
    app.add_option("--threads", threads);
    app.add_option("--epochs", epochs);
    app.add_option("--limit", limit);
    app.add_option("--data", folder);
    CLI11_PARSE(app, argc, argv);

    using namespace handgrad;
    using Backend = Cpu<float>;
    set_num_threads(threads);
    const auto train_set = data::load_mnist(data::Split::train, folder);
    data::LoaderOptions loading;
    loading.limit = limit;
    data::DataLoader<Backend> loader(train_set, loading);
    loading.limit = 50 * loading.batch_size;
    data::DataLoader<Backend> warming_up(train_set, loading);
    Random random(0);
    CNN<Backend> model(CNNSizes{}, random);
    nn::CrossEntropyLoss<Backend> criterion;
    SgdOptions options;
    options.lr = 0.001;
    optim::SGD<Backend> optimizer(model.parameters(), options);
    train::History history;
    train::train_one_epoch<Backend>(warming_up, model, criterion, optimizer, 100, 0, history);

    std::vector<double> seconds;
    double loss = 0;
    for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
        const auto start = std::chrono::steady_clock::now();
        loss = train::train_one_epoch<Backend>(loader, model, criterion, optimizer, 100, epoch, history).loss;
        const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
        seconds.push_back(time.count());
    }
    fmt::print("{{\"seconds\": [{}], \"loss\": {}}}\n", fmt::join(seconds, ", "), loss);
} catch (const std::exception& error) {
    fmt::print(stderr, "bench_cnn: {}\n", error.what());
    return 1;
}
