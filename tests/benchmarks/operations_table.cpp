#include "operations_table.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "process.hpp"
#include "roofline.hpp"

namespace handgrad::benchmarks {
namespace {

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

/// The number, or nothing where it was not counted.
std::string shown(double number, int digits = 2) { return number > 0 ? fmt::format("{:.{}f}", number, digits) : ""; }

} // namespace

nlohmann::ordered_json run_operations(const std::string& program, const Options& options) {
    const auto rows = read_rows(run_json({program, "--benchmark_format=json",
                                          fmt::format("--benchmark_min_time={}", options.quick ? 0.001 : 0.05),
                                          fmt::format("--benchmark_repetitions={}", options.quick ? 1 : 5)}));
    const auto find = [&](const std::string& name) {
        const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == name; });
        return row == rows.end() ? Row{name, 0, 0, 0} : *row;
    };
    const double single = find("sgemm 512").flops, twice = find("dgemm 512").flops;
    const auto gemm_of = [&](const Row& row) {
        return row.name.find("double") != std::string::npos || row.name == "dgemm 512" ? twice : single;
    };

    fmt::print("\nSingle operations, one thread: fastest of several runs, processor time\n\n");
    fmt::print("{:<52} {:>10} {:>9} {:>9} {:>8}\n", "", "us", "GFLOP/s", "% of gemm", "GB/s");
    for (const Row& row : rows) {
        if (row.is_of_cnn()) { continue; }
        fmt::print("{:<52} {:>10.2f} {:>9} {:>9} {:>8}\n", row.name, row.seconds * 1e6, shown(row.flops / 1e9),
                   shown(100 * row.flops / gemm_of(row), 1), shown(row.bytes / 1e9));
    }

    constexpr double batches = 60000.0 / 64;
    fmt::print("\nThe CNN's operations, batch 64, float, one thread: the same; and for an epoch of {:.1f} batches\n\n",
               batches);
    fmt::print("{:<48} {:>9} {:>9} {:>9} {:>8} {:>10} {:>8}\n", "", "us", "GFLOP/s", "% of gemm", "GB/s", "FLOP/byte",
               "s/epoch");
    for (const Row& row : rows) {
        if (!row.is_of_cnn()) { continue; }
        fmt::print("{:<48} {:>9.2f} {:>9} {:>9} {:>8} {:>10} {:>8.4f}\n", row.name.substr(5), row.seconds * 1e6,
                   shown(row.flops / 1e9), shown(100 * row.flops / single, 1), shown(row.bytes / 1e9),
                   shown(row.intensity()), row.seconds * batches);
    }
    draw_roofline(rows, {single, find("copy 128 KiB").bytes, find("copy 131072 KiB").bytes}, options.out);
    fmt::print("\nThe roofline diagram: {}\n", (options.out / "roofline.svg").string());
    std::fflush(stdout);

    auto json = nlohmann::ordered_json::array();
    for (const Row& row : rows) {
        json.push_back({{"name", row.name},
                        {"seconds", row.seconds},
                        {"flops", row.flops},
                        {"bytes_per_second", row.bytes},
                        {"flop_per_byte", row.intensity()},
                        {"fraction_of_gemm", row.flops / gemm_of(row)}});
    }
    return json;
}

} // namespace handgrad::benchmarks
