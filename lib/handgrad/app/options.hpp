#pragma once
/// @file
/// The options that the chapters share.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace handgrad::app {

/// What the shared options were set to. A chapter overwrites the defaults that do not suit it before the command line
/// is read; Program::take says which of them it offers.
struct Options {
    std::uint32_t seed = 0;         ///< `--seed`: of all random streams. Every chapter has it.
    std::filesystem::path out;      ///< `--out`: where figures and run.json go. Every chapter has it; out/NN_name.
    int threads = 1;                ///< `--threads`: every chapter has it; Program's default is all cores.
    int epochs = 10;                ///< `--epochs`: passes over the training set.
    std::size_t batch_size = 64;    ///< `--batch-size`: examples in a step.
    double lr = 0.01;               ///< `--lr`: the learning rate, as PyTorch calls it.
    std::size_t limit = 0;          ///< `--limit`: use only so many training examples; 0 is all of them.
    std::size_t log_interval = 100; ///< `--log-interval`: steps between two recorded losses.
    std::filesystem::path data;     ///< `--data`: the folder of data sets; empty is "look in the usual places".
    std::string device = "cpu";     ///< `--device`: which backend computes.
    std::filesystem::path save;     ///< `--save`: the checkpoint to write; empty is none.
    std::filesystem::path resume;   ///< `--resume`: the checkpoint to go on from; empty is none.
};

} // namespace handgrad::app
