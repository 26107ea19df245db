#pragma once
// Programs that do the same, timed in turn.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace handgrad::benchmarks {

/// One row of a table.
struct Contestant {
    std::string name;
    std::vector<std::string> command; ///< prints {"seconds": <one or several>, "loss": ...}, the latter if it learns
    std::string times = "seconds";    ///< under which name its times are
};

/// The middle one, or the mean of the two in the middle. @param values at least one
double median(std::vector<double> values);

/// Runs all contestants in turn, `rounds` times, so that a change of the machine's load hits all of them. Prints for each
/// the median and the fastest of its times, its loss, and how many times as long as the first one it took; of equal
/// commands only the first is run. The ratio is that of the medians.
/// @returns the same as JSON
nlohmann::ordered_json run_contest(const std::string& title, const std::vector<Contestant>& contestants, int rounds);

} // namespace handgrad::benchmarks
