#pragma once
/// @file

#include <string>
#include <utility>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/embedding/embedding.hpp"
#include "handgrad/tensor/random.hpp"

namespace handgrad::nn {

/// A learned row of numbers for each token of a vocabulary, as torch.nn.Embedding with its defaults: weight (V, C),
/// initialised with standard normal numbers. Its input consists of tokens, which have no gradient, so it is a component
/// and no module. Derivation: embedding.md.
template <class Backend> class Embedding : public Component<Backend> {
public:
    using typename Component<Backend>::Tensor;
    using Labels = typename Backend::Labels; ///< type of the tokens

    Parameter<Backend> weight; ///< (num_embeddings, embedding_dim)

    /// @param num_embeddings size V of the vocabulary @param embedding_dim length C of a row @param random the stream
    ///        of the initial weights
    /// @throws ShapeError if a number is less than 1
    Embedding(std::size_t num_embeddings, std::size_t embedding_dim, Random& random) {
        require_at_least("Embedding", "num_embeddings", num_embeddings, 1);
        require_at_least("Embedding", "embedding_dim", embedding_dim, 1);
        auto w = zeros<typename Backend::Scalar>({num_embeddings, embedding_dim});
        weight.grad = Backend::from_host(w);
        normal_(w, 0, 1, random);
        weight.value = Backend::from_host(std::move(w));
        this->register_parameter("weight", weight);
    }

    /// Returns the rows of the tokens (...), shape (..., embedding_dim). The tokens must live until backward; temporary
    /// tokens do not compile. @throws ShapeError for a token outside the vocabulary
    const Tensor& forward(const Labels& token) {
        token_ = nullptr; // until forward has ended without an exception
        Backend::embedding_forward(weight.value, token, y_);
        watch_ = watch(token);
        token_ = &token;
        return y_;
    }
    const Tensor& forward(Labels&& token) = delete; ///< the tokens must live until backward

    /// Given dy = dL/dy for the output y of the last forward, adds dL/dweight to weight.grad.
    /// @throws std::logic_error if there was no forward since the last backward, or if the tokens have changed since
    /// @throws ShapeError unless dy has the shape of y
    void backward(const Tensor& dy) {
        if (token_ == nullptr) { detail::refuse_backward("Embedding", detail::Refusal::no_forward); }
        if (!watch_.is_current()) { detail::refuse_backward("Embedding", detail::Refusal::input_changed); }
        if (dy.shape() != y_.shape()) { detail::refuse_gradient("Embedding", dy.shape(), y_.shape()); }
        Backend::embedding_backward(dy, *token_, weight.value.shape(), weight.grad, Accumulate::yes);
        token_ = nullptr;
    }

    std::string name() const override { return "Embedding"; }
    std::string arguments() const override {
        return std::to_string(weight.value.shape(0)) + ", " + std::to_string(weight.value.shape(1));
    }

private:
    const Labels* token_ = nullptr; // of the last forward without a backward
    Watch watch_;                   // the tokens at that forward
    Tensor y_;
};

} // namespace handgrad::nn
