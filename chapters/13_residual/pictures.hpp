#pragma once
// ## Pictures
//
// What the network sees of one training image, its losses, and the mistakes that remain.
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/plot/figure.hpp>
#include <handgrad/plot/image_grid.hpp>
#include <handgrad/train/predictions.hpp>
#include <handgrad/train/train.hpp>

namespace plot = handgrad::plot;

inline void save(const handgrad::app::Program& program,
                 const plot::Figure& figure, const std::string& stem) {
    const auto saved = figure.save(program.output(""), stem);
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

// The loader shows another version of the first training image in each epoch. We ask for 15 epochs
// of a data set of one image.
inline void draw_augmented(handgrad::app::Program& program,
                           const handgrad::data::ImageDataset& train_set,
                           const handgrad::data::Transforms& steps) {
    handgrad::data::ImageDataset one = train_set;
    one.labels.resize(1);
    handgrad::data::LoaderOptions options;
    options.seed = program.options().seed;
    handgrad::data::DataLoader<handgrad::Cpu<float>> loader(one, options,
                                                            steps);
    const std::size_t pixels = one.height * one.width, epochs = 15;
    auto pictures = handgrad::zeros<float>({epochs, 1, one.height, one.width});
    std::vector<std::string> titles;
    for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
        const auto& image = loader.next().images;
        std::copy_n(image.data(), pixels, pictures.data() + epoch * pixels);
        titles.push_back(fmt::format("epoch {}", epoch + 1));
    }
    save(program, plot::image_grid(pictures, 3, 5, titles), "augmented");
}

// ![The first training image in fifteen epochs: each time shifted by up to two pixels in both directions.](augmented.svg)
//
// The losses recorded in training and their moving mean, and the test losses.
inline void draw_losses(const handgrad::app::Program& program,
                        const handgrad::train::History& history) {
    plot::Figure figure;
    figure.title("The residual CNN's loss")
        .x_label("training examples seen")
        .y_label("loss [nats]")
        .y_log();
    figure.smoothed_line("training", history.train_examples,
                         history.train_losses, 9);
    figure.line_points("test", history.test_examples, history.test_losses);
    save(program, figure, "loss");
}

// ![The loss of training batches, their moving mean, and the test loss after each epoch.](loss.svg)
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
    save(program, plot::image_grid(images, (wrong.size() + 4) / 5, 5, titles),
         "mistakes");
}

// ![The twenty worst mistakes, each with its true class and the class chosen.](mistakes.svg)
