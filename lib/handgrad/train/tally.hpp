#pragma once
/// @file
/// The account of an epoch: losses and correct answers, added up batch by batch.

#include <cstddef>
#include <optional>

#include "handgrad/backends/device.hpp"
#include "handgrad/ops/cross_entropy/layer.hpp"

namespace handgrad::train {

/// Result of one pass over a data set, or of the part completed before a stop.
struct EpochResult {
    double loss = 0;          ///< mean over the examples
    std::size_t correct = 0;  ///< number of examples whose largest score is at their label
    std::size_t examples = 0; ///< number of examples
    std::size_t batches = 0;  ///< number of batches
    /// Sum of the losses of all examples. Stored because mean times count would not reproduce it bit for bit.
    double loss_sum = 0;
    /// The fraction that was correct, 0 for no examples.
    double accuracy() const { return examples ? static_cast<double>(correct) / static_cast<double>(examples) : 0; }
};

/// Sums of the losses of all examples and of the correct answers.
struct Sums {
    double loss = 0;         ///< sum of the losses
    std::size_t correct = 0; ///< number of correct answers

    /// Adds a batch with this mean loss.
    void add(double batch_loss, std::size_t examples, std::size_t batch_correct) {
        loss += batch_loss * static_cast<double>(examples);
        correct += batch_correct;
    }
    /// Completes the result of result.examples examples.
    void read(EpochResult& result) const {
        result.loss_sum = loss;
        result.correct = correct;
        result.loss = loss / static_cast<double>(result.examples);
    }
};

/// Adds up on the host, where a loss is available at once.
template <class Backend> class Tally {
public:
    static constexpr bool is_free = true; ///< whether reading a loss does not wait for a device

    /// @param so_far the result to continue
    explicit Tally(const EpochResult& so_far) : sums_{so_far.loss_sum, so_far.correct} {}

    /// Adds a batch with this mean loss, and the number of correct answers if the task counts them.
    void add(double loss, std::size_t examples, std::size_t correct = 0) { sums_.add(loss, examples, correct); }

    /// Adds a batch of scores (N, K) and labels (N), for which `criterion` has just computed the loss.
    void add(const nn::CrossEntropyLoss<Backend>& criterion, const typename Backend::Tensor& scores,
             const typename Backend::Labels& labels) {
        add(static_cast<double>(criterion.item()), labels.size(), Backend::count_correct(scores, labels));
    }

    /// Completes the result of result.examples examples.
    void read(EpochResult& result) const { sums_.read(result); }

private:
    Sums sums_;
};

/// Adds up on the device: the loss and the number of correct answers of a classification stay there until read(), so
/// that no batch waits for the previous one. A loss that is given as a number is added on the host.
template <class T> class Tally<Device<T>> {
public:
    static constexpr bool is_free = false; ///< see the other

    /// @param so_far the result to continue
    explicit Tally(const EpochResult& so_far) : sums_{so_far.loss_sum, so_far.correct} {}

    /// Adds a batch on the host; the loss has been waited for.
    void add(double loss, std::size_t examples, std::size_t correct = 0) { sums_.add(loss, examples, correct); }

    /// Adds a batch on the device.
    void add(const nn::CrossEntropyLoss<Device<T>>& criterion, const device::Tensor<T>& scores,
             const device::Labels& labels) {
        if (!on_device_) { start_on_device(); }
        device::add_to_tally(criterion.loss(), scores, labels, *on_device_);
    }

    /// Completes the result of result.examples examples. Waits for the device.
    void read(EpochResult& result) const {
        Sums all = sums_;
        if (on_device_) {
            const handgrad::Tensor<double> there = device::to_host(*on_device_);
            all.loss += there(0);
            all.correct += static_cast<std::size_t>(there(1));
        }
        all.read(result);
    }

private:
    void start_on_device() {
        on_device_.emplace(Shape{2});
        on_device_->fill(0);
        if (sums_.loss == 0 && sums_.correct == 0) { return; }
        handgrad::Tensor<double> so_far(Shape{2});
        so_far(0) = sums_.loss;
        so_far(1) = static_cast<double>(sums_.correct);
        device::to_device(so_far, *on_device_);
        sums_ = {};
    }

    Sums sums_;                                       // on the host
    std::optional<device::Tensor<double>> on_device_; // sum of the losses, number of correct answers
};

} // namespace handgrad::train
