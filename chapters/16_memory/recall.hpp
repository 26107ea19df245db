#pragma once
// ## Recall the first symbol
//
// The task is a short version of an experiment of Hochreiter and Schmidhuber (1997). A sequence
// begins with one of four symbols. Then come T - 1 symbols that mean nothing, drawn from four
// others. At the end the network has to name the first one. A guess has a loss of log 4 = 1.386.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <handgrad/optim/adam.hpp>
#include <handgrad/optim/clip_grad.hpp>
#include <handgrad/optim/sgd.hpp>

#include "model.hpp"

namespace recall {

using Backend = handgrad::Cpu<double>;
using handgrad::Labels;
using handgrad::Tensor;
constexpr std::size_t symbols = 4, noise = 4;

// B sequences of T steps. A symbol is a row with a single 1.
struct Batch {
    std::vector<Tensor<double>> x; // T of (B, 8)
    Labels y;                      // (B)
};

inline Batch draw(std::size_t B, std::size_t T, Random& random) {
    Batch batch{{}, Labels(Shape{B})};
    for (std::size_t t = 0; t < T; ++t) {
        auto x = handgrad::zeros<double>({B, symbols + noise});
        for (std::size_t n = 0; n < B; ++n) {
            const std::size_t symbol =
                t == 0 ? random.below(symbols) : symbols + random.below(noise);
            x(n, symbol) = 1;
            if (t == 0) { batch.y(n) = static_cast<std::int64_t>(symbol); }
        }
        batch.x.push_back(x);
    }
    return batch;
}

// A recurrent layer, and a linear layer that reads its last state.
template <class Cell> class Network : public nn::Component<Backend> {
public:
    Cell cell;
    nn::Linear<Backend> head;

    Network(std::size_t hidden, Random& random)
        : cell(symbols + noise, hidden, random), head(hidden, symbols, random) {
        register_component("cell", cell);
        register_component("head", head);
    }

    const Tensor& forward(const Batch& batch) {
        cell.forward(batch.x);
        return head(cell.state(batch.x.size()));
    }

    // Only the last state has an upstream gradient.
    void backward(const Batch& batch, const Tensor& dz) {
        const std::size_t T = batch.x.size();
        const Tensor& dh = head.backward(dz);
        std::vector<Tensor> dy(T, handgrad::zeros<double>(dh.shape()));
        dy[T - 1] = dh;
        cell.backward(batch.x, dy);
    }
    std::string name() const override { return "Network"; }
};

// ### Training
struct Settings {
    std::size_t T = 100, hidden = 16, batch = 32, steps = 200;
    double lr = 0.03, clip = 1;
    std::uint64_t seed = 1;
};

struct Losses {
    std::vector<double> losses,
        norms; // of each step; the norms before clipping
};

template <class Cell>
Losses train(Network<Cell>& network,
             handgrad::optim::Optimizer<Backend>& optimizer,
             const Settings& settings) {
    Losses result;
    Random random(settings.seed, 1);
    nn::CrossEntropyLoss<Backend> criterion;
    for (std::size_t step = 0; step < settings.steps; ++step) {
        const Batch batch = draw(settings.batch, settings.T, random);
        network.zero_grad();
        result.losses.push_back(
            criterion.forward(network.forward(batch), batch.y));
        network.backward(batch, criterion.backward());
        result.norms.push_back(handgrad::optim::clip_grad_norm_(
            network.parameters(), settings.clip));
        optimizer.step();
    }
    return result;
}

inline double mean_of_last(const std::vector<double>& losses,
                           std::size_t count) {
    double sum = 0;
    for (std::size_t i = losses.size() - count; i < losses.size(); ++i) {
        sum += losses[i];
    }
    return sum / static_cast<double>(count);
}

} // namespace recall
