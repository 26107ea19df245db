#pragma once
// Programs that print JSON.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace handgrad::benchmarks {

/// Runs a program and reads what it prints as JSON. Its stderr is ours.
/// @param arguments the program and its arguments, taken as they are
/// @throws std::runtime_error if it does not end with 0 or does not print JSON
nlohmann::json run_json(const std::vector<std::string>& arguments);

} // namespace handgrad::benchmarks
