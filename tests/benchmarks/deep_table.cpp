#include "deep_table.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "process.hpp"

namespace handgrad::benchmarks {
namespace {

/// Replaces each time by the smaller one of the two runs'. @param times empty at first
void keep_fastest(nlohmann::json& times, const nlohmann::json& run) {
    if (times.empty()) { times = run; }
    for (std::size_t i = 0; i < times.size(); ++i) {
        times[i]["seconds"] = std::min(times[i]["seconds"].get<double>(), run[i].at("seconds").get<double>());
    }
}

} // namespace

nlohmann::ordered_json run_deep(const Options& options) {
    auto all = nlohmann::ordered_json::array();
    for (const int threads : options.threads) {
        const std::vector<std::string> last = {"--threads", std::to_string(threads), "--seconds",
                                               options.quick ? "0.001" : "0.2"};
        std::vector<std::string> ours = {options.programs / "bench_deep"}, theirs = {options.torch};
        theirs.push_back(options.scripts / "torch_deep.py");
        ours.insert(ours.end(), last.begin(), last.end());
        theirs.insert(theirs.end(), last.begin(), last.end());
        nlohmann::json our_times, their_times;
        std::string torch = "PyTorch";
        for (int round = 0; round < options.rounds; ++round) {
            keep_fastest(our_times, run_json(ours));
            if (options.torch.empty()) { continue; }
            const nlohmann::json run = run_json(theirs);
            keep_fastest(their_times, run.at("times"));
            torch = "PyTorch " + run.at("torch").get<std::string>();
        }

        fmt::print("\nThe operations of a deep network, float, batch 128, threads: {}; fastest call, milliseconds{}\n\n"
                   "{:<52} {:>10} {:>20} {:>6}\n",
                   threads, threads == 1 ? " of the processor" : "", "", "handgrad", torch, "ratio");
        nlohmann::ordered_json table{{"threads", threads}, {"torch", torch}, {"results", our_times}};
        for (std::size_t i = 0; i < our_times.size(); ++i) {
            const double seconds = our_times[i]["seconds"];
            fmt::print("{:<52} {:>10.3f}", our_times[i]["name"].get<std::string>(), 1e3 * seconds);
            if (!their_times.empty()) {
                const double other = their_times[i]["seconds"];
                table["results"][i]["torch_seconds"] = other;
                fmt::print(" {:>20.3f} {:>6.2f}", 1e3 * other, other / seconds);
            }
            fmt::print("\n");
        }
        std::fflush(stdout);
        all.push_back(table);
    }
    return all;
}

} // namespace handgrad::benchmarks
