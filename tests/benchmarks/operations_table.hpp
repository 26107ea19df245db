#pragma once
// The single operations.

#include <string>

#include <nlohmann/json.hpp>

#include "options.hpp"

namespace handgrad::benchmarks {

/// Runs bench_operations and prints what each operation achieves, and which fraction of OpenBLAS's best rate that is.
/// Those of chapter 09's CNN get a table of their own, with what an epoch of them takes, and a roofline diagram.
/// @param program path of bench_operations
/// @param options quick: one short run each; out: the figure's folder
/// @returns the same as JSON
nlohmann::ordered_json run_operations(const std::string& program, const Options& options);

} // namespace handgrad::benchmarks
