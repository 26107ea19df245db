#include "handgrad/train/checkpoint_invariants.hpp"

#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "handgrad/error.hpp"

namespace handgrad::train {
namespace {

// A thousand times the largest --epochs. With fewer than 2^32 examples in an epoch, all counts fit into 63 bits.
constexpr std::uint64_t most_epochs = 1'000'000'000;

void require_range(std::string_view tensor, std::uint64_t got, std::string_view unit, std::uint64_t least,
                   std::uint64_t most) {
    require<DataError>(got >= least && got <= most, "tensor '{}' holds {} {}, expected {} to {}", tensor, got, unit,
                       least, most);
}

/// Each count must be from `least` to `most`; if they are those of a sequence, also at least the one before it.
void require_counts(std::string_view tensor, const std::vector<std::size_t>& counts, std::size_t least,
                    std::size_t most, bool sequence) {
    for (std::size_t i = 0; i < counts.size(); ++i) {
        require_range(tensor, counts[i], fmt::format("at entry {}", i), least, most);
        if (sequence) { least = counts[i]; }
    }
}

/// Sums and means of losses may be below a bound by rounding, but not below 0.
bool is_below(double loss, double bound) { return loss < bound - 1e-9 * std::abs(bound); }

void require_losses(std::string_view tensor, const std::vector<double>& losses, double bound) {
    for (std::size_t i = 0; i < losses.size(); ++i) {
        require<DataError>(!is_below(losses[i], bound), "tensor '{}' holds {} at entry {}, expected at least {}",
                           tensor, losses[i], i, bound);
    }
}

void require_position(const data::LoaderState& next, std::size_t done, std::size_t batches) {
    require_range("loader.state", next.epoch, "epochs", 0, most_epochs);
    require_range("loader.state", next.batch, "batches", 0, batches - 1);
    require_range("epoch.counts", done, "batches", 0, batches);
    require<DataError>(next.batch == done % batches,
                       "tensor 'loader.state' holds {} batches, expected {}: 'epoch.counts' holds {} of {}", next.batch,
                       done % batches, done, batches);
    require<DataError>(next.epoch > 0 || done < batches,
                       "tensor 'loader.state' holds 0 epochs, expected at least 1: 'epoch.counts' holds {} of {} "
                       "batches",
                       done, batches);
}

void require_epoch(const EpochResult& epoch, const RunLimits& limits) {
    require_range("epoch.counts", epoch.examples, "examples", epoch.batches, epoch.batches > 0 ? limits.examples : 0);
    require_range("epoch.counts", epoch.correct, "correct answers", 0, epoch.examples);
    require<DataError>(epoch.examples > 0 || !(std::abs(epoch.loss_sum) > 0),
                       "tensor 'epoch.loss_sum' holds {}, expected 0: 'epoch.counts' holds 0 examples", epoch.loss_sum);
    const double bound = epoch.examples > 0 ? limits.lower_bound * static_cast<double>(epoch.examples) : 0;
    require<DataError>(!is_below(epoch.loss_sum, bound), "tensor 'epoch.loss_sum' holds {}, expected at least {}",
                       epoch.loss_sum, bound);
}

} // namespace

void require_possible(const data::LoaderState& next, const EpochResult& epoch, const History& history,
                      const RunLimits& limits) {
    require_position(next, epoch.batches, limits.batches);
    require_epoch(epoch, limits);
    const std::size_t seen =
        static_cast<std::size_t>(next.epoch) * limits.examples + (next.batch > 0 ? epoch.examples : 0);
    require_losses("history.train_losses", history.train_losses, limits.lower_bound);
    require_counts("history.train_examples", history.train_examples, 1, seen, true);
    require<DataError>(limits.test_examples > 0 || history.test_losses.empty(),
                       "tensor 'history.test_losses' has shape ({},), expected (0,): Run::testing is not set",
                       history.test_losses.size());
    require_losses("history.test_losses", history.test_losses, limits.test_lower_bound);
    require_counts("history.test_examples", history.test_examples, 0, seen, true);
    require_counts("history.test_correct", history.test_correct, 0, limits.test_examples, false);
}

} // namespace handgrad::train
