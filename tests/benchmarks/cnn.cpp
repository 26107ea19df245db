// Trains chapter 09's CNN for some epochs and prints how long each took: shuffling, conversion of the pixels, forward,
// loss, backward and step.

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/data/data_loader.hpp"
#include "handgrad/data/mnist.hpp"
#include "handgrad/optim/sgd.hpp"
#include "handgrad/tensor/parallel.hpp"
#include "handgrad/train/train.hpp"

#include "09_cnn/model.hpp"
#include "arguments.hpp"

namespace {

struct Settings {
    int threads = 1;
    std::size_t epochs = 1, limit = 0, batch_size = 64;
    double times = 1; // what the seconds are multiplied by: for who trains on a part of the images
    bool unfused = false;
    std::string folder;
};

template <class Backend> void time_epochs(const Settings& run) {
    using namespace handgrad;
    set_num_threads(run.threads);
    const auto train_set = data::load_mnist(data::Split::train, run.folder);
    data::LoaderOptions loading;
    loading.limit = run.limit;
    loading.batch_size = run.batch_size;
    data::DataLoader<Backend> loader(train_set, loading);
    loading.limit = std::min(50 * loading.batch_size, loader.dataset_size());
    data::DataLoader<Backend> warming_up(train_set, loading);
    Random random(0);
    CNN<Backend> model(CNNSizes{}, random);
    model.fuse(!run.unfused);
    train::Classification<Backend> task(model, loader), first(model, warming_up);
    SgdOptions options;
    options.lr = 0.001;
    optim::SGD<Backend> optimizer(model.parameters(), options);
    train::Run<Backend> training{task, optimizer}, warm_up{first, optimizer};
    train::train_one_epoch(warm_up);

    std::vector<double> seconds;
    double loss = 0;
    for (std::size_t epoch = 0; epoch < run.epochs; ++epoch) {
        const auto start = std::chrono::steady_clock::now();
        // At its end the sums of the losses are read: a device has then done all of its work.
        loss = train::train_one_epoch(training).loss;
        const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
        seconds.push_back(run.times * time.count());
    }
    fmt::print("{{\"seconds\": [{}], \"loss\": {}}}\n", fmt::join(seconds, ", "), loss);
}

} // namespace

int main(int argc, char** argv) try {
    handgrad::benchmarks::Arguments app("Chapter 09's CNN, timed");
    Settings run;
    std::string device = "cpu";
    app.option("--threads", run.threads);
    app.option("--epochs", run.epochs);
    app.option("--limit", run.limit);
    app.option("--batch-size", run.batch_size);
    app.option("--data", run.folder);
    app.option("--device", device, {"cpu", "fast", "plain"}, "cpu, or the device with its fast or its plain kernels");
    app.option("--times", run.times);
    app.flag("--unfused", run.unfused);
    if (const auto status = app.parse(argc, argv)) { return *status; }

    if (device == "cpu") {
        time_epochs<handgrad::Cpu<float>>(run);
    } else {
        using handgrad::device::Algorithm;
        handgrad::device::require_available();
        handgrad::device::set_algorithm(device == "plain" ? Algorithm::plain : Algorithm::fast);
        time_epochs<handgrad::Device<float>>(run);
    }
} catch (const std::exception& error) {
    fmt::print(stderr, "bench_cnn: {}\n", error.what());
    return 1;
}
