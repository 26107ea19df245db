#include "handgrad/train/train.hpp"

#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

#include "handgrad/error.hpp"
#include "handgrad/train/backends.hpp"
#include "handgrad/train/tally.hpp"

namespace handgrad::train {
namespace {

double checked(double loss, std::size_t epoch, std::size_t batches, std::size_t of, double lr) {
    if (!std::isfinite(loss)) {
        const double shown = std::isnan(loss) ? std::abs(loss) : loss; // the sign of a NaN says nothing
        throw DivergenceError(fmt::format("the training loss is {} at epoch {}, batch {} of {}: the step is too "
                                          "large; try a smaller one than --lr {}",
                                          shown, epoch + 1, batches, of, lr));
    }
    return loss;
}

} // namespace

template <class Backend> EpochResult train_one_epoch(data::DataLoader<Backend>& loader, nn::Module<Backend>& model,
                                                     nn::CrossEntropyLoss<Backend>& criterion,
                                                     optim::Optimizer<Backend>& optimizer, std::size_t log_interval,
                                                     std::size_t epoch, History& history, const OnBatch& on_batch,
                                                     const Stop& stop, const EpochResult& so_far) {
    require_at_least("train_one_epoch", "log_interval", log_interval, 1);
    require_at_least("train_one_epoch", "epoch", epoch, 0);
    model.train();
    EpochResult result = so_far.batches < loader.size() ? so_far : EpochResult{};
    Tally<Backend> tally(result);
    for (const auto& batch : loader) {
        const std::size_t i = result.batches;
        if (loader.state().batch != (i + 1) % loader.size()) { // where the loader stands behind batch i
            throw std::invalid_argument(fmt::format("train_one_epoch: so_far has {} batches, but the loader goes on "
                                                    "elsewhere in its epoch of {}",
                                                    i, loader.size()));
        }
        optimizer.zero_grad();
        const auto& scores = model(batch.images);
        criterion.compute(scores, batch.labels);
        const bool logged = i % log_interval == 0;
        double loss = 0;
        if (logged || Tally<Backend>::is_free) {
            loss = checked(static_cast<double>(criterion.item()), epoch, i + 1, loader.size(), optimizer.lr());
        }
        model.backward(criterion.backward(), nn::InputGradient::not_needed);
        optimizer.step();

        tally.add(criterion, scores, batch.labels);
        result.examples += batch.labels.shape(0);
        result.batches += 1;
        if (logged) {
            history.train_losses.push_back(loss);
            history.train_examples.push_back(epoch * loader.dataset_size() + result.examples);
        }
        if (on_batch) { on_batch(result.batches, loader.size()); }
        if (result.batches < loader.size() && stop && stop()) {
            loader.restore(loader.state()); // or its next loop would begin another epoch
            break;
        }
    }
    tally.read(result);
    checked(result.loss, epoch, result.batches, loader.size(), optimizer.lr());
    return result;
}

template <class Backend> EpochResult test_one_epoch(data::DataLoader<Backend>& loader, nn::Module<Backend>& model,
                                                    nn::CrossEntropyLoss<Backend>& criterion) {
    model.eval();
    EpochResult result;
    Tally<Backend> tally(result);
    for (const auto& batch : loader) {
        const auto& scores = model(batch.images);
        criterion.compute(scores, batch.labels);
        tally.add(criterion, scores, batch.labels);
        result.examples += batch.labels.shape(0);
        result.batches += 1;
    }
    tally.read(result);
    return result;
}

#define HANDGRAD_INSTANTIATE(B)                                                                                        \
    template EpochResult train_one_epoch(data::DataLoader<B>&, nn::Module<B>&, nn::CrossEntropyLoss<B>&,               \
                                         optim::Optimizer<B>&, std::size_t, std::size_t, History&, const OnBatch&,     \
                                         const Stop&, const EpochResult&);                                             \
    template EpochResult test_one_epoch(data::DataLoader<B>&, nn::Module<B>&, nn::CrossEntropyLoss<B>&);
HANDGRAD_FOR_EACH_BACKEND(HANDGRAD_INSTANTIATE)

} // namespace handgrad::train
