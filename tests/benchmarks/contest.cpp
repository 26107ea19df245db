#include "contest.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "process.hpp"

namespace handgrad::benchmarks {

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

nlohmann::ordered_json run_contest(const std::string& title, const std::vector<Contestant>& contestants, int rounds) {
    std::vector<std::vector<double>> times(contestants.size());
    std::vector<nlohmann::json> losses(contestants.size()); // null if it does not learn
    for (int round = 0; round < rounds; ++round) {
        std::map<std::vector<std::string>, nlohmann::json> outputs; // of this round
        for (std::size_t i = 0; i < contestants.size(); ++i) {
            const auto& c = contestants[i];
            if (outputs.count(c.command) == 0) { outputs[c.command] = run_json(c.command); }
            const auto& output = outputs[c.command];
            losses[i] = output.value("loss", nlohmann::json());
            for (const double t :
                 output.at(c.times).is_array() ? output.at(c.times) : nlohmann::json{output.at(c.times)}) {
                times[i].push_back(t);
            }
        }
    }

    fmt::print("\n{}\n\n{:<58} {:>8} {:>8} {:>6} {:>8}\n", title, "seconds", "median", "fastest", "ratio", "loss");
    nlohmann::ordered_json json{{"title", title}, {"results", nlohmann::ordered_json::array()}};
    const double first = median(times[0]);
    for (std::size_t i = 0; i < contestants.size(); ++i) {
        const double middle = median(times[i]), fastest = *std::min_element(times[i].begin(), times[i].end());
        fmt::print("{:<58} {:>8.4f} {:>8.4f} {:>6.2f} {:>8}\n", contestants[i].name, middle, fastest, middle / first,
                   losses[i].is_null() ? "" : fmt::format("{:.4f}", losses[i].get<double>()));
        json["results"].push_back({{"name", contestants[i].name},
                                   {"median_seconds", middle},
                                   {"fastest_seconds", fastest},
                                   {"ratio", middle / first},
                                   {"loss", losses[i]},
                                   {"seconds", times[i]}});
    }
    std::fflush(stdout);
    return json;
}

} // namespace handgrad::benchmarks
