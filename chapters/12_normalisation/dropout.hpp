#pragma once
// ## A mask, forward and backward
//
// Dropout (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014) sets each number to zero
// with probability $p$ in training and divides the others by $1 - p$. Backward does the same to
// $dy$, with the *same* mask: a number that was dropped had no influence on the loss.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/optim/sgd.hpp>
#include <handgrad/plot/figure.hpp>
#include <handgrad/train/train.hpp>

#include "model.hpp"

namespace dropout {

using handgrad::DropoutCounter;
using handgrad::Tensor;
namespace cpu = handgrad::cpu;
namespace data = handgrad::data;
namespace train = handgrad::train;

inline std::string numbers(const Tensor<double>& t) {
    std::string line;
    for (const double number : t) { line += fmt::format("{:4g}", number); }
    return line;
}

inline void print_masks(std::uint64_t seed) {
    const Tensor<double> x{1, 2, 3, 4, 5, 6, 7, 8};
    const Tensor<double> dy{1, 1, 1, 1, 1, 1, 1, 1};
    fmt::print("\nDropout with p = 0.5 of x ={}\n", numbers(x));
    for (std::uint32_t step = 0; step < 3; ++step) {
        const DropoutCounter counter{seed, 0, step};
        fmt::print("  step {}: y ={}   dx ={}\n", step,
                   numbers(cpu::dropout_forward(x, 0.5, counter)),
                   numbers(cpu::dropout_backward(dy, 0.5, counter)));
    }
}

// @output to "step 2"
//
// The zeros of $y$ and $dx$ stand at the same places, and each step has other places. The mask is
// not stored: it is a function of the counter (seed, layer, step), and backward computes it again.
//
// ## The expected value stays
//
// Each number becomes $x / (1 - p)$ with probability $1 - p$, otherwise 0. So its expected value
// is $x$, and its variance is $x^2\, p / (1 - p)$.
//
// <details class="predict"><summary>Predict: 100,000 ones with p = 0.8. What are the mean and the standard deviation of the results, and how precise is the mean?</summary>
//
// The mean is 1. The standard deviation of one result is $\sqrt{0.8 / 0.2} = 2$, so the mean of
// 100,000 has the standard deviation $2 / \sqrt{100000} = 0.0063$.
//
// </details>
inline void print_moments(std::uint64_t seed) {
    const std::size_t count = 100'000;
    const auto ones = handgrad::full<double>({count}, 1);
    fmt::print("\n{} ones after dropout\n", count);
    fmt::print("    p  mean     expected        std     expected   mean "
               "without the scale\n");
    for (const double p : {0.1, 0.5, 0.8}) {
        const auto y =
            cpu::dropout_forward(ones, p, DropoutCounter{seed, 1, 0});
        double mean = 0, square = 0;
        for (const double number : y) {
            mean += number / count;
            square += number * number / count;
        }
        fmt::print("  {:3.1f}  {:6.4f}   1 +- {:6.4f}   {:6.4f}   {:6.4f}     "
                   "{:6.4f}\n",
                   p, mean, std::sqrt(p / (1 - p) / count),
                   std::sqrt(square - mean * mean), std::sqrt(p / (1 - p)),
                   mean * (1 - p));
    }
}

// @output to "0.8"
//
// Without the scale the mean is $1 - p$. In evaluation nothing is dropped, and the next layer
// would see numbers that are $1 / (1 - p)$ times as large as in training.
//
// ## Too few digits
//
// A net with 101,770 parameters learns 1,000 digits by heart. We train it three times from the
// same weights: without dropout, with dropout before the last layer, and with a dropout whose
// author has forgotten the scale. This is the wrong one:
class Unscaled : public nn::Dropout<Backend> {
public:
    explicit Unscaled(double p) : nn::Dropout<Backend>(p), keep_(1 - p) {}

protected:
    const Tensor& forward_pass(const Tensor& x) override {
        return shrink(nn::Dropout<Backend>::forward_pass(x), y_);
    }
    const Tensor& backward_pass(const Tensor& dy,
                                nn::InputGradient input) override {
        return shrink(nn::Dropout<Backend>::backward_pass(dy, input), dx_);
    }

private:
    const Tensor& shrink(const Tensor& t, Tensor& result) const {
        result = t;
        if (this->is_training()) {
            for (double& number : result) { number *= keep_; }
        }
        return result;
    }
    double keep_;
    Tensor y_, dx_;
};

enum class Kind { none, scaled, unscaled };

struct Settings {
    std::uint64_t seed;
    int epochs;
    std::size_t test_limit;
    std::size_t examples = 1000; // training digits
};

struct Curve {
    std::string name;
    Kind kind;
    std::vector<double> train_losses = {}, test_losses = {};
    std::size_t correct = 0;
};

inline void learn(Curve& curve, const data::ImageDataset& train_set,
                  const data::ImageDataset& test_set, const Settings& s) {
    handgrad::Random random(s.seed);
    Network net;
    net.add<nn::Flatten<Backend>>();
    net.add<nn::Linear<Backend>>(28 * 28, 128, random);
    net.add<nn::ReLU<Backend>>();
    if (curve.kind == Kind::scaled) { net.add<nn::Dropout<Backend>>(0.5); }
    if (curve.kind == Kind::unscaled) { net.add<Unscaled>(0.5); }
    net.add<nn::Linear<Backend>>(128, 10, random);

    data::LoaderOptions shuffled{50}, all{500, false};
    shuffled.seed = s.seed;
    shuffled.limit = s.examples;
    data::LoaderOptions seen = all;
    seen.limit = s.examples;
    all.limit = s.test_limit;
    data::DataLoader<Backend> loader(train_set, shuffled),
        seen_loader(train_set, seen), test_loader(test_set, all);
    train::Classification<Backend> training(net, loader),
        again(net, seen_loader), testing(net, test_loader);
    handgrad::SgdOptions sgd;
    sgd.lr = 0.05;
    sgd.momentum = 0.9;
    handgrad::optim::SGD<Backend> optimizer(net.parameters(), sgd);
    train::Run<Backend> run{training, optimizer};
    for (int epoch = 0; epoch < s.epochs; ++epoch) {
        train::train_one_epoch(run);
        curve.train_losses.push_back(
            train::test_one_epoch<Backend>(again).loss);
        const auto tested = train::test_one_epoch<Backend>(testing);
        curve.test_losses.push_back(tested.loss);
        curve.correct = tested.correct;
    }
}

// The losses are measured after each epoch in evaluation mode, also those of the training digits,
// so that all three nets are judged without dropped units.
//
// <details class="predict"><summary>Predict: which of the three nets has the smallest training loss, and which the smallest test loss?</summary>
//
// All three reach a training loss near 0: half of the hidden units are still enough for 1,000
// digits. The test loss is smallest with dropout, whose hidden units cannot rely on each other.
// Without the scale the scores in evaluation are about twice as large as those the net was trained
// with, so it is more certain than it should be: its mistakes cost more.
//
// </details>
inline void print(const std::vector<Curve>& curves, std::size_t tested) {
    fmt::print(
        "\n                     training loss                    test loss\n");
    fmt::print("epoch  no dropout  dropout  unscaled  no dropout  dropout  "
               "unscaled\n");
    const std::size_t epochs = curves[0].test_losses.size();
    for (std::size_t e = 0; e < epochs; ++e) {
        if ((e + 1) % 5 != 0 && e + 1 != epochs) { continue; }
        fmt::print("{:>5}      {:6.4f}   {:6.4f}    {:6.4f}      {:6.4f}   "
                   "{:6.4f}    {:6.4f}\n",
                   e + 1, curves[0].train_losses[e], curves[1].train_losses[e],
                   curves[2].train_losses[e], curves[0].test_losses[e],
                   curves[1].test_losses[e], curves[2].test_losses[e]);
    }
    fmt::print("correct of {} test digits:       {:>6}   {:>6}    {:>6}\n",
               tested, curves[0].correct, curves[1].correct, curves[2].correct);
}

inline void draw(const handgrad::app::Program& program,
                 const std::vector<Curve>& curves) {
    handgrad::plot::Figure figure;
    figure.title("Test loss of a net that learns 1,000 digits by heart");
    figure.x_label("epoch").y_label("test loss [nats]");
    for (const Curve& curve : curves) {
        std::vector<double> epochs;
        for (std::size_t e = 1; e <= curve.test_losses.size(); ++e) {
            epochs.push_back(static_cast<double>(e));
        }
        figure.line(curve.name, epochs, curve.test_losses);
    }
    const auto saved = figure.save(program.output(""), "dropout");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

// @output to "correct of"
//
// ![Test losses over the epochs: with dropout it stays lowest, without the scale it is highest and rises.](dropout.svg)
//
// The three training losses are all near zero, and still the test losses differ. Dropout keeps the
// test loss down and gets more digits right. The unscaled dropout gets about as many digits right,
// because a common factor does not change which score is the largest. Its probabilities are wrong,
// and only the loss shows it.
inline void run(handgrad::app::Program& program,
                const data::ImageDataset& train_set,
                const data::ImageDataset& test_set, const Settings& s) {
    print_masks(s.seed);
    print_moments(s.seed);
    std::vector<Curve> curves = {{"no dropout", Kind::none},
                                 {"dropout", Kind::scaled},
                                 {"dropout without the scale", Kind::unscaled}};
    for (Curve& curve : curves) {
        learn(curve, train_set, test_set, s);
        program.result(curve.name + ": test losses", curve.test_losses);
        program.result(curve.name + ": correct", curve.correct);
    }
    print(curves, s.test_limit);
    draw(program, curves);
}

} // namespace dropout
