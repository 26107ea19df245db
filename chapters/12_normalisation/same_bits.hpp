#pragma once
// ## The same bits
//
// Batch normalisation adds up thousands of numbers, dropout draws thousands at random, and AdamW
// (chapter 13) keeps two running means for each parameter. All of this could depend on the number
// of threads, and on whether a run was interrupted. Here it does not: sums are divided by the size
// of the problem and never by the threads, and a random number depends on its counter alone.
//
// We train a net with all three for ten steps, on 1, 2 and 4 threads, and compare all parameters
// and buffers bit by bit. Then a run stops after four steps and writes a checkpoint, and another
// program (here: another object) goes on from it.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/nn/nn.hpp>
#include <handgrad/optim/adam.hpp>
#include <handgrad/tensor/parallel.hpp>
#include <handgrad/train/checkpoint.hpp>
#include <handgrad/train/train.hpp>

namespace same_bits {

namespace data = handgrad::data;
namespace train = handgrad::train;
namespace nn = handgrad::nn;
using Single = handgrad::Cpu<float>;

inline data::LoaderOptions ten_batches(std::uint64_t seed) {
    data::LoaderOptions options{128};
    options.limit = 1280;
    options.seed = seed;
    return options;
}

inline handgrad::AdamWOptions adamw() {
    handgrad::AdamWOptions options;
    options.lr = 0.003;
    return options;
}

class Training {
public:
    Training(const data::ImageDataset& set, std::uint64_t seed)
        : random_(seed), loader_(set, ten_batches(seed)),
          optimizer_(fill(seed), adamw()) {}

    void go(std::size_t until) {
        train::EpochSettings settings;
        settings.stop = [&] { return loader_.state().batch >= until; };
        train::train_one_epoch(run_, settings);
    }
    void save(const std::filesystem::path& file) const {
        train::save_checkpoint(file, run_);
    }
    void load(const std::filesystem::path& file) {
        train::load_checkpoint(file, run_);
    }
    bool same_as(const Training& other) const;

private:
    std::vector<nn::Parameter<Single>*> fill(std::uint64_t seed) {
        model_.add<nn::Flatten<Single>>();
        model_.add<nn::Linear<Single>>(28 * 28, 256, random_);
        model_.add<nn::BatchNorm1d<Single>>(256);
        model_.add<nn::ReLU<Single>>();
        model_.add<nn::Dropout<Single>>(0.5, seed);
        model_.add<nn::Linear<Single>>(256, 10, random_);
        return model_.parameters();
    }

    handgrad::Random random_;
    nn::Sequential<Single> model_;
    data::DataLoader<Single> loader_;
    handgrad::optim::AdamW<Single> optimizer_;
    train::Classification<Single> task_{model_, loader_};
    train::Run<Single> run_{task_, optimizer_};
};

inline bool Training::same_as(const Training& other) const {
    const auto ours = model_.parameters(), theirs = other.model_.parameters();
    for (std::size_t i = 0; i < ours.size(); ++i) {
        if (ours[i]->value != theirs[i]->value) { return false; }
    }
    const auto mine = model_.named_buffers(),
               his = other.model_.named_buffers();
    for (std::size_t i = 0; i < mine.size(); ++i) {
        if (*mine[i].second != *his[i].second) { return false; }
    }
    return true;
}

inline void report(const std::string& what, bool same) {
    fmt::print("  {:32} {}\n", what, same ? "identical bits" : "DIFFERENT");
    if (!same) { throw std::runtime_error("the bits differ: " + what); }
}

inline void run(handgrad::app::Program& program, const data::ImageDataset& set,
                std::uint64_t seed) {
    const int threads = handgrad::num_threads();
    handgrad::set_num_threads(1);
    Training one(set, seed);
    one.go(10);
    fmt::print("\nTen steps with BatchNorm, Dropout and AdamW\n");
    for (const int more : {2, 4}) {
        handgrad::set_num_threads(more);
        Training other(set, seed);
        other.go(10);
        report(fmt::format("1 thread and {} threads", more),
               other.same_as(one));
    }
    const auto file = program.output("four_steps.safetensors");
    Training first(set, seed), second(set, seed);
    first.go(4);
    first.save(file);
    second.load(file);
    second.go(10);
    report("saved after 4 steps and resumed", second.same_as(one));
    handgrad::set_num_threads(threads);
}

// @output to end
//
// The checkpoint holds what a resumed run needs: the parameters, the running statistics, the
// counter of the dropout, AdamW's running means and the position in the shuffled data. A
// checkpoint without the running statistics is refused.

} // namespace same_bits
