#pragma once
/// @file

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/cross_entropy/cross_entropy.hpp"

namespace handgrad::nn {

/// The mean softmax cross-entropy of a batch, torch.nn.CrossEntropyLoss with its defaults. It takes scores ("logits"),
/// not probabilities: the softmax is inside. Derivation: cross_entropy.hpp.
template <class Backend> class CrossEntropyLoss {
public:
    using Scalar = typename Backend::Scalar; ///< type of the loss
    using Tensor = typename Backend::Tensor; ///< type of an array
    using Labels = typename Backend::Labels; ///< type of the true classes

    /// Returns the loss for scores z (..., K) and true classes y (...). Both must live until backward; the compiler
    /// refuses labels that would not. @throws ShapeError
    Scalar forward(const Tensor& z, const Labels& y) {
        compute(z, y);
        return item();
    }
    Scalar forward(const Tensor& z, Labels&& y) = delete; ///< see the other

    /// forward, but without waiting for the loss if a device computes it: item() waits.
    void compute(const Tensor& z, const Labels& y) {
        y_ = nullptr; // until it has come to its end
        Backend::cross_entropy_forward(z, y, p_, loss_);
        scores_ = watch(z);
        labels_ = watch(y);
        y_ = &y;
    }
    void compute(const Tensor& z, Labels&& y) = delete; ///< see the other

    /// Returns dL/dz, (..., K), for the last forward.
    /// @throws std::logic_error if there was none, or if the scores or the labels have been changed since: if the model
    ///         has seen another batch, it cannot go back from this one any more
    const Tensor& backward() {
        if (y_ == nullptr) { detail::refuse_backward("CrossEntropyLoss", detail::Refusal::no_forward); }
        if (!scores_.is_current() || !labels_.is_current()) {
            detail::refuse_backward("CrossEntropyLoss", detail::Refusal::input_changed);
        }
        Backend::cross_entropy_backward(p_, *y_, dz_);
        return dz_;
    }

    Scalar item() const { return Backend::item(loss_); }         ///< the last loss
    const typename Backend::Loss& loss() const { return loss_; } ///< the same, at its place
    const Tensor& probabilities() const { return p_; }           ///< softmax(z) of the last forward

private:
    const Labels* y_ = nullptr;
    Watch scores_, labels_;
    Tensor p_, dz_;
    typename Backend::Loss loss_{};
};

} // namespace handgrad::nn
