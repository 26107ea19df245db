#pragma once
// ## Deeper is worse, without a shortcut
//
// A deep network can do whatever a shallow one can: the additional layers need only pass on what
// they get. So its training loss should not be higher. We train four networks on the same digits
// with the same steps, plain and residual ones, with 1 block and with 12. All have a first
// convolution with a stride of 4, which makes 8 channels of 7 x 7 places, and a linear layer at the
// end.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/optim/sgd.hpp>
#include <handgrad/plot/figure.hpp>
#include <handgrad/train/train.hpp>

#include "model.hpp"
#include "settings.hpp"

namespace depth {

// These networks compute in double. A deep network multiplies small differences, and in float the
// fourth digit of a loss would depend on the machine.
using Backend = handgrad::Cpu<double>;

struct Run {
    Shortcut shortcut;
    std::size_t blocks;
    std::size_t layers() const { return 2 * blocks + 2; }
    std::string name() const {
        return fmt::format("{}, {} layers",
                           shortcut == Shortcut::none ? "plain" : "residual",
                           layers());
    }
    std::vector<double> losses = {}; // mean training loss of each epoch
};

inline void add_layers(nn::Sequential<Backend>& net, const Run& run,
                       Random& random) {
    constexpr std::size_t channels = 8, places = 7 * 7;
    add_conv_norm(net, 1, channels, 5, 4, random);
    net.add<nn::ReLU<Backend>>();
    for (std::size_t i = 0; i < run.blocks; ++i) {
        add_block(net, channels, channels, 1, run.shortcut, random);
    }
    net.add<nn::Flatten<Backend>>();
    net.add<nn::Linear<Backend>>(channels * places, 10, random);
}

// 160 steps of SGD with momentum (chapter 07): eight epochs of 1,280 digits. The loss of an epoch is
// the mean over its batches. No test digit is looked at. A network that fits its training digits
// badly has not learned too much, but too little.
inline void train(Run& run, const handgrad::data::ImageDataset& train_set,
                  std::uint64_t seed) {
    handgrad::data::LoaderOptions options;
    options.batch_size = 64;
    options.limit = 1280;
    options.seed = seed;
    handgrad::data::DataLoader<Backend> loader(train_set, options,
                                               transforms(train_set, 0, 0));
    Random random(seed);
    nn::Sequential<Backend> net;
    add_layers(net, run, random);
    handgrad::train::Classification<Backend> task(net, loader);
    handgrad::SgdOptions sgd;
    sgd.lr = 0.01;
    sgd.momentum = 0.9;
    handgrad::optim::SGD<Backend> optimizer(net.parameters(), sgd);
    handgrad::train::Run<Backend> training{task, optimizer};
    for (int epoch = 1; epoch <= 8; ++epoch) {
        run.losses.push_back(handgrad::train::train_one_epoch(training).loss);
    }
}

inline void draw(const handgrad::app::Program& program,
                 const std::vector<Run>& runs) {
    handgrad::plot::Figure figure;
    figure.title("Training loss of plain and residual networks")
        .x_label("epoch")
        .y_label("mean training loss [nats]")
        .y_log();
    const std::vector<double> epochs = {1, 2, 3, 4, 5, 6, 7, 8};
    for (const Run& run : runs) {
        figure.line_points(run.name(), epochs, run.losses);
    }
    const auto saved = figure.save(program.output(""), "depth");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

// <details class="predict"><summary>Predict: which of the four training losses is the highest after eight epochs, and which is the lowest?</summary>
//
// The deep plain network has the highest by far, although it could copy the shallow one. The deep
// residual network has the lowest: with a way for the gradient, more layers fit better.
//
// </details>
inline void compare(handgrad::app::Program& program,
                    const std::filesystem::path& data, std::size_t deep) {
    const auto train_set = load(handgrad::data::Split::train, data);
    std::vector<Run> runs;
    for (const std::size_t blocks : {std::size_t{1}, deep}) {
        runs.push_back({Shortcut::none, blocks});
        runs.push_back({Shortcut::residual, blocks});
    }
    fmt::print("Training loss of each epoch, 1,280 digits\n\n  epoch");
    for (Run& run : runs) {
        train(run, train_set, program.options().seed);
        fmt::print("  {:>19}", run.name());
        program.result(run.name(), run.losses);
    }
    for (std::size_t epoch = 0; epoch < runs[0].losses.size(); ++epoch) {
        fmt::print("\n  {:5}", epoch + 1);
        for (const Run& run : runs) {
            fmt::print("  {:19.4f}", run.losses[epoch]);
        }
    }
    fmt::print("\n\n");
    draw(program, runs);
}

} // namespace depth

// @output to "8"
//
// ![The training losses of the four networks, on a logarithmic axis. The deep plain network stays above the shallow one; the deep residual network ends far below both.](depth.svg)
