#pragma once
/// @file
/// # Embedding
///
/// **Formulas.** A token is a whole number t from 0 to V - 1: a letter, or a word, of a vocabulary of V. The embedding
/// of the token is row t of the weight,
/// \f[ y_{nc} = w_{t_n c}, \qquad dw_{kc} = \sum_n 1[t_n = k]\, dy_{nc}. \f]
/// A token that occurs several times adds several rows to one row of dw. A row whose token does not occur gets 0. The
/// tokens are no real numbers, so they have no gradient.
///
/// Forward equals the product of one-hot rows and the weight, without the multiplications by 0 and 1.
///
/// **Order.** Each row of dw is summed in the order of n, by one thread. So the bits do not depend on the number of
/// threads.
///
/// **Shapes.**
/// | name   | shape    | meaning |
/// | ------ | -------- | ------- |
/// | w, dw  | (V, C)   | a row of C numbers for each token of the vocabulary, and dL/dw |
/// | token  | (...)    | N tokens, any rank: (N) or (B, T); 0 .. V-1 |
/// | y, dy  | (..., C) | the rows of the tokens, and dL/dy |
///
/// **Memory.** Backward needs the tokens. No result may replace an argument.
///
/// **Errors.** Throws ShapeError if the shapes do not fit, and for a token outside 0 .. V-1; AliasError if y is w or dw
/// is dy. On a GPU the tokens are not checked: the row of a token outside 0 .. V-1 is NaN, and backward ignores it.
///
/// **Source.** torch.nn.functional.embedding with its defaults; Y. Bengio et al., A Neural Probabilistic Language Model
/// (2003).
//
// The derivation, step by step: embedding.md.

#include <cstdint>

#include "handgrad/device/memory.hpp"
#include "handgrad/ops/contract.hpp"
#include "handgrad/ops/cross_entropy/cross_entropy.hpp"

namespace handgrad {

/// The kernels of embedding. The tokens are 0 .. w.rows-1, except on a GPU, where they need not have been checked.
template <class Place> struct EmbeddingKernels {
    /// Row n of y is row token(n) of w.
    template <class T>
    static void forward(MatrixView<const T> w, VectorView<const std::int64_t> token, MatrixView<T> y);
    /// Row v of dw is the sum of the rows n of dy with token(n) = v, overwritten or added to.
    template <class T> static void backward(MatrixView<const T> dy, VectorView<const std::int64_t> token,
                                            MatrixView<T> dw, Accumulate mode);
};

/// Throws ShapeError: "embedding_forward: token[0, 3] is 27, expected a token from 0 to 26".
/// @param where name of the operation @param entry position of the token in row-major order
/// @param shape of the tokens @param token the token @param vocabulary number of tokens that there are
[[noreturn]] void refuse_token(std::string_view where, std::size_t entry, const Shape& shape, std::int64_t token,
                               std::size_t vocabulary);

/// Embedding, for all backends.
template <class Place, class T> struct EmbeddingOperations {
    using Tensor = TensorOf<Place, T>;            ///< type of an array
    using Labels = TensorOf<Place, std::int64_t>; ///< type of the tokens

    /// y, (..., C): the rows of w, (V, C), that the tokens (...) name. @throws ShapeError, AliasError
    static void embedding_forward(const Tensor& w, const Labels& token, Tensor& y) {
        const auto where = "embedding_forward";
        require_apart(where, {"y", y}, {{"w", w}});
        require_rank(where, "w", w.shape(), {"V", "C"});
        check_tokens(where, token, w.shape(0));
        resize(y, with_features(token.shape(), w.shape(1)));
        EmbeddingKernels<Place>::forward(rows(w), entries(token), rows(y));
    }
    /// The same, as a new tensor.
    static Tensor embedding_forward(const Tensor& w, const Labels& token) {
        Tensor y;
        embedding_forward(w, token, y);
        return y;
    }

    /// dw, of the shape of w, which is (V, C), overwritten or added to. @throws ShapeError, AliasError
    static void embedding_backward(const Tensor& dy, const Labels& token, const Shape& shape_of_w, Tensor& dw,
                                   Accumulate mode = Accumulate::no) {
        const auto where = "embedding_backward";
        require_apart(where, {"dw", dw}, {{"dy", dy}});
        require_rank(where, "w", shape_of_w, {"V", "C"});
        require_shape(where, "dy", dy.shape(), with_features(token.shape(), shape_of_w[1]));
        check_tokens(where, token, shape_of_w[0]);
        prepare_gradient(where, "dw", dw, shape_of_w, mode);
        on_fast_kernels<Place>(
            [&](auto place) { EmbeddingKernels<decltype(place)>::backward(rows(dy), entries(token), rows(dw), mode); });
    }
    /// The same, as a new tensor.
    static Tensor embedding_backward(const Tensor& dy, const Labels& token, const Shape& shape_of_w) {
        Tensor dw;
        embedding_backward(dy, token, shape_of_w, dw);
        return dw;
    }

private:
    /// The shape of the tokens with one more axis, of `features` numbers.
    static Shape with_features(Shape token, std::size_t features) {
        token.push_back(features);
        return token;
    }

    /// Checks that every token is in 0 .. vocabulary-1. Not on a GPU, because the check would wait for a kernel.
    static void check_tokens(std::string_view where, const Labels& token, std::size_t vocabulary) {
        if constexpr (std::is_same_v<Place, OnDevice>) {
            if (device::is_gpu()) { return; }
            const std::size_t wrong = CrossEntropyKernels<OnDevice>::first_wrong_label(entries(token), vocabulary);
            if (wrong < token.size()) {
                std::int64_t value;
                device::copy_to_host(token.data() + wrong, &value, sizeof(value));
                refuse_token(where, wrong, token.shape(), value, vocabulary);
            }
        } else {
            for (std::size_t n = 0; n < token.size(); ++n) {
                const std::int64_t value = token.data()[n];
                if (static_cast<std::uint64_t>(value) >= vocabulary) { // a negative one becomes 2^63 or more
                    refuse_token(where, n, token.shape(), value, vocabulary);
                }
            }
        }
    }
};

HANDGRAD_CALL_AS(EmbeddingOperations, embedding_forward)
HANDGRAD_CALL_AS(EmbeddingOperations, embedding_backward)

} // namespace handgrad

#include "handgrad/ops/embedding/reference.hpp" // the kernels of the reference are templates
