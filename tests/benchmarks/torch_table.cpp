#include "torch_table.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "process.hpp"

namespace handgrad::benchmarks {
namespace {

/// Replaces each time by the smaller one of the two runs'. @param kept null at first
void keep_fastest(nlohmann::json& kept, const nlohmann::json& run) {
    if (kept.is_null()) { kept = run; }
    if (run.contains("peak")) { kept["peak"] = std::max(kept["peak"].get<double>(), run["peak"].get<double>()); }
    auto& times = kept.at("times");
    for (std::size_t i = 0; i < times.size(); ++i) {
        times[i]["seconds"] = std::min(times[i]["seconds"].get<double>(), run["times"][i]["seconds"].get<double>());
    }
}

/// What both printed; `theirs` is null without PyTorch.
struct Comparison {
    int threads;
    nlohmann::json ours, theirs;

    std::string torch() const { return theirs.is_null() ? "" : "PyTorch " + theirs.at("torch").get<std::string>(); }
    /// The clock of both programs: times.hpp.
    std::string clock() const { return threads == 1 ? "milliseconds of the processor" : "milliseconds"; }
};

/// Runs bench_NAME and torch_NAME.py in turn.
Comparison compare(const std::string& name, int threads, std::vector<std::string> arguments, const Options& options) {
    arguments.insert(arguments.end(),
                     {"--threads", std::to_string(threads), "--seconds", options.quick ? "0.001" : "0.2"});
    std::vector<std::string> ours = {options.programs / ("bench_" + name)}, theirs = {options.torch};
    theirs.push_back(options.scripts / ("torch_" + name + ".py"));
    ours.insert(ours.end(), arguments.begin(), arguments.end());
    theirs.insert(theirs.end(), arguments.begin(), arguments.end());
    Comparison result{threads, nullptr, nullptr};
    for (int round = 0; round < options.rounds; ++round) {
        keep_fastest(result.ours, run_json(ours));
        if (!options.torch.empty()) { keep_fastest(result.theirs, run_json(theirs)); }
    }
    return result;
}

/// Prints a row for each operation, and returns the same as JSON. @param peak operations a second, 0 for no such column
nlohmann::ordered_json print_table(const Comparison& c, double peak) {
    fmt::print("{:<52} {:>10}{} {:>20} {:>6}\n", "", "handgrad",
               peak > 0 ? fmt::format(" {:>9} {:>9}", "GFLOP/s", "% of peak") : "", c.torch(),
               c.theirs.is_null() ? "" : "ratio");
    nlohmann::ordered_json table{{"threads", c.threads}, {"torch", c.torch()}, {"results", c.ours.at("times")}};
    for (std::size_t i = 0; i < table["results"].size(); ++i) {
        auto& row = table["results"][i];
        const double seconds = row["seconds"], flops = row["flops"].get<double>() / seconds;
        std::string line = fmt::format("{:<52} {:>10.3f}", row["name"].get<std::string>(), 1e3 * seconds);
        if (peak > 0 && flops > 0) { line += fmt::format(" {:>9.1f} {:>9.1f}", flops / 1e9, 100 * flops / peak); }
        if (!c.theirs.is_null()) {
            const double other = c.theirs.at("times").at(i).at("seconds");
            row["torch_seconds"] = other;
            line +=
                fmt::format("{:>{}.3f} {:>6.2f}", 1e3 * other, (peak > 0 ? 104 : 84) - line.size(), other / seconds);
        }
        fmt::print("{}\n", line);
    }
    return table;
}

} // namespace

nlohmann::ordered_json run_deep(const Options& options) {
    auto all = nlohmann::ordered_json::array();
    const std::string batch = options.quick ? "8" : "128";
    for (const int threads : options.threads) {
        const Comparison c = compare("deep", threads, {"--batch", batch}, options);
        fmt::print("\nThe operations of a deep network, float, batch {}, threads: {}; fastest call, {}\n\n", batch,
                   threads, c.clock());
        all.push_back(print_table(c, 0));
        std::fflush(stdout);
    }
    return all;
}

nlohmann::ordered_json run_gpt(const Options& options) {
    auto all = nlohmann::ordered_json::array();
    for (const int threads : options.threads) {
        const Comparison c = compare("gpt", threads, {}, options);
        const double peak = c.ours.at("peak"), tokens = c.ours.at("tokens");
        fmt::print("\nChapter 17: the layers of the GPT of the preset full, float, {} tokens, threads: {}; fastest "
                   "call, {}\nThe peak is {:.1f} GFLOP/s, of fused multiply-adds in registers.\n\n",
                   tokens, threads, c.clock(), peak / 1e9);
        auto table = print_table(c, peak);
        table["peak"] = peak;
        const auto report = [&](const std::string& name, const nlohmann::json& run) {
            double layers = 0;
            for (std::size_t i = 0; i < run.at("times").size(); ++i) {
                layers += c.ours["times"][i]["calls"].get<double>() * run["times"][i]["seconds"].get<double>();
            }
            const double step = run["times"].back()["seconds"];
            table["tokens_a_second"][name] = tokens / step;
            fmt::print("{}: {:.0f} tokens a second; all layers of a step {:.1f} ms, the step {:.1f} ms\n", name,
                       tokens / step, 1e3 * layers, 1e3 * step);
        };
        report("handgrad", c.ours);
        if (!c.theirs.is_null()) {
            if (c.theirs.at("parameters") != c.ours.at("parameters")) {
                throw std::runtime_error(fmt::format("torch_gpt.py: {} parameters, expected {}",
                                                     c.theirs["parameters"].dump(), c.ours["parameters"].dump()));
            }
            report(c.torch(), c.theirs);
        }
        std::fflush(stdout);
        all.push_back(table);
    }
    return all;
}

} // namespace handgrad::benchmarks
