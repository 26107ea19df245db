#pragma once
// ## Statistics of a small sample
//
// In training a channel is normalised by the mean and the variance of $m$ numbers. They estimate
// the mean and the variance over all digits, and an estimate from a small sample is noisy: the
// mean of $m$ independent numbers has the standard deviation $\sigma / \sqrt m$. This noise
// depends on which examples happen to share a mini-batch.
//
// We take the result $z_1$ of the trained net's first linear layer for the test digits, divide it
// into mini-batches of $m$ digits, and measure.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/error.hpp>
#include <handgrad/plot/figure.hpp>

#include "model.hpp"

namespace statistics {

using handgrad::Shape;
using handgrad::Tensor;
namespace data = handgrad::data;

constexpr std::size_t batch_sizes[] = {2, 8, 32, 128};

// The mean and the biased variance of `m` rows of one column.
struct Moments {
    double mean = 0, var = 0;
    Moments(const Tensor<double>& z, std::size_t column, std::size_t first,
            std::size_t m) {
        const auto count = static_cast<double>(m);
        for (std::size_t n = first; n < first + m; ++n) {
            mean += z(n, column) / count;
        }
        for (std::size_t n = first; n < first + m; ++n) {
            const double c = z(n, column) - mean;
            var += c * c / count;
        }
    }
};

// Averages over all mini-batches and channels, in units of $\sigma$ and $\sigma^2$ of the channel.
struct Noise {
    double of_mean = 0, biased = 0, unbiased = 0;
};

inline Noise noise(const Tensor<double>& z, std::size_t m) {
    const std::size_t batches = z.shape(0) / m, channels = z.shape(1);
    double squares = 0, variances = 0;
    for (std::size_t c = 0; c < channels; ++c) {
        const Moments all(z, c, 0, z.shape(0));
        for (std::size_t k = 0; k < batches; ++k) {
            const Moments batch(z, c, k * m, m);
            const double off = batch.mean - all.mean;
            squares += off * off / all.var;
            variances += batch.var / all.var;
        }
    }
    const auto count = static_cast<double>(batches * channels);
    const auto size = static_cast<double>(m);
    return {std::sqrt(squares / count), variances / count,
            variances / count * size / (size - 1)};
}

inline Tensor<double> first_layer(Network& net, const data::ImageDataset& set,
                                  std::size_t limit) {
    data::LoaderOptions all{limit, false};
    all.limit = limit;
    data::DataLoader<Backend> loader(set, all);
    return net[1].forward(net[0].forward(loader.peek().images));
}

inline void draw_noise(const handgrad::app::Program& program,
                       const std::vector<double>& predicted,
                       const std::vector<double>& measured) {
    handgrad::plot::Figure figure;
    figure.title("Noise of the mean of a mini-batch").x_log().y_log();
    figure.x_label("batch size m").y_label("spread of the mean / sigma");
    figure.line("1 / sqrt(m)", batch_sizes, predicted);
    figure.points("measured", batch_sizes, measured);
    const auto saved = figure.save(program.output(""), "noise");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }
}

// <details class="predict"><summary>Predict: what are the two numbers $\hat x$ if a mini-batch has two examples?</summary>
//
// The mean lies in the middle between the two numbers, and each is half their distance away from
// it. This half is also the standard deviation. So $\hat x$ is $-1$ for the smaller and $+1$ for
// the larger number, whatever they are. Of each channel one bit is left: which of the two digits
// had the larger number. That is why the net of the last page did not learn.
//
// </details>
inline void print_noise(handgrad::app::Program& program,
                        const Tensor<double>& z) {
    fmt::print("\nA channel of z_1 in mini-batches of m digits\n");
    fmt::print("       spread of the mean / sigma  mean variance / sigma^2\n");
    fmt::print("    m   1/sqrt(m)   measured       (m-1)/m   biased  "
               "unbiased\n");
    std::vector<double> predicted, measured;
    for (const std::size_t m : batch_sizes) {
        const auto size = static_cast<double>(m);
        const Noise n = noise(z, m);
        predicted.push_back(1 / std::sqrt(size));
        measured.push_back(n.of_mean);
        fmt::print("  {:>3}      {:6.4f}     {:6.4f}        {:6.4f}   {:6.4f}  "
                   "  {:6.4f}\n",
                   m, predicted.back(), n.of_mean, (size - 1) / size, n.biased,
                   n.unbiased);
    }
    program.result("noise of the mean", measured);
    draw_noise(program, predicted, measured);
}

