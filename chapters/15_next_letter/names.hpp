#pragma once
// ## A thousand names
//
// A column of the table that is printed: the first of a thousand names that a model makes, and
// how many of the thousand are in the list.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sampling.hpp"
#include "settings.hpp"

namespace sampling {

struct Made {
    std::string title;
    std::vector<std::string> names = {};
    std::size_t listed = 0;
};

class NameMaker {
public:
    NameMaker(const NameList& list, std::size_t shown, std::uint64_t seed)
        : list_(list), shown_(shown), seed_(seed),
          known_(list.names.begin(), list.names.end()) {}

    // Every model draws with the same random numbers. Long names are cut.
    template <class ScoresOf>
    Made make(const std::string& title, const ScoresOf& scores_of,
              std::size_t context, double temperature) const {
        constexpr std::size_t most_letters = 12;
        Random random(seed_, 2);
        Made made{title};
        for (std::size_t n = 0; n < 1000; ++n) {
            Context name = make_name(scores_of, context, list_.line_break(),
                                     temperature, random);
            made.listed += known_.count(list_.text(name));
            if (n >= shown_) { continue; }
            const bool is_long = name.size() > most_letters;
            if (is_long) { name.resize(most_letters); }
            made.names.push_back(list_.text(name) + (is_long ? "..." : ""));
        }
        return made;
    }

    void print(const std::vector<Made>& columns) const {
        const auto row = [&](const std::string& title, const auto& cell) {
            std::string line = fmt::format("{:11}", title);
            for (const Made& made : columns) {
                line += fmt::format("  {:15}", cell(made));
            }
            fmt::print("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
        };
        fmt::print("\n");
        row("", [](const Made& made) { return made.title; });
        for (std::size_t n = 0; n < shown_; ++n) {
            row("", [n](const Made& made) { return made.names[n]; });
        }
        row("in the list", [](const Made& made) {
            return fmt::format("{} of 1000", made.listed);
        });
    }

private:
    const NameList& list_;
    std::size_t shown_;
    std::uint64_t seed_;
    std::set<std::string> known_;
};

} // namespace sampling
