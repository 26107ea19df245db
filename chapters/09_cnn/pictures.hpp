#pragma once
// ## Looking inside
//
// The network has learned 10 filters of 5 x 5 weights, 20 of 10 x 5 x 5, and the weights of a
// linear layer. The first ten can be drawn as they are. Of the others we draw the results for one
// digit.

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

// Numbered pictures in a grid, with one scale of colours for all.
inline void draw_grid(const handgrad::app::Program& program,
                      const std::string& stem, const Tensor<float>& pictures,
                      std::size_t columns, const std::string& title,
                      plot::Colours colours = plot::Colours::grey) {
    std::vector<std::string> titles;
    for (std::size_t i = 0; i < pictures.shape(0); ++i) {
        titles.push_back(fmt::format("{} {}", title, i));
    }
    const std::size_t rows = (pictures.shape(0) + columns - 1) / columns;
    plot::image_grid(pictures, rows, columns, titles, colours)
        .save(program.output(""), stem);
}

// ### Filters
//
// The filters of the first convolution are drawn and written to a table. For the picture each
// filter is divided by its largest weight, so that weak filters can be seen, too. The colours have
// a sign: blue is positive, orange negative, and zero is white.
template <class Backend>
void draw_filters(const handgrad::app::Program& program,
                  const CNN<Backend>& model, const std::string& stem) {
    const Tensor<float>& w = Backend::to_host(
        model.named_parameters().front().second->value); // (10, 1, 5, 5)
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
    draw_grid(program, stem, pictures, 5, "filter", plot::Colours::diverging);
    handgrad::io::CsvTable table;
    table.add("filter", filter)
        .add("row", row)
        .add("column", column)
        .add("weight", w.storage());
    table.write(program.output(stem + "_weights.csv"));
}

// ![The ten filters of the first layer after ten epochs of small plain steps. They still show the random numbers that they started from.](filters.svg)
//
// ![The filters of a network trained for two epochs with the preset good. Several have become edges: blue on one side and orange on the other.](filters_good.svg)

// ### Feature maps
//
// Each block turns an image into one feature map per filter, which is bright at the places where
// the filter's pattern was found. A tensor of shape (1, C, P, Q) is drawn as C pictures of P x Q.
template <class Backend>
void draw_feature_maps(const handgrad::app::Program& program,
                       CNN<Backend>& model,
                       const typename Backend::Tensor& image) {
    const auto as_pictures = [](Tensor<float> maps) {
        maps.reshape({maps.shape(1), maps.shape(2), maps.shape(3)});
        return maps;
    };
    const auto& o1 = model.conv1.forward(image);
    const auto& o2 = model.conv2.forward(o1);
    draw_grid(program, "digit", Backend::to_host(image), 1, "image");
    draw_grid(program, "feature_maps_1", as_pictures(Backend::to_host(o1)), 5,
              "map");
    draw_grid(program, "feature_maps_2", as_pictures(Backend::to_host(o2)), 5,
              "map");
}

// ![The first test image, a seven, after the first block. You can still read the digit: as whole strokes, or as one edge of them. Some filters fit nowhere, and ReLU has made their maps black.](feature_maps_1.svg)
//
// ![The same image after the second block: 20 maps of 16 places. We can no longer read the digit, but the linear layer can.](feature_maps_2.svg)
//
// ### The mistakes
//
// The twenty mistakes with the highest probability of the wrong class.
inline void
draw_mistakes(const handgrad::app::Program& program,
              const handgrad::data::ImageDataset& test,
              const std::vector<handgrad::train::Prediction>& predictions) {
    const auto wrong = handgrad::train::worst_mistakes(predictions, 20);
    if (wrong.empty()) { return; }
    auto images = handgrad::zeros<std::uint8_t>(
        {wrong.size(), 1, test.height, test.width});
    std::vector<std::string> titles;
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        const auto& p = predictions[wrong[i]];
        std::copy_n(test.image(wrong[i]), test.height * test.width,
                    &images(i, 0, 0, 0));
        titles.push_back(
            fmt::format("{} taken for {}",
                        test.class_names[static_cast<std::size_t>(p.label)],
                        test.class_names[static_cast<std::size_t>(p.chosen)]));
    }
    const std::size_t rows = (wrong.size() + 4) / 5;
    plot::image_grid(images, rows, 5, titles)
        .save(program.output(""), "mistakes");
}

// ![The twenty worst mistakes, each with its true class and the class chosen.](mistakes.svg)
//
// ### Losses and confusion matrix
//
// The losses recorded in training and their moving mean, against the number of examples seen, and a
// point for each test.
inline void draw_losses(const handgrad::app::Program& program,
                        const handgrad::train::History& history) {
    plot::Figure figure;
    figure.title("The CNN's loss")
        .x_label("training examples seen")
        .y_label("cross-entropy loss [nats]");
    figure.smoothed_line("training, one batch", history.train_examples,
                         history.train_losses, 9);
    figure.points("test, mean", history.test_examples, history.test_losses);
    const auto saved = figure.save(program.output(""), "loss");
    if (!saved.note.empty()) { fmt::print("{}\n", saved.note); }
}

inline void draw_confusion(const handgrad::app::Program& program,
                           const Tensor<std::int64_t>& counts,
                           const std::vector<std::string>& class_names) {
    plot::Figure matrix;
    matrix.title("The CNN on the test set")
        .x_label("class chosen")
        .y_label("true class");
    matrix.confusion_matrix(counts).x_ticks(class_names).y_ticks(class_names);
    matrix.save(program.output(""), "confusion");
}

// ![Training loss of every 100th batch, its moving mean, and the test loss after each epoch.](loss.svg)
//
// ![The confusion matrix on the test set: which digit is taken for which.](confusion.svg)