// @output to "128"
//
// ![The spread of the mean of a mini-batch falls with the root of the batch size, as predicted.](noise.svg)
//
// The noise is there as predicted. (For $m = 128$ there are only 15 mini-batches, and they share
// no digits, so the spread is a little smaller than for independent numbers.) The right half of
// the table shows why two variances are in use. The mean of squares around the *sample's own* mean
// is too small, on average by the factor $(m - 1) / m$. To normalise a mini-batch, this biased
// variance is the right one: with it the variance of $\hat x$ is 1. As an estimate for all digits,
// which evaluation needs, the unbiased one is right.
//
// ## Running statistics
//
// Evaluation must give the same answer for a digit whatever its neighbours are. So each training
// step moves two running statistics towards those of its mini-batch, and evaluation uses them as
// constants. The momentum 0.1 is the weight of the new mini-batch, so after $t$ steps the initial
// value has the weight $0.9^t$. We feed one channel $(1, 2, 3, 6)$ to a new layer again and again:
// its mean is 3, its biased variance 3.5, its unbiased variance $14/3 = 4.6667$. The running mean
// begins at 0, the running variance at 1.
//
// <details class="predict"><summary>Predict: after how many steps is 99 percent of the initial value forgotten?</summary>
//
// $0.9^t = 0.01$ gives $t = \log 0.01 / \log 0.9 = 43.7$: after 44 steps. After a training of
// fewer steps the running statistics are useless, however good the weights are.
//
// </details>
inline void print_running() {
    nn::BatchNorm1d<Backend> layer(1);
    Tensor<double> x(Shape{4, 1});
    const auto numbers = {1.0, 2.0, 3.0, 6.0};
    std::copy(numbers.begin(), numbers.end(), x.begin());
    fmt::print("\n           running mean           running variance\n");
    fmt::print("step  layer   3 (1 - 0.9^t)   layer   (14 - 11 0.9^t) / 3\n");
    for (int t = 1; t <= 100; ++t) {
        layer.forward(x);
        if (t != 1 && t != 2 && t != 10 && t != 44 && t != 100) { continue; }
        const double rest = std::pow(0.9, t);
        fmt::print("{:>4}  {:6.4f}     {:6.4f}       {:6.4f}      {:6.4f}\n", t,
                   layer.running_mean(0), 3 * (1 - rest), layer.running_var(0),
                   (14 - 11 * rest) / 3);
    }
}

// @output to "100"
//
// ## If eval() is forgotten
//
// Then the answer for a digit depends on the digits beside it. We take the first test digit and
// give it three different sets of seven neighbours: the next seven test digits, seven digits of
// its own class, and seven ones. Then the same in evaluation mode.
inline std::vector<std::size_t> neighbours(const data::ImageDataset& set,
                                           const std::string& kind) {
    std::vector<std::size_t> chosen = {0};
    for (std::size_t n = 1; chosen.size() < 8; ++n) {
        if (kind == "the next digits" ||
            (kind == "its own class" && set.labels[n] == set.labels[0]) ||
            (kind == "ones" && set.labels[n] == 1)) {
            chosen.push_back(n);
        }
    }
    return chosen;
}

inline data::ImageDataset subset(const data::ImageDataset& set,
                                 const std::vector<std::size_t>& chosen) {
    data::ImageDataset result{
        set.name, set.class_names, set.height, set.width, {}, {}};
    for (const std::size_t n : chosen) {
        const auto* image = set.image(n);
        result.pixels.insert(result.pixels.end(), image,
                             image + set.height * set.width);
        result.labels.push_back(set.labels[n]);
    }
    return result;
}

// A forward pass in training mode moves the running statistics. Whoever wants to look and not
// touch has to put them back.
class Buffers {
public:
    explicit Buffers(Network& net) : net_(net) {
        for (const auto& [name, buffer] : net.named_buffers()) {
            saved_.push_back(*buffer);
        }
    }
    void restore() const {
        const auto buffers = net_.named_buffers();
        for (std::size_t i = 0; i < saved_.size(); ++i) {
            *buffers[i].second = saved_[i];
        }
    }

private:
    Network& net_;
    std::vector<Tensor<double>> saved_;
};

inline double probability(Network& net, const data::ImageDataset& eight) {
    data::DataLoader<Backend> loader(eight, {8, false});
    const auto& batch = loader.peek();
    const auto p = Backend::softmax_forward(net(batch.images));
    return p(0, static_cast<std::size_t>(batch.labels(0)));
}

inline void print_neighbours(Network& net, const data::ImageDataset& set) {
    const Buffers buffers(net);
    std::vector<double> evaluated;
    fmt::print("\nProbability that the first test digit is a {}\n",
               set.labels[0]);
    fmt::print("  neighbours        training mode  evaluation\n");
    for (const std::string kind :
         {"the next digits", "its own class", "ones"}) {
        const auto eight = subset(set, neighbours(set, kind));
        net.train();
        const double in_training = probability(net, eight);
        buffers.restore();
        net.eval();
        evaluated.push_back(probability(net, eight));
        fmt::print("  {:16}         {:6.4f}      {:6.4f}\n", kind, in_training,
                   evaluated.back());
    }
    const bool same =
        evaluated[0] == evaluated[1] && evaluated[0] == evaluated[2];
    fmt::print("in evaluation: {}\n", same ? "identical bits" : "DIFFERENT");
    if (!same) { throw std::runtime_error("evaluation sees the neighbours"); }
}

