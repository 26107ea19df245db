#pragma once
/// @file
/// # Convolution, ReLU and 2 x 2 max-pooling in one
///
/// Forward: \f$ z = w * x + b,\ h = \max(z, 0),\ y = \f$ max-pooling of h by windows of 2 x 2 side by side: the same
/// numbers as conv2d, relu and max_pool2d one after another. Fused, because z and h are four times as large as y, and
/// memory is slower than arithmetic: they never leave the registers.
///
/// Backward: the chain rule through the three. Of each window only the winner has a gradient, and only if it is above 0:
/// \f[ dz_{nkij} = dy_{nkpq} \text{ if } (i, j) \text{ won window } (p, q) \text{ and } y_{nkpq} > 0, \text{ else } 0, \f]
/// and dw, db and dx follow from dz as in conv2d.hpp: its zeros are factors like any other number, so that a 0
/// times an x or w that is infinite or NaN is NaN.
///
/// | name  | shape               | meaning |
/// | ----- | ------------------- | ------- |
/// | x, dx | (N, C, H, W)        | a batch of images, and dL/dx |
/// | w, dw | (K, C/G, R, S)      | kernels, and dL/dw |
/// | b, db | (K,), or (0,) for none | the bias, and dL/db |
/// | y, dy | (N, K, P/2, Q/2)    | the result, P x Q being the convolution's; and dL/dy. Halves are rounded down |
/// | winners | the backend's own | which of the four won: 0, 1, 2, 3 in row-major order, or 4 for y = 0 |
///
/// Backward needs x, w and winners, the latter from the same backend. Ties and NaN as relu and max_pool2d have them.
/// Throws ShapeError where conv2d would, or where the convolution's result is smaller than one window, and AliasError
/// where a result (y, winners, dx, dw, db) shares memory with an argument or another result of the same call.
/// Source: as conv2d.hpp and contract/pool2d.hpp.

#include "handgrad/ops/conv2d/conv2d.hpp"

namespace handgrad {

/// The shapes of the convolution's result and of y, (N, K, P, Q) and (N, K, P/2, Q/2).
struct Conv2dReluMaxPool2dShapes {
    Shape z; ///< of the convolution's result
    Shape y; ///< of the result
};

/// Checks the arguments of conv2d_relu_max_pool2d_forward.
Conv2dReluMaxPool2dShapes check_conv2d_relu_max_pool2d_forward(const Shape& x, const Shape& w, const Shape& b,
                                                               const Conv2dOptions& options);
/// Checks the arguments of a backward operation called `where`: dy must be y's shape for this x and w.
Conv2dReluMaxPool2dShapes check_conv2d_relu_max_pool2d_backward(std::string_view where, const Shape& x, const Shape& w,
                                                                const Shape& dy, const Conv2dOptions& options);

// The same for the tensors of any backend, the results included, which must be apart from the others and each other.

/// Checks conv2d_relu_max_pool2d_forward's tensors. @throws ShapeError, AliasError
template <class X> Conv2dReluMaxPool2dShapes check_conv2d_relu_max_pool2d_forward(const X& x, const X& w, const X& b,
                                                                                  const Conv2dOptions& options,
                                                                                  const X& y, const X& winners) {
    const auto where = "conv2d_relu_max_pool2d_forward";
    require_apart(where, {"y", y}, {{"x", x}, {"w", w}, {"b", b}, {"winners", winners}});
    require_apart(where, {"winners", winners}, {{"x", x}, {"w", w}, {"b", b}});
    return check_conv2d_relu_max_pool2d_forward(x.shape(), w.shape(), b.shape(), options);
}
/// Checks the tensors of conv2d_relu_max_pool2d_backward_input, called `where`. @throws ShapeError, AliasError
template <class X> Conv2dReluMaxPool2dShapes
check_conv2d_relu_max_pool2d_backward_input(std::string_view where, const X& dy, const X& winners, const X& w,
                                            const Shape& shape_of_x, const Conv2dOptions& options, const X& dx) {
    require_apart(where, {"dx", dx}, {{"dy", dy}, {"winners", winners}, {"w", w}});
    return check_conv2d_relu_max_pool2d_backward(where, shape_of_x, w.shape(), dy.shape(), options);
}
/// Checks the tensors of conv2d_relu_max_pool2d_backward_parameters, called `where`. @throws ShapeError, AliasError
template <class X> Conv2dReluMaxPool2dShapes
check_conv2d_relu_max_pool2d_backward_parameters(std::string_view where, const X& x, const X& dy, const X& winners,
                                                 const Shape& shape_of_w, const Conv2dOptions& options, const X& dw,
                                                 const X& db) {
    require_apart(where, {"dw", dw}, {{"x", x}, {"dy", dy}, {"winners", winners}, {"db", db}});
    require_apart(where, {"db", db}, {{"x", x}, {"dy", dy}, {"winners", winners}});
    return check_conv2d_relu_max_pool2d_backward(where, x.shape(), shape_of_w, dy.shape(), options);
}

} // namespace handgrad
