#pragma once
// The account of an epoch: losses and right answers, added up batch by batch.

#include "handgrad/backends/device.hpp"
#include "handgrad/ops/cross_entropy/layer.hpp"
#include "handgrad/train/train.hpp"

namespace handgrad::train {

/// On the host, where the numbers are at hand.
template <class Backend> class Tally {
public:
    static constexpr bool is_free = true; ///< whether to look at a loss keeps nobody waiting

    explicit Tally(const EpochResult& so_far) : loss_sum_(so_far.loss_sum), correct_(so_far.correct) {}

    void add(const nn::CrossEntropyLoss<Backend>& criterion, const typename Backend::Tensor& scores,
             const typename Backend::Labels& labels) {
        loss_sum_ += static_cast<double>(criterion.item()) * static_cast<double>(labels.shape(0));
        correct_ += Backend::count_correct(scores, labels);
    }

    /// Completes the result of result.examples examples.
    void read(EpochResult& result) const {
        result.loss_sum = loss_sum_;
        result.correct = correct_;
        result.loss = loss_sum_ / static_cast<double>(result.examples);
    }

private:
    double loss_sum_;
    std::size_t correct_;
};

/// On the device: both numbers stay there until they are asked for, so that no batch waits for the one before.
template <class T> class Tally<Device<T>> {
public:
    static constexpr bool is_free = false;

    explicit Tally(const EpochResult& so_far) : tally_(Shape{2}) {
        const double start[] = {so_far.loss_sum, static_cast<double>(so_far.correct)};
        device::copy_to_device(start, tally_.data(), sizeof(start));
    }

    void add(const nn::CrossEntropyLoss<Device<T>>& criterion, const device::Tensor<T>& scores,
             const device::Labels& labels) {
        device::add_to_tally(criterion.loss(), scores, labels, tally_);
    }

    void read(EpochResult& result) const {
        double sums[2];
        device::copy_to_host(tally_.data(), sums, sizeof(sums));
        result.loss_sum = sums[0];
        result.correct = static_cast<std::size_t>(sums[1]);
        result.loss = sums[0] / static_cast<double>(result.examples);
    }

private:
    device::Tensor<double> tally_;
};

} // namespace handgrad::train
