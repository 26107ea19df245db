#pragma once
// The single operations.

#include <string>

#include <nlohmann/json.hpp>

namespace handgrad::benchmarks {

/// Runs bench_operations and prints what each operation achieves, and which fraction of OpenBLAS's best rate that is.
/// @param program path of bench_operations
/// @param quick   one short run each
/// @returns the same as JSON
nlohmann::ordered_json run_operations(const std::string& program, bool quick);

} // namespace handgrad::benchmarks
