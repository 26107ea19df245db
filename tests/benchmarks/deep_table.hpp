#pragma once
// The operations of a deep network, and a training step of the residual CNN, against PyTorch.

#include <nlohmann/json.hpp>

#include "options.hpp"

namespace handgrad::benchmarks {

/// Runs bench_deep and torch_deep.py in turn, and prints a table for each number of threads: the fastest call of each
/// operation, and how many times as long PyTorch took.
/// @returns the same as JSON
nlohmann::ordered_json run_deep(const Options& options);

} // namespace handgrad::benchmarks
