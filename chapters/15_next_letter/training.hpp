#pragma once
// ## Training
//
// Both networks of the chapter are trained alike: AdamW (chapter 13), the same mini-batches, and
// a learning rate that rises for 100 steps and then falls along a cosine to 2 percent.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include <handgrad/data/token_loader.hpp>
#include <handgrad/error.hpp>
#include <handgrad/optim/adam.hpp>
#include <handgrad/optim/lr_scheduler.hpp>

#include "model.hpp"

namespace training {

using handgrad::data::Contexts;

struct Options {
    std::size_t batch, steps;
    double lr, decay;
    std::uint64_t seed;
};

// The losses of the mini-batches, and of the development names now and then.
struct History {
    std::vector<double> losses, dev_steps, dev_losses;
};

// The mean loss of many examples, 1,024 at a time.
template <class Backend>
double mean_loss(LetterNet<Backend>& net, const Contexts& examples) {
    constexpr std::size_t part = 1024;
    handgrad::Labels tokens, targets;
    double sum = 0;
    for (std::size_t first = 0; first < examples.size(); first += part) {
        const std::size_t count = std::min(part, examples.size() - first);
        handgrad::resize(tokens, {count, examples.length()});
        handgrad::resize(targets, {count});
        for (std::size_t n = 0; n < count; ++n) {
            examples.copy(first + n, &tokens(n, 0), &targets(n));
        }
        sum += static_cast<double>(count) * net.forward(tokens, targets);
    }
    return sum / static_cast<double>(examples.size());
}

// The development loss is measured five times; `shown` says whether it is printed.
template <class Backend>
History train(LetterNet<Backend>& net, const Contexts& examples,
              const Contexts& dev, const Options& options, bool shown) {
    const std::size_t steps = options.steps;
    handgrad::data::TokenLoader<Backend> loader(
        examples, {options.batch, steps, options.seed});
    handgrad::AdamWOptions adam;
    adam.lr = options.lr;
    adam.weight_decay = options.decay;
    handgrad::optim::AdamW<Backend> optimizer(net.parameters(), adam);
    handgrad::optim::LambdaLR schedule(
        optimizer, handgrad::optim::warmup_cosine(
                       std::min<std::size_t>(100, steps / 2), steps, 0.02));
    if (shown) { fmt::print("  step  training, a mini-batch  development\n"); }
    History history;
    for (std::size_t step = 1; step <= steps; ++step) {
        const auto& batch = loader.next();
        const double loss = net.forward(batch.inputs, batch.targets);
        if (!std::isfinite(loss)) {
            throw handgrad::DivergenceError(
                fmt::format("the training loss is {}: try a smaller learning "
                            "rate than --lr {}",
                            loss, options.lr));
        }
        net.zero_grad();
        net.backward(batch.inputs, batch.targets);
        optimizer.step();
        schedule.step();
        history.losses.push_back(loss);
        const bool is_first = step == 1, is_last = step == steps;
        const std::size_t interval = std::max<std::size_t>(1, steps / 5);
        if (!is_first && !is_last && step % interval != 0) { continue; }
        history.dev_steps.push_back(static_cast<double>(step));
        history.dev_losses.push_back(mean_loss(net, dev));
        if (shown) {
            fmt::print("{:6}  {:22.4f}  {:11.4f}\n", step, loss,
                       history.dev_losses.back());
        }
    }
    return history;
}

} // namespace training
