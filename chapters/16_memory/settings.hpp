#pragma once
// ## Settings
//
// Without `--preset` the program gives the lesson. With `names` or `shakespeare` it trains the
// letter models instead. An option that the user does not set has the value of the preset.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/error.hpp>

#include "letters.hpp"

namespace app = handgrad::app;

struct Settings {
    std::size_t steps = 200, hidden = 16;
    double lr = 0.03;
    std::vector<double> radii = {0.5, 1, 2}; // of the RNNs in the experiment
};

struct CommandLine {
    std::string preset = "lesson";
    std::size_t steps = 0, hidden = 0; // 0: as the preset says
    std::optional<double> lr, radius;

    Settings lesson(const app::Options& options) const {
        if (!options.data.empty()) {
            throw handgrad::UsageError(
                "--data needs --preset names or --preset shakespeare");
        }
        if (steps > 0 && steps < 20) {
            throw handgrad::UsageError(
                fmt::format("--steps {}: the lesson needs at least 20", steps));
        }
        Settings settings;
        if (steps > 0) { settings.steps = steps; }
        if (hidden > 0) { settings.hidden = hidden; }
        settings.lr = lr.value_or(settings.lr);
        if (radius) { settings.radii.push_back(*radius); }
        return settings;
    }
    letters::Settings letter_models(const app::Options& options) const {
        letters::Settings settings;
        settings.names = preset == "names";
        settings.file = options.data;
        settings.seed = options.seed;
        if (steps > 0) { settings.steps = steps; }
        if (hidden > 0) { settings.hidden = hidden; }
        settings.lr = lr.value_or(settings.lr);
        return settings;
    }
};

inline void offer_options(app::Program& program, CommandLine& line) {
    program.option("--preset", line.preset, {"lesson", "names", "shakespeare"},
                   "the lesson, or a letter model on one of the texts");
    program.option("--steps", line.steps, 0, 1000000,
                   "steps of each training; 0: the preset's");
    program.option("--hidden", line.hidden, 0, 10000,
                   "hidden units, M; 0: the preset's");
    program.option("--lr", line.lr, 0, 10, "Adam's learning rate",
                   "the preset's");
    program.option("--radius", line.radius, 0.01, 10,
                   "one more spectral radius for the lesson", "none");
    program.option("--data", program.options().data,
                   "for a letter model: a text file, or the texts' folder");
}
