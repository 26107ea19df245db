#pragma once
/// @file
/// # Activations: relu, sigmoid, tanh
///
/// Each acts on every entry alone, y_i = f(x_i), so dx_i = dy_i f'(x_i). All tensors have one shape, any shape.
///
/// | operation | forward | backward | kept |
/// | --------- | ------- | -------- | ---- |
/// | relu      | \f$ y = \max(x, 0) \f$           | \f$ dx = dy \f$ where x > 0, else 0 | x |
/// | sigmoid   | \f$ y = 1 / (1 + e^{-x}) \f$     | \f$ dx = dy\, y (1 - y) \f$         | y |
/// | tanh      | \f$ y = \tanh x \f$              | \f$ dx = dy\, (1 - y^2) \f$         | y |
///
/// At x = 0, where relu has no derivative, it takes 0; -0 stays -0, and NaN passes through both ways. All as in PyTorch.
/// sigmoid: \f$ y' = e^{-x} / (1 + e^{-x})^2 = y \cdot e^{-x}/(1+e^{-x}) = y (1 - y) \f$.
/// tanh: \f$ y = s/c \f$ with s = sinh x, c = cosh x, s' = c, c' = s, so \f$ y' = (c^2 - s^2) / c^2 = 1 - y^2 \f$.
/// In place: y may be x, and dx may be dy or what was kept. relu can go back from y as well as from x, as both are above
/// 0 at the same entries. Throws ShapeError where the shapes differ. Source: Lecture 13, parts B and D.

#include <string_view>

#include "handgrad/tensor/tensor.hpp"

namespace handgrad {

/// Checks that `kept` (x or y) and dy have one shape and returns it.
Shape check_activation_backward(std::string_view where, const Shape& kept, const Shape& dy);

} // namespace handgrad
