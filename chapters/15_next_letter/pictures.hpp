#pragma once
// ## The pictures
//
// Everything that the program draws is drawn here.

#include <cmath>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/plot/figure.hpp>

#include "counting.hpp"
#include "model.hpp"
#include "settings.hpp"
#include "training.hpp"

namespace pictures {

using handgrad::app::Program;
using handgrad::plot::Figure;
using training::History;
using Line = std::vector<double>;

inline void save(const Figure& figure, const Program& program,
                 const std::string& name) {
    const auto saved = figure.save(program.output(""), name);
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

// The counts as colours. A table of more than 60 letters would be no picture any more.
inline void draw_pairs(const Program& program, const NameList& list,
                       const counting::Pairs& pairs) {
    const std::size_t V = pairs.letters();
    if (V > 60) { return; }
    std::vector<std::string> names;
    for (std::size_t k = 0; k < V; ++k) { names.push_back(list.shown(k)); }
    Figure figure;
    figure.title("How often a letter follows another");
    figure.x_label("next letter").y_label("letter");
    figure.x_ticks(names).y_ticks(names);
    figure.heat_map(pairs.count, V, V, true);
    save(figure, program, "pairs");
}

inline void draw_table_losses(const Program& program, const Line& steps,
                              const Line& excess) {
    Figure figure;
    figure.title("Gradient descent on the table of pairs");
    figure.x_label("step").y_label("loss above that of counting");
    figure.x_log().y_log().line("excess", steps, excess);
    save(figure, program, "table_loss");
}

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

inline void draw_losses(const Program& program, const History& net,
                        const History& flat, std::size_t width, double pairs,
                        double best) {
    Figure figure;
    figure.title("Two networks learn");
    figure.x_label("step").y_label("cross-entropy loss [nats]");
    add_losses(figure, fmt::format("training, C = {}", width), net.losses);
    add_losses(figure, "training, C = 2", flat.losses);
    figure.points(fmt::format("development, C = {}", width), net.dev_steps,
                  net.dev_losses);
    figure.points("development, C = 2", flat.dev_steps, flat.dev_losses);
    figure.horizontal_line("development, counting pairs", pairs);
    figure.horizontal_line("development, best counting", best);
    figure.y_range(std::floor(10 * net.dev_losses.back() - 1) / 10,
                   std::ceil(10 * pairs + 2) / 10);
    save(figure, program, "loss");
}

inline bool is_vowel(const std::string& letter) {
    static const std::set<std::string> vowels = {"a", "e", "i", "o", "u"};
    return vowels.count(letter) > 0;
}

// The rows of a table of two columns as points with their letters.
inline void draw_letters(const Program& program, const NameList& list,
                         const handgrad::Tensor<double>& w0) {
    Figure figure;
    figure.title("Where the network puts the letters");
    figure.x_label("first number").y_label("second number");
    struct Group {
        Line x, y;
        std::vector<std::string> names;
    } groups[3];
    for (std::size_t k = 0; k < w0.shape(0); ++k) {
        const std::string letter = list.shown(k);
        Group& group = groups[letter == "." ? 2 : is_vowel(letter) ? 0 : 1];
        group.x.push_back(w0(k, 0));
        group.y.push_back(w0(k, 1));
        group.names.push_back(letter);
    }
    const char* const titles[] = {"vowels", "other letters", "end of a name"};
    for (std::size_t g = 0; g < 3; ++g) {
        if (groups[g].names.empty()) { continue; }
        figure.labelled_points(titles[g], groups[g].x, groups[g].y,
                               groups[g].names);
    }
    save(figure, program, "letters");
}

} // namespace pictures
