#pragma once
// ## Pictures of gradients
//
// A gradient of the pixels has the shape of the image and can be drawn as one. Its entries have a
// sign, so the colours have one, too: where it is blue, more ink raises the loss; where it is
// orange, less ink does.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/plot/figure.hpp>
#include <handgrad/plot/image_grid.hpp>
#include <handgrad/train/predictions.hpp>

#include "answers.hpp"
#include "attack.hpp"
#include "model.hpp"

namespace plot = handgrad::plot;

// Image n of a batch as a batch of one.
inline Tensor<float> image_of(const Tensor<float>& images, std::size_t n) {
    Tensor<float> one(handgrad::Shape{1, 1, 28, 28});
    std::copy_n(&images(n, 0, 0, 0), one.size(), one.data());
    return one;
}

// A grid of pictures, row by row, with a title below each.
class Gallery {
public:
    // Adds a picture.
    void add(const Tensor<float>& picture, std::string title) {
        pixels_.insert(pixels_.end(), picture.storage().begin(),
                       picture.storage().end());
        titles_.push_back(std::move(title));
    }
    // Adds a picture whose largest entry, with or without sign, becomes 1, so that weak gradients
    // can be seen, too.
    void add_scaled(Tensor<float> picture, std::string title) {
        float largest = 1e-30F;
        for (const float v : picture.storage()) {
            largest = std::max(largest, std::abs(v));
        }
        for (float& v : picture.storage()) { v /= largest; }
        add(picture, std::move(title));
    }
    void save(const handgrad::app::Program& program, const std::string& stem,
              plot::Colours colours, std::size_t columns = 5) const {
        Tensor<float> images(handgrad::Shape{titles_.size(), 1, 28, 28});
        std::copy(pixels_.begin(), pixels_.end(), images.data());
        plot::image_grid(images, (titles_.size() + columns - 1) / columns,
                         columns, titles_, colours)
            .save(program.output(""), stem);
    }

private:
    std::vector<float> pixels_;
    std::vector<std::string> titles_;
};

// The weights of the linear classifier: column k of w, (784, 10), as a picture.
inline void draw_weights(const handgrad::app::Program& program,
                         const Tensor<float>& w) {
    Gallery gallery;
    for (std::size_t k = 0; k < 10; ++k) {
        Tensor<float> column(handgrad::Shape{1, 1, 28, 28});
        for (std::size_t i = 0; i < w.shape(0); ++i) {
            column.data()[i] = w(i, k);
        }
        gallery.add_scaled(column, fmt::format("weights of {}", k));
    }
    gallery.save(program, "weights", plot::Colours::diverging);
}

// The first five digits, and a row with the gradients of their pixels.
inline void add_digits(Gallery& gallery, const Tensor<float>& x,
                       const Labels& y) {
    for (std::size_t n = 0; n < 5; ++n) {
        gallery.add(image_of(x, n), fmt::format("a {}", y(n)));
    }
}

inline void add_gradients(Gallery& gallery, const Tensor<float>& dx,
                          const std::string& title) {
    for (std::size_t n = 0; n < 5; ++n) {
        gallery.add_scaled(image_of(dx, n), title);
    }
}

// Draws the first five digits that are read correctly as they are and wrongly after the first of
// the changes, then the changed ones, each with the answer and its probability. A second picture
// shows what the changes are.
struct Change {
    std::string name;
    Tensor<float> x; // all digits, changed
};

inline void draw_attack(const handgrad::app::Program& program,
                        Network<handgrad::Cpu<float>>& network,
                        const Tensor<float>& x, const Labels& y,
                        const std::vector<Change>& changes) {
    const Answers before = answers(network, x, y);
    const Answers after = answers(network, changes.front().x, y);
    std::vector<std::size_t> shown;
    for (std::size_t n = 0; n < y.size() && shown.size() < 5; ++n) {
        if (!is_wrong(before[n]) && is_wrong(after[n])) { shown.push_back(n); }
    }
    if (shown.empty()) { return; } // eps is too small
    const auto title = [](const handgrad::train::Prediction& answer) {
        return fmt::format("{}, p = {:.2f}", answer.chosen, answer.probability);
    };
    Gallery digits, differences;
    for (const std::size_t n : shown) {
        digits.add(image_of(x, n), title(before[n]));
    }
    for (const Change& change : changes) {
        const Answers read = answers(network, change.x, y);
        for (const std::size_t n : shown) {
            digits.add(image_of(change.x, n), title(read[n]));
            differences.add(image_of(change.x, n) - image_of(x, n),
                            change.name);
        }
    }
    digits.save(program, "attacked", plot::Colours::grey, shown.size());
    differences.save(program, "differences", plot::Colours::diverging,
                     shown.size());
}
