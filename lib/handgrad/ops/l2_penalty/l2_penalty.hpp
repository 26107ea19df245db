#pragma once
/// @file
/// # L2 penalty
///
/// Forward: \f$ L = \frac{\lambda}{2} \sum_i w_i^2 \f$. Backward: \f$ dw_i = \lambda w_i \f$; the half is there so that
/// no 2 is left in the gradient. w has any shape, dw the same, and dw may be w itself. PyTorch's optimisers call lambda
/// `weight_decay`. Source: Lecture 13, part D (whose code, like this, penalises weights and not biases).
