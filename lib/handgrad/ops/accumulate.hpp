#pragma once
/// @file

#include <string_view>

#include "handgrad/tensor/tensor.hpp"

namespace handgrad {

/// What an operation does with a parameter's gradient: overwrite it, or add to it as PyTorch's backward does.
enum class Accumulate { no, yes };

/// Readies the gradient `g` to be written: gives it its shape, or, where the operation is to add to it, checks that it
/// has that shape already. @throws ShapeError
template <class T> void prepare_gradient(std::string_view where, std::string_view what, Tensor<T>& g,
                                         const Shape& shape, Accumulate mode) {
    if (mode == Accumulate::yes) {
        require_shape(where, what, g.shape(), shape);
    } else {
        resize(g, shape);
    }
}

} // namespace handgrad
