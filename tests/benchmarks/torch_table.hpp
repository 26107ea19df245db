#pragma once
// Operations and training steps against PyTorch: those of a deep network, and those of a small GPT.

#include <nlohmann/json.hpp>

#include "options.hpp"

namespace handgrad::benchmarks {

/// Runs bench_deep and torch_deep.py in turn, and prints a table for each number of threads: the fastest call of each
/// operation, and how many times as long PyTorch took.
/// @returns the same as JSON
nlohmann::ordered_json run_deep(const Options& options);

/// The same for bench_gpt and torch_gpt.py. Prints for each product its GFLOP/s and their share of the peak, and below
/// the table the sum over the layers of a step, and the tokens that training reads in a second.
/// @returns the same as JSON
/// @throws std::runtime_error if PyTorch's model does not have our number of parameters
nlohmann::ordered_json run_gpt(const Options& options);

} // namespace handgrad::benchmarks
