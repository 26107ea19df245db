#pragma once
/// @file

#include "handgrad/nn/module.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::nn {

/// The mean softmax cross-entropy of a batch, torch.nn.CrossEntropyLoss with its defaults. It takes scores ("logits"),
/// not probabilities: the softmax is inside. Derivation: contract/cross_entropy.hpp.
template <class Backend> class CrossEntropyLoss {
public:
    using Scalar = typename Backend::Scalar; ///< type of the loss
    using Tensor = typename Backend::Tensor; ///< type of an array
    using Labels = typename Backend::Labels; ///< type of the true classes

    /// Returns the loss for scores z (N, K) and true classes y (N,). y must live until backward: one that would not is
    /// refused by the compiler. @throws ShapeError
    Scalar forward(const Tensor& z, const Labels& y) {
        compute(z, y);
        return item();
    }
    Scalar forward(const Tensor& z, Labels&& y) = delete; ///< see the other

    /// forward, but without waiting for the loss, if a device computes it: item() does when it is asked.
    void compute(const Tensor& z, const Labels& y) {
        Backend::compute_cross_entropy(z, y, p_, loss_);
        y_ = &y;
    }
    void compute(const Tensor& z, Labels&& y) = delete; ///< see the other

    /// Returns dL/dz, (N, K), for the last forward. @throws std::logic_error if there was none
    const Tensor& backward() {
        if (y_ == nullptr) { detail::refuse_backward("CrossEntropyLoss"); }
        Backend::cross_entropy_backward(p_, *y_, dz_);
        return dz_;
    }

    Scalar item() const { return Backend::item(loss_); }         ///< the last loss
    const typename Backend::Loss& loss() const { return loss_; } ///< the same, wherever it is
    const Tensor& probabilities() const { return p_; }           ///< softmax(z) of the last forward

private:
    const Labels* y_ = nullptr;
    Tensor p_, dz_;
    typename Backend::Loss loss_{};
};

} // namespace handgrad::nn
