#pragma once
// Chapter 09's CNN against PyTorch, plain loops and the machine itself.

#include <nlohmann/json.hpp>

#include "options.hpp"

namespace handgrad::benchmarks {

/// An epoch: prints a table for each number of threads, and how far it is from the arithmetic limit, which is the time
/// that sgemm would take for as many operations.
/// @returns the same as JSON
nlohmann::ordered_json run_cnn(const Options& options);

/// An epoch on the device backend, with Thrust's kernels and the fast ones, fused and unfused, against the cpu backend and
/// PyTorch on the same device, for batches of 64 and 1024. Says which device that is.
/// @returns the same as JSON
nlohmann::ordered_json run_device(const Options& options);

/// Training steps with batches and images of several sizes: prints the time an image takes, for each number of threads,
/// and draws it.
/// @returns the same as JSON
nlohmann::ordered_json run_growth(const Options& options);

} // namespace handgrad::benchmarks
