#pragma once
// ## Looking inside
//
// What the network has learned are 10 filters of 5 x 5 weights, 20 of 10 x 5 x 5, and the weights of a linear layer. The
// first can be looked at as they are; of the others, what they make of a digit says more.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/io/csv.hpp>
#include <handgrad/plot/figure.hpp>
#include <handgrad/plot/image_grid.hpp>
#include <handgrad/train/predictions.hpp>
#include <handgrad/train/train.hpp>

#include "model.hpp"

namespace plot = handgrad::plot;
using handgrad::Tensor;

// Numbered pictures in a grid. They share one scale of grey: black is the smallest value of all, white the largest.
inline void draw_grid(const handgrad::app::Program& program, const std::string& stem,
                      const Tensor<float>& pictures, std::size_t columns,
                      const std::string& title) {
    std::vector<std::string> titles;
    for (std::size_t i = 0; i < pictures.shape(0); ++i) {
        titles.push_back(fmt::format("{} {}", title, i));
    }
    const std::size_t rows = (pictures.shape(0) + columns - 1) / columns;
    plot::image_grid(pictures, rows, columns, titles).save(program.output(""), stem);
}

// The filters of the first convolution, as a table and as pictures. For the pictures each filter is divided by its
// largest weight, so that the weak ones can be seen, too: white is +1, black -1, zero in the middle.
template <class Backend>
void draw_filters(const handgrad::app::Program& program, const CNN<Backend>& model) {
    const Tensor<float>& w =
        Backend::to_host(model.named_parameters().front().second->value); // (10, 1, 5, 5)
    const std::size_t size = w.shape(2) * w.shape(3);
    Tensor<float> pictures = w;
    std::vector<std::size_t> filter, row, column;
    for (std::size_t k = 0; k < w.shape(0); ++k) {
        float largest = 1e-30F;
        for (std::size_t i = 0; i < size; ++i) {
            largest = std::max(largest, std::abs(w.data()[k * size + i]));
        }
        for (std::size_t i = 0; i < size; ++i) {
            pictures.data()[k * size + i] /= largest;
            filter.push_back(k);
            row.push_back(i / w.shape(3));
            column.push_back(i % w.shape(3));
        }
    }
    draw_grid(program, "filters", pictures, 5, "filter");
    handgrad::io::CsvTable table;
    table.add("filter", filter).add("row", row).add("column", column).add("weight", w.storage());
    table.write(program.output("filter_weights.csv"));
}

// What each block makes of one image: a feature map for every filter, made of the places where the filter's pattern was
// found. (1, K, P, Q) is K pictures of P x Q.
template <class Backend> void draw_feature_maps(const handgrad::app::Program& program,
                                                CNN<Backend>& model,
                                                const typename Backend::Tensor& image) {
    const auto as_pictures = [](Tensor<float> maps) {
        maps.reshape({maps.shape(1), maps.shape(2), maps.shape(3)});
        return maps;
    };
    const auto& o1 = model.conv1.forward(image);
    const auto& o2 = model.conv2.forward(o1);
    draw_grid(program, "digit", Backend::to_host(image), 1, "image");
    draw_grid(program, "feature_maps_1", as_pictures(Backend::to_host(o1)), 5, "map");
    draw_grid(program, "feature_maps_2", as_pictures(Backend::to_host(o2)), 5, "map");
}

// The twenty mistakes of which the network was surest.
inline void draw_mistakes(const handgrad::app::Program& program,
                          const handgrad::data::ImageDataset& test,
                          const std::vector<handgrad::train::Prediction>& predictions) {
    const auto wrong = handgrad::train::worst_mistakes(predictions, 20);
    if (wrong.empty()) { return; }
    auto images = handgrad::zeros<std::uint8_t>({wrong.size(), 1, test.height, test.width});
    std::vector<std::string> titles;
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        const auto& p = predictions[wrong[i]];
        std::copy_n(test.image(wrong[i]), test.height * test.width, &images(i, 0, 0, 0));
        titles.push_back(fmt::format("{} taken for {}",
                                     test.class_names[static_cast<std::size_t>(p.label)],
                                     test.class_names[static_cast<std::size_t>(p.chosen)]));
    }
    const std::size_t rows = (wrong.size() + 4) / 5;
    plot::image_grid(images, rows, 5, titles).save(program.output(""), "mistakes");
}

// The lecture's diagram: the losses recorded in training against the number of examples seen, and a point for each test.
inline void draw_losses(const handgrad::app::Program& program,
                        const handgrad::train::History& history) {
    plot::Figure figure;
    figure.title("The CNN's loss")
        .x_label("training examples seen")
        .y_label("cross-entropy loss [nats]");
    figure.line("training, one batch", history.train_examples, history.train_losses);
    figure.points("test, mean", history.test_examples, history.test_losses);
    const auto saved = figure.save(program.output(""), "loss");
    if (!saved.note.empty()) { fmt::print("{}\n", saved.note); }
}

inline void draw_confusion(const handgrad::app::Program& program,
                           const Tensor<std::int64_t>& counts,
                           const std::vector<std::string>& class_names) {
    plot::Figure matrix;
    matrix.title("The CNN on the test set").x_label("class chosen").y_label("true class");
    matrix.confusion_matrix(counts).x_ticks(class_names).y_ticks(class_names);
    matrix.save(program.output(""), "confusion");
}
