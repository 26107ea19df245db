#pragma once
/// @file
/// # Softmax cross-entropy
///
/// Forward, from scores z and the true classes y:
/// \f[ L = -\frac1N \sum_n \log p_{n y_n} = \frac1N \sum_n \Bigl( \log \sum_j e^{z_{nj}} - z_{n y_n} \Bigr),
///     \qquad p = \mathrm{softmax}(z). \f]
/// The logarithm is the natural one, and the row's maximum is subtracted first; log(p) itself is never taken, so a
/// probability that underflows costs no accuracy. It takes scores, not probabilities: no softmax before it.
///
/// Backward: \f$ \partial \log \sum_j e^{z_j} / \partial z_k = p_k \f$ and \f$ \partial z_y / \partial z_k = 1[k=y] \f$,
/// so \f$ dz_{nk} = (p_{nk} - 1[k = y_n]) / N \f$.
///
/// | name  | shape  | meaning |
/// | ----- | ------ | ------- |
/// | z, dz | (N, K) | scores, and dL/dz |
/// | y     | (N,)   | true classes, 0 .. K-1 |
/// | p     | (N, K) | softmax(z): forward returns it, backward needs it |
/// | L     | scalar | the mean loss of the batch, in nats |
///
/// In place: dz may be p, but p may not be z, of which the loss is computed when p is there already. Throws ShapeError
/// where the shapes do not fit, for an empty batch, and for a label outside 0 .. K-1, and AliasError where p is z.
///
/// **The class that is chosen** is the one with the largest score, the first one of equals. A NaN is larger than every
/// number, infinity included, and the first of several NaN is chosen: torch.argmax has it so. count_correct counts the
/// rows where that is the true class.
/// Source: Lecture 13, parts B and D; torch.nn.functional.cross_entropy with its defaults.

#include "handgrad/ops/aliasing.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad {

/// Checks z (or p) and the labels, every one of them.
void check_cross_entropy(std::string_view where, const Shape& z, const Labels& y);
/// The same but for the labels themselves, which a GPU's memory may hold.
void check_cross_entropy_shapes(std::string_view where, const Shape& z, const Shape& y);

/// Demands that forward's p is not z. @throws AliasError
template <class X> void require_cross_entropy_apart(const X& z, const X& p) {
    require_apart("cross_entropy_forward", {"p", p}, {{"z", z}});
}

/// The class that is chosen of these scores, one for each of the classes 0 .. classes-1: see above.
template <class T> std::size_t argmax(const T* scores, std::size_t classes) {
    std::size_t best = 0;
    for (std::size_t k = 1; k < classes; ++k) {
        const bool is_first_nan = scores[k] != scores[k] && scores[best] == scores[best];
        if (scores[k] > scores[best] || is_first_nan) { best = k; }
    }
    return best;
}

} // namespace handgrad
