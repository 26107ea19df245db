#include "handgrad/train/train.hpp"

#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

#include "handgrad/cpu/cpu.hpp"
#include "handgrad/error.hpp"

namespace handgrad::train {

template <class Backend> EpochResult train_one_epoch(data::DataLoader<Backend>& loader, nn::Module<Backend>& model,
                                                     nn::CrossEntropyLoss<Backend>& criterion,
                                                     optim::Optimizer& optimizer, std::size_t log_interval,
                                                     std::size_t epoch, History& history, const OnBatch& on_batch) {
    if (log_interval == 0) { throw std::invalid_argument("train_one_epoch: log_interval is 0, expected at least 1"); }
    model.train();
    EpochResult result;
    std::size_t i = 0;
    for (const auto& batch : loader) {
        optimizer.zero_grad();
        const auto& scores = model(batch.images);
        const double loss = static_cast<double>(criterion.forward(scores, batch.labels));
        if (!std::isfinite(loss)) {
            const double shown = std::isnan(loss) ? std::abs(loss) : loss; // the sign of a NaN says nothing
            throw DivergenceError(fmt::format("the training loss is {} at epoch {}, batch {} of {}: the step is too "
                                              "large; try a smaller one than --lr {}",
                                              shown, epoch + 1, i + 1, loader.size(), optimizer.lr()));
        }
        model.backward(criterion.backward(), nn::InputGradient::not_needed);
        optimizer.step();

        const std::size_t size = batch.labels.shape(0);
        result.loss += loss * static_cast<double>(size);
        result.correct += Backend::count_correct(scores, batch.labels);
        result.examples += size;
        if (i % log_interval == 0) {
            history.train_losses.push_back(loss);
            history.train_examples.push_back(epoch * loader.dataset_size() + result.examples);
        }
        ++i;
        if (on_batch) { on_batch(i, loader.size()); }
    }
    result.loss /= static_cast<double>(result.examples);
    return result;
}

template <class Backend> EpochResult test_one_epoch(data::DataLoader<Backend>& loader, nn::Module<Backend>& model,
                                                    nn::CrossEntropyLoss<Backend>& criterion) {
    model.eval();
    EpochResult result;
    for (const auto& batch : loader) {
        const auto& scores = model(batch.images);
        const std::size_t size = batch.labels.shape(0);
        result.loss += static_cast<double>(criterion.forward(scores, batch.labels)) * static_cast<double>(size);
        result.correct += Backend::count_correct(scores, batch.labels);
        result.examples += size;
    }
    result.loss /= static_cast<double>(result.examples);
    return result;
}

#define HANDGRAD_INSTANTIATE(B)                                                                                        \
    template EpochResult train_one_epoch(data::DataLoader<B>&, nn::Module<B>&, nn::CrossEntropyLoss<B>&,               \
                                         optim::Optimizer&, std::size_t, std::size_t, History&, const OnBatch&);       \
    template EpochResult test_one_epoch(data::DataLoader<B>&, nn::Module<B>&, nn::CrossEntropyLoss<B>&);
HANDGRAD_INSTANTIATE(Cpu<float>)
HANDGRAD_INSTANTIATE(Cpu<double>)

} // namespace handgrad::train
