#include "handgrad/train/train.hpp"

#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

#include "handgrad/error.hpp"
#include "handgrad/train/backends.hpp"

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

template <class Backend> EpochResult train_one_epoch(Run<Backend>& run, const EpochSettings& settings) {
    require_at_least("train_one_epoch", "log_interval", settings.log_interval, 1);
    Task<Backend>& task = run.task;
    const std::size_t batches = task.loader().size();
    const data::LoaderState start = task.loader().state();
    const auto epoch = static_cast<std::size_t>(start.epoch);
    EpochResult result = run.epoch.batches < batches ? run.epoch : EpochResult{};
    if (start.batch != result.batches) {
        throw std::invalid_argument(fmt::format("train_one_epoch: run.epoch has {} batches, but the loader goes on at "
                                                "batch {} of {}",
                                                result.batches, start.batch, batches));
    }
    task.model().train();
    Tally<Backend> tally(result);
    do {
        run.optimizer.zero_grad();
        task.forward();
        const bool logged = result.batches % settings.log_interval == 0;
        double loss = 0;
        if (logged || Tally<Backend>::is_free) {
            loss = checked(task.loss(), epoch, result.batches + 1, batches, run.optimizer.lr());
        }
        task.backward();
        run.optimizer.step();

        task.add_to(tally);
        result.examples += task.examples();
        result.batches += 1;
        if (logged) {
            run.history.train_losses.push_back(loss);
            run.history.train_examples.push_back(epoch * task.loader().dataset_size() + result.examples);
        }
        if (settings.on_batch) { settings.on_batch(result.batches, batches); }
    } while (result.batches < batches && !(settings.stop && settings.stop()));
    tally.read(result);
    checked(result.loss, epoch, result.batches, batches, run.optimizer.lr());
    return run.epoch = result;
}

template <class Backend> EpochResult test_one_epoch(Task<Backend>& task) {
    task.model().eval();
    const data::LoaderState start = task.loader().state();
    if (start.batch > 0) { task.loader().restore({start.epoch + 1, 0}); }
    EpochResult result;
    Tally<Backend> tally(result);
    for (std::size_t batch = 0; batch < task.loader().size(); ++batch) {
        task.forward();
        task.add_to(tally);
        result.examples += task.examples();
        result.batches += 1;
    }
    tally.read(result);
    return result;
}

#define HANDGRAD_INSTANTIATE(B)                                                                                        \
    template EpochResult train_one_epoch(Run<B>&, const EpochSettings&);                                               \
    template EpochResult test_one_epoch(Task<B>&);
HANDGRAD_FOR_EACH_BACKEND(HANDGRAD_INSTANTIATE)

} // namespace handgrad::train
