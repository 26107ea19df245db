#pragma once
/// @file
/// The options that the chapters share.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace handgrad::app {

/// Values of the shared options. A chapter sets its defaults here before the command line is read; Program::take()
/// selects the options that the chapter offers.
struct Options {
    std::uint32_t seed = 0;         ///< `--seed`: seed of all random numbers. Every chapter has it.
    std::filesystem::path out;      ///< `--out`: folder for figures and run.json, out/NN_name. Every chapter has it.
    int threads = 1;                ///< `--threads`: number of threads, by default all cores. Every chapter has it.
    int epochs = 10;                ///< `--epochs`: passes over the training set.
    std::size_t batch_size = 64;    ///< `--batch-size`: examples in a mini-batch.
    double lr = 0.01;               ///< `--lr`: learning rate.
    std::size_t limit = 0;          ///< `--limit`: number of training examples that are used; 0: all.
    std::size_t log_interval = 100; ///< `--log-interval`: steps between two recorded losses.
    std::filesystem::path data;     ///< `--data`: folder of the data sets; empty: the usual folders.
    std::string device = "cpu";     ///< `--device`: backend that computes.
    std::filesystem::path save;     ///< `--save`: checkpoint to write; empty: none.
    std::filesystem::path resume;   ///< `--resume`: checkpoint to continue from; empty: none.
};

} // namespace handgrad::app
