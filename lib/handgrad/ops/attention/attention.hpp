#pragma once
/// @file
/// # Attention
///
/// **Formulas.** A token t has a query \f$ q_t \f$, a key \f$ k_t \f$ and a value \f$ v_t \f$, rows of D numbers
/// each. In every sequence and every head,
/// \f[ z_{ts} = \frac{1}{\sqrt D} \sum_c q_{tc}\, k_{sc}, \qquad
///     p_{ts} = \frac{e^{z_{ts}}}{\sum_r e^{z_{tr}}}, \qquad
///     y_{tc} = \sum_s p_{ts}\, v_{sc}. \f]
/// With the causal mask a token looks at itself and at earlier tokens only: the sums over s and r end at t, and
/// \f$ p_{ts} = 0 \f$ for s > t. Backward:
/// \f[ dp_{ts} = \sum_c dy_{tc}\, v_{sc}, \qquad
///     dz_{ts} = p_{ts} \Bigl( dp_{ts} - \sum_r dp_{tr}\, p_{tr} \Bigr), \f]
/// \f[ dq_{tc} = \frac{1}{\sqrt D} \sum_s dz_{ts}\, k_{sc}, \qquad
///     dk_{sc} = \frac{1}{\sqrt D} \sum_t dz_{ts}\, q_{tc}, \qquad
///     dv_{sc} = \sum_t p_{ts}\, dy_{tc}. \f]
/// The largest score of a row is subtracted first; it cancels in p, and no exponential can overflow.
///
/// **Shapes.**
/// | name      | shape            | meaning |
/// | --------- | ---------------- | ------- |
/// | qkv, dqkv | (B, T, 3 C)      | queries, keys and values of T tokens in B sequences, C numbers each; and dL/dqkv |
/// | p         | (B, heads, T, T) | p(b, head, t, s): the weight of token s for token t, which forward returns |
/// | y, dy     | (B, T, C)        | result and upstream gradient |
///
/// The C numbers of a query, a key, a value and a result are divided among the heads: head 0 has the first
/// D = C / heads of them.
///
/// **Keys and values that are kept.** A model that writes needs the result of the last token alone, and the keys and
/// values of all tokens before it. attention_append keeps both: keys (B, C, length) has a column for each token, so that
/// a query meets the same number of all keys side by side in memory, and values (B, length, C) a row. It writes those
/// of T new tokens behind the first `past` ones, and computes the results of the new tokens, with the causal mask. In
/// `reference` they are those of attention_forward for all past + T tokens, bit for bit. There is no backward.
///
/// **Memory.** Backward needs qkv and p. No result may replace an argument.
///
/// **Errors.** Throws ShapeError if the shapes do not fit, and if heads does not divide C; AliasError if a result
/// shares memory with an argument or another result of the same call.
///
/// **Source.** Vaswani et al., Attention Is All You Need (2017), arXiv:1706.03762, section 3.2;
/// torch.nn.functional.scaled_dot_product_attention.
//
// The derivation, step by step: attention.md.

#include "handgrad/ops/contract.hpp"

namespace handgrad {

/// The tokens at which a token may look.
enum class Mask {
    none,  ///< all tokens of its sequence
    causal ///< itself and the tokens before it
};

/// The extents of attention.
struct AttentionExtents {
    std::size_t batch;    ///< number B of sequences
    std::size_t tokens;   ///< number T of tokens in a sequence
    std::size_t heads;    ///< number of heads
    std::size_t features; ///< number D of numbers that a head has of a query, key or value
    bool causal;          ///< whether the mask is causal
    /// The number C of numbers in a query, key or value.
    HANDGRAD_HOST_DEVICE std::size_t width() const { return heads * features; }
    /// The number of tokens at which token t looks: 0 .. visible(t) - 1.
    HANDGRAD_HOST_DEVICE std::size_t visible(std::size_t t) const { return causal ? t + 1 : tokens; }
};

/// The tokens whose keys and values are kept.
struct KeptTokens {
    std::size_t past;   ///< number of tokens that are there
    std::size_t length; ///< number of tokens for which there is room
};

/// The kernels of attention. qkv and dqkv have B T rows of 3 C numbers, y and dy have B T rows of C.
template <class Place> struct AttentionKernels {
    /// p and y.
    template <class T>
    static void forward(const AttentionExtents& e, MatrixView<const T> qkv, ImagesView<T> p, MatrixView<T> y);
    /// dqkv.
    template <class T> static void backward(const AttentionExtents& e, MatrixView<const T> qkv, ImagesView<const T> p,
                                            MatrixView<const T> dy, MatrixView<T> dqkv);
    /// keys, B C rows of `kept.length` numbers; values, B `kept.length` rows of C; and y.
    template <class T> static void append(const AttentionExtents& e, const KeptTokens& kept, MatrixView<const T> qkv,
                                          MatrixView<T> keys, MatrixView<T> values, MatrixView<T> y);
};

/// Checks qkv on behalf of `where`, and returns all extents. @throws ShapeError
AttentionExtents attention_extents(std::string_view where, const Shape& qkv, std::size_t heads, Mask mask);

/// Checks keys and values on behalf of `where`, and returns their length. @throws ShapeError
KeptTokens kept_tokens(std::string_view where, const AttentionExtents& e, std::size_t past, const Shape& keys,
                       const Shape& values);

/// The results of attention_forward.
template <class Tensor> struct AttentionResult {
    Tensor y; ///< (B, T, C)
    Tensor p; ///< (B, heads, T, T), the probabilities
};

/// Attention, for all backends.
template <class Place, class T> struct AttentionOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    using AttentionResult = handgrad::AttentionResult<Tensor>; ///< type of both results together

