#pragma once
/// @file

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/cross_entropy/cross_entropy.hpp"

namespace handgrad::nn {

/// The mean softmax cross-entropy of a batch, as torch.nn.CrossEntropyLoss with its defaults. Its arguments are scores
/// ("logits"), not probabilities: it contains the softmax. Rows with the label ignore_index do not count. Derivation:
/// cross_entropy.md.
template <class Backend> class CrossEntropyLoss {
public:
    using Scalar = typename Backend::Scalar; ///< type of the loss
    using Tensor = typename Backend::Tensor; ///< type of an array
    using Labels = typename Backend::Labels; ///< type of the true classes

    /// Returns the loss for scores z (..., K) and true classes y (...). Both must live until backward; temporary labels
    /// do not compile. @throws ShapeError
    Scalar forward(const Tensor& z, const Labels& y) {
        compute(z, y);
        return item();
    }
    Scalar forward(const Tensor& z, Labels&& y) = delete; ///< y must live until backward

    /// As forward, but does not wait for a device that computes the loss. item() waits.
    void compute(const Tensor& z, const Labels& y) {
        y_ = nullptr; // until forward has ended without an exception
        Backend::cross_entropy_forward(z, y, p_, loss_);
        scores_ = watch(z);
        labels_ = watch(y);
        y_ = &y;
    }
    void compute(const Tensor& z, Labels&& y) = delete; ///< y must live until backward

    /// Returns dL/dz, (..., K), for the last forward.
    /// @throws std::logic_error if there was no forward, or if the scores or the labels have changed since, for example
    ///         because the model has computed the scores of another batch
    const Tensor& backward() {
        if (y_ == nullptr) { detail::refuse_backward("CrossEntropyLoss", detail::Refusal::no_forward); }
        if (!scores_.is_current() || !labels_.is_current()) {
            detail::refuse_backward("CrossEntropyLoss", detail::Refusal::input_changed);
        }
        Backend::cross_entropy_backward(p_, *y_, dz_);
        return dz_;
    }

    Scalar item() const { return Backend::item(loss_); } ///< the last loss
    const typename Backend::Loss& loss() const {
        return loss_;
    } ///< the last loss at its place, which need not have been computed yet
    const Tensor& probabilities() const { return p_; } ///< softmax(z) of the last forward

private:
    const Labels* y_ = nullptr;
    Watch scores_, labels_;
    Tensor p_, dz_;
    typename Backend::Loss loss_{};
};

} // namespace handgrad::nn
