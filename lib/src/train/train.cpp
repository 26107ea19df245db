#include "handgrad/train/train.hpp"

#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

#include "handgrad/cpu/cpu.hpp"
#include "handgrad/error.hpp"

namespace handgrad::train {
namespace {

template <class Backend> void add_batch(EpochResult& result, double loss, const typename Backend::Tensor& scores,
                                        const typename Backend::Labels& labels) {
    const std::size_t size = labels.shape(0);
    result.loss_sum += loss * static_cast<double>(size);
    result.correct += Backend::count_correct(scores, labels);
    result.examples += size;
    result.batches += 1;
    result.loss = result.loss_sum / static_cast<double>(result.examples);
}

} // namespace

template <class Backend> EpochResult train_one_epoch(data::DataLoader<Backend>& loader, nn::Module<Backend>& model,
                                                     nn::CrossEntropyLoss<Backend>& criterion,
                                                     optim::Optimizer& optimizer, std::size_t log_interval,
                                                     std::size_t epoch, History& history, const OnBatch& on_batch,
                                                     const Stop& stop, const EpochResult& so_far) {
    if (log_interval == 0) { throw std::invalid_argument("train_one_epoch: log_interval is 0, expected at least 1"); }
    model.train();
    EpochResult result = so_far.batches < loader.size() ? so_far : EpochResult{};
    for (const auto& batch : loader) {
        const std::size_t i = result.batches;
        if (loader.state().batch != (i + 1) % loader.size()) { // where the loader stands behind batch i
            throw std::invalid_argument(fmt::format("train_one_epoch: so_far has {} batches, but the loader goes on "
                                                    "elsewhere in its epoch of {}",
                                                    i, loader.size()));
        }
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

        add_batch<Backend>(result, loss, scores, batch.labels);
        if (i % log_interval == 0) {
            history.train_losses.push_back(loss);
            history.train_examples.push_back(epoch * loader.dataset_size() + result.examples);
        }
        if (on_batch) { on_batch(result.batches, loader.size()); }
        if (result.batches < loader.size() && stop && stop()) {
            loader.restore(loader.state()); // or its next loop would begin another epoch
            break;
        }
    }
    return result;
}

template <class Backend> EpochResult test_one_epoch(data::DataLoader<Backend>& loader, nn::Module<Backend>& model,
                                                    nn::CrossEntropyLoss<Backend>& criterion) {
    model.eval();
    EpochResult result;
    for (const auto& batch : loader) {
        const auto& scores = model(batch.images);
        add_batch<Backend>(result, static_cast<double>(criterion.forward(scores, batch.labels)), scores, batch.labels);
    }
    return result;
}

#define HANDGRAD_INSTANTIATE(B)                                                                                        \
    template EpochResult train_one_epoch(data::DataLoader<B>&, nn::Module<B>&, nn::CrossEntropyLoss<B>&,               \
                                         optim::Optimizer&, std::size_t, std::size_t, History&, const OnBatch&,        \
                                         const Stop&, const EpochResult&);                                             \
    template EpochResult test_one_epoch(data::DataLoader<B>&, nn::Module<B>&, nn::CrossEntropyLoss<B>&);
HANDGRAD_INSTANTIATE(Cpu<float>)
HANDGRAD_INSTANTIATE(Cpu<double>)

} // namespace handgrad::train
