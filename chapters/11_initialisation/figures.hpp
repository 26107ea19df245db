#pragma once
// ## The figures
//
// Everything that the program draws is drawn here.

#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/plot/figure.hpp>

#include "deep.hpp"

namespace figures {

using handgrad::plot::Figure;
using Line = std::vector<double>;

inline void save(const std::vector<Figure>& figures,
                 const handgrad::app::Program& program,
                 const std::string& name) {
    const auto saved = figures.size() == 1
                           ? figures[0].save(program.output(""), name)
                           : handgrad::plot::save_side_by_side(
                                 figures, program.output(""), name);
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

// The middles of equal parts of a range.
inline Line middles(double low, double high, std::size_t bins) {
    Line x;
    for (std::size_t i = 0; i < bins; ++i) {
        x.push_back(low + (high - low) * (static_cast<double>(i) + 0.5) /
                              static_cast<double>(bins));
    }
    return x;
}

// What one activation's networks look like: histograms of the outputs and of the gradients, one
// diagram for each start, and the gradients by depth.
class Layers {
public:
    Layers(Activation activation, const std::vector<std::size_t>& layers)
        : is_tanh_(activation == Activation::tanh), layers_(layers) {
        depth_.x_label("layer").y_label("size of dz").y_log();
    }

    void add(const std::string& start, const deep::Network& net,
             const std::vector<Sizes>& theory,
             const std::vector<Sizes>& measured) {
        Figure outputs, gradients;
        const double end = is_tanh_ ? 1 : 10;
        for (const std::size_t l : layers_) {
            const std::string name = fmt::format("layer {}", l);
            outputs.line(name, middles(-end, end, bins),
                         deep::histogram(net.o[l], -end, end, bins, !is_tanh_));
            gradients.line(name, middles(-10, 10, bins),
                           deep::histogram(net.dz[l], -10, 10, bins, true));
        }
        outputs.title(start).y_label("share").x_label(
            is_tanh_ ? "output of a unit" : "log10 of an output above 0");
        if (is_tanh_) { outputs.x_range(-1.25, 1.25); }
        gradients.title(start).y_label("share").x_label("log10 |dz|");
        outputs_.push_back(outputs);
        gradients_.push_back(gradients);

        Line layer, expected, found;
        for (std::size_t l = 1; l < theory.size(); ++l) {
            layer.push_back(static_cast<double>(l));
            expected.push_back(theory[l].dz);
            found.push_back(measured[l].dz);
        }
        depth_.line(start + ", theory", layer, expected);
        depth_.points(start + ", measured", layer, found);
    }

    void save(const handgrad::app::Program& program) const {
        const std::string name = is_tanh_ ? "tanh" : "relu";
        figures::save(outputs_, program, name + "_outputs");
        figures::save(gradients_, program, name + "_gradients");
        figures::save({depth_}, program, name + "_depth");
    }

private:
    static constexpr std::size_t bins = 40;
    bool is_tanh_;
    std::vector<std::size_t> layers_;
    std::vector<Figure> outputs_, gradients_;
    Figure depth_;
};

// The means of 100 equal parts of the losses, at the middle step of each.
inline void add_losses(Figure& figure, const std::string& name,
                       const Line& losses) {
    const std::size_t part = losses.size() / 100 + 1;
    Line step, mean;
    for (std::size_t i = 0; i + part <= losses.size(); i += part) {
        double sum = 0;
        for (std::size_t j = i; j < i + part; ++j) { sum += losses[j]; }
        step.push_back(static_cast<double>(i) + static_cast<double>(part) / 2);
        mean.push_back(sum / static_cast<double>(part));
    }
    figure.line(name, step, mean);
}

} // namespace figures
