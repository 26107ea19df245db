#pragma once
// ## Pictures
//
// The weights that attention keeps for backward are a picture of T x T numbers: row t shows at
// which of the earlier tokens token t looks, the brighter the more. Every row is divided by its
// largest weight; otherwise the first rows, with few tokens to look at, would outshine the rest.

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/data/text.hpp>
#include <handgrad/error.hpp>
#include <handgrad/plot/figure.hpp>
#include <handgrad/plot/image_grid.hpp>
#include <handgrad/train/train.hpp>

#include "model.hpp"

// The heads of the first and of the last block, for one sequence of tokens (1, T).
template <class Backend>
void draw_attention(const handgrad::app::Program& program, GPT<Backend>& model,
                    handgrad::Labels tokens) {
    const std::size_t T = tokens.size(), heads = model.sizes().heads;
    tokens.reshape(Shape{1, T});
    const auto inputs = Backend::from_host(std::move(tokens));
    model.forward(inputs);
    const std::size_t layers[] = {0, model.h.size() - 1};
    handgrad::Tensor<float> pictures(Shape{2 * heads, 1, T, T});
    std::vector<std::string> titles;
    for (std::size_t i = 0; i < 2; ++i) {
        const handgrad::Tensor<float> p =
            Backend::to_host(model.h[layers[i]]->attn.probabilities());
        for (std::size_t row = 0; row < heads * T; ++row) {
            const float* from = p.data() + row * T;
            const float largest = *std::max_element(from, from + T);
            float* to = pictures.data() + (i * heads * T + row) * T;
            for (std::size_t s = 0; s < T; ++s) { to[s] = from[s] / largest; }
        }
        for (std::size_t head = 0; head < heads; ++head) {
            titles.push_back(fmt::format("h.{}, head {}", layers[i], head));
        }
    }
    handgrad::plot::image_grid(pictures, 2, heads, titles)
        .save(program.output(""), "attention");
}

inline void draw_losses(const handgrad::app::Program& program,
                        const handgrad::train::History& history) {
    handgrad::plot::Figure figure;
    figure.title("A small GPT on Shakespeare").x_label("characters seen");
    figure.y_label("cross-entropy loss [nats]");
    figure.smoothed_line("training, one mini-batch", history.train_examples,
                         history.train_losses, 9);
    figure.line_points("validation", history.test_examples,
                       history.test_losses);
    const auto saved = figure.save(program.output(""), "loss");
    if (!saved.note.empty()) { fmt::print("{}\n", saved.note); }
}
