#pragma once
/// @file
/// # Softmax
///
/// Forward, for every row n: \f$ p_{nk} = e^{z_{nk}} / \sum_j e^{z_{nj}} \f$. The row's maximum is subtracted from
/// all z first: it cancels in the fraction, and no exponential can overflow.
///
/// Backward: \f$ \partial p_j / \partial z_k = p_j (1[j = k] - p_k) \f$, so
/// \f[ dz_{nk} = \sum_j dp_{nj}\, p_{nj} (1[j=k] - p_{nk}) = p_{nk} \Bigl( dp_{nk} - \sum_j dp_{nj} p_{nj} \Bigr). \f]
///
/// | name         | shape  | meaning |
/// | ------------ | ------ | ------- |
/// | z, dz        | (N, K) | scores ("logits"), and dL/dz |
/// | p, dp        | (N, K) | probabilities, each row sums to 1, and dL/dp |
///
/// Backward needs p. In place: p may be z, and dz may be dp or p. Throws ShapeError. Source: Lecture 13, parts B and D.

#include "handgrad/tensor/tensor.hpp"

namespace handgrad {

/// Checks that z is (N, K) with K > 0 and returns its shape.
Shape check_softmax_forward(const Shape& z);
/// Checks that p and dp are (N, K) with K > 0 and returns that shape.
Shape check_softmax_backward(const Shape& p, const Shape& dp);

} // namespace handgrad