// @output to "in evaluation"
//
// In training mode the neighbours decide. Beside seven digits of its own class the digit loses
// what it has in common with them: that is the mean, and the mean is subtracted.
//
// ## The accuracy without eval()
//
// The same for all test digits, in their own order and sorted by class. Sorted is not far-fetched:
// whoever tests class by class, or on the frames of a video, does it.
//
// <details class="predict"><summary>Predict: how accurate is the net in training mode if all digits of a mini-batch belong to one class?</summary>
//
// Each channel is centred and scaled within the class. The net sees only how the digits of the
// class differ from each other, and not what they have in common. It has to guess: 10 percent, or
// little more for large mini-batches, some of which contain two classes.
//
// </details>
inline data::ImageDataset sorted(const data::ImageDataset& set,
                                 std::size_t limit) {
    std::vector<std::size_t> order(std::min(limit, set.size()));
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) {
                         return set.labels[a] < set.labels[b];
                     });
    return subset(set, order);
}

// A last mini-batch that is smaller than the others is left out.
inline double accuracy(Network& net, const data::ImageDataset& set,
                       std::size_t limit, std::size_t m) {
    data::LoaderOptions in_order{m, false, true};
    in_order.limit = limit;
    data::DataLoader<Backend> loader(set, in_order);
    std::size_t correct = 0;
    for (const auto& batch : loader) {
        correct += Backend::count_correct(net(batch.images), batch.labels);
    }
    return static_cast<double>(correct) /
           static_cast<double>(loader.size() * m);
}

inline void print_accuracies(handgrad::app::Program& program, Network& net,
                             const data::ImageDataset& set, std::size_t limit) {
    const data::ImageDataset by_class = sorted(set, limit);
    const Buffers buffers(net);
    std::vector<std::vector<double>> rows;
    fmt::print("\n                  training mode\n");
    fmt::print("    m  evaluation  mixed   sorted by class\n");
    for (const std::size_t m : batch_sizes) {
        net.eval();
        const double right = accuracy(net, set, limit, m);
        net.train();
        const double mixed = accuracy(net, set, limit, m);
        buffers.restore();
        const double one_class = accuracy(net, by_class, limit, m);
        rows.push_back({right, mixed, one_class});
        fmt::print("  {:>3}      {:6.4f}  {:6.4f}      {:6.4f}\n", m, right,
                   mixed, one_class);
        if (m != batch_sizes[0]) {
            buffers.restore();
            continue;
        }
        net.eval();
        fmt::print("       {:6.4f} in evaluation after that: the test itself "
                   "has moved the running statistics\n",
                   accuracy(net, set, limit, m));
        buffers.restore();
    }
    program.result("accuracies by batch size", rows);
}

// @output to "128"
//
// Three things go wrong without `eval()`. Small mini-batches have noisy statistics. Sorted digits
// have the wrong ones. And the test changes the net that it tests: each forward pass in training
// mode moves the running statistics. After the sorted test, evaluation is worse as well, although
// no weight has changed.
//
// Mixed mini-batches of 128 digits do a little better than evaluation. The running statistics are
// averages over the last steps, and the weights have moved during these steps. A smaller learning
// rate at the end of training lets them catch up.
//
// ## A single example
//
// With one number in a channel the variance is 0, and $\hat x = 0$ whatever $x$ is. This cannot be
// meant, so it is an error, as in PyTorch. In images a channel of one example has $H W$ numbers,
// and there is no error.
inline void print_single(Network& net, const data::ImageDataset& set) {
    const Buffers buffers(net);
    net.train();
    try {
        accuracy(net, set, 1, 1);
    } catch (const handgrad::ShapeError& error) {
        fmt::print("\nOne digit in training mode: {}\n", error.what());
    }
    net.eval();
    buffers.restore();
    fmt::print("One digit in evaluation mode: accuracy {}\n",
               accuracy(net, set, 1, 1));
}

// @output to "One digit in evaluation"
//
// The table of contents of this page:
inline void run(handgrad::app::Program& program, Network& net,
                const data::ImageDataset& test_set, std::size_t limit) {
    print_noise(program, first_layer(net, test_set, limit));
    print_running();
    print_neighbours(net, test_set);
    print_accuracies(program, net, test_set, limit);
    print_single(net, test_set);
}

} // namespace statistics