    /// y (B, T, C) and p (B, heads, T, T) of qkv (B, T, 3 C); `heads` divides C. @throws ShapeError, AliasError
    static void attention_forward(const Tensor& qkv, std::size_t heads, Mask mask, Tensor& y, Tensor& p) {
        const auto where = "attention_forward";
        require_apart(where, {"y", y}, {{"qkv", qkv}, {"p", p}});
        require_apart(where, {"p", p}, {{"qkv", qkv}});
        const AttentionExtents e = attention_extents(where, qkv.shape(), heads, mask);
        resize(y, {e.batch, e.tokens, e.width()});
        resize(p, {e.batch, e.heads, e.tokens, e.tokens});
        on_fast_kernels<Place>(
            [&](auto place) { AttentionKernels<decltype(place)>::forward(e, rows(qkv), images(p), rows(y)); });
    }
    /// The same, as new tensors.
    static AttentionResult attention_forward(const Tensor& qkv, std::size_t heads, Mask mask) {
        AttentionResult result;
        attention_forward(qkv, heads, mask, result.y, result.p);
        return result;
    }

    /// dqkv (B, T, 3 C), overwritten, given p of forward and dy (B, T, C). @throws ShapeError, AliasError
    static void attention_backward(const Tensor& qkv, std::size_t heads, Mask mask, const Tensor& p, const Tensor& dy,
                                   Tensor& dqkv) {
        const auto where = "attention_backward";
        require_apart(where, {"dqkv", dqkv}, {{"qkv", qkv}, {"p", p}, {"dy", dy}});
        const AttentionExtents e = attention_extents(where, qkv.shape(), heads, mask);
        require_shape(where, "p", p.shape(), {e.batch, e.heads, e.tokens, e.tokens});
        require_shape(where, "dy", dy.shape(), {e.batch, e.tokens, e.width()});
        resize(dqkv, qkv.shape());
        on_fast_kernels<Place>([&](auto place) {
            AttentionKernels<decltype(place)>::backward(e, rows(qkv), images(p), rows(dy), rows(dqkv));
        });
    }
    /// The same, as a new tensor.
    static Tensor attention_backward(const Tensor& qkv, std::size_t heads, Mask mask, const Tensor& p,
                                     const Tensor& dy) {
        Tensor dqkv;
        attention_backward(qkv, heads, mask, p, dy, dqkv);
        return dqkv;
    }

    /// y (B, T, C) of T new tokens with the causal mask, given qkv (B, T, 3 C) of the new tokens and the keys
    /// (B, C, length) and values (B, length, C) of the `past` tokens before them. Adds the new keys and values to those
    /// that are kept; what stands behind them does not matter. @throws ShapeError, AliasError
    static void attention_append(const Tensor& qkv, std::size_t heads, std::size_t past, Tensor& keys, Tensor& values,
                                 Tensor& y) {
        const auto where = "attention_append";
        require_apart(where, {"y", y}, {{"qkv", qkv}, {"keys", keys}, {"values", values}});
        require_apart(where, {"keys", keys}, {{"qkv", qkv}, {"values", values}});
        require_apart(where, {"values", values}, {{"qkv", qkv}});
        const AttentionExtents e = attention_extents(where, qkv.shape(), heads, Mask::causal);
        const KeptTokens kept = kept_tokens(where, e, past, keys.shape(), values.shape());
        resize(y, {e.batch, e.tokens, e.width()});
        on_fast_kernels<Place>([&](auto place) {
            AttentionKernels<decltype(place)>::append(e, kept, rows(qkv), rows(keys), rows(values), rows(y));
        });
    }
};

HANDGRAD_CALL_AS(AttentionOperations, attention_forward)
HANDGRAD_CALL_AS(AttentionOperations, attention_backward)
HANDGRAD_CALL_AS(AttentionOperations, attention_append)

} // namespace handgrad

#include "handgrad/ops/attention/reference.hpp" // the kernels of the reference are templates
