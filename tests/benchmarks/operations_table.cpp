#include "operations_table.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "process.hpp"

namespace handgrad::benchmarks {
namespace {

struct Row {
    std::string name;
    double seconds, flops, bytes; // a call; operations and bytes a second, 0 where not counted
};

/// The fastest of several repetitions, in the order in which the operations were run.
std::vector<Row> read_rows(const nlohmann::json& output) {
    std::vector<Row> rows;
    for (const auto& run : output.at("benchmarks")) {
        if (run.at("run_type") != "iteration") { continue; }
        const double seconds = run.at("cpu_time").get<double>() * 1e-9;
        const Row row{run.at("run_name"), seconds, run.value("FLOP/s", 0.0), run.value("bytes/s", 0.0)};
        const auto same = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == row.name; });
        if (same == rows.end()) {
            rows.push_back(row);
        } else if (row.seconds < same->seconds) {
            *same = row;
        }
    }
    return rows;
}

} // namespace

nlohmann::ordered_json run_operations(const std::string& program, bool quick) {
    const auto rows = read_rows(
        run_json({program, "--benchmark_format=json", fmt::format("--benchmark_min_time={}", quick ? 0.001 : 0.05),
                  fmt::format("--benchmark_repetitions={}", quick ? 1 : 5)}));
    const auto best_rate = [&](const std::string& name) {
        for (const Row& row : rows) {
            if (row.name == name) { return row.flops; }
        }
        return 0.0;
    };
    const double single = best_rate("sgemm 512"), twice = best_rate("dgemm 512");

    fmt::print("\nSingle operations, one thread: fastest of several runs, processor time\n\n");
    fmt::print("{:<52} {:>10} {:>9} {:>8} {:>8}\n", "", "us", "GFLOP/s", "% of gemm", "GB/s");
    auto json = nlohmann::ordered_json::array();
    for (const Row& row : rows) {
        const bool is_double = row.name.find("double") != std::string::npos || row.name == "dgemm 512";
        const double gemm = is_double ? twice : single;
        fmt::print("{:<52} {:>10.2f} {:>9} {:>9} {:>8}\n", row.name, row.seconds * 1e6,
                   row.flops > 0 ? fmt::format("{:.2f}", row.flops / 1e9) : "",
                   row.flops > 0 ? fmt::format("{:.1f}", 100 * row.flops / gemm) : "",
                   row.bytes > 0 ? fmt::format("{:.2f}", row.bytes / 1e9) : "");
        json.push_back(
            {{"name", row.name}, {"seconds", row.seconds}, {"flops", row.flops}, {"bytes_per_second", row.bytes}});
    }
    std::fflush(stdout);
    return json;
}

} // namespace handgrad::benchmarks
