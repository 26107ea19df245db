#pragma once
/// @file
/// # Convolution, ReLU and 2 x 2 max-pooling in one
///
/// **Formulas.** The same numbers as conv2d, relu and max_pool2d one after another, with windows of 2 x 2 side by side:
/// \f[ z = \text{conv2d}(x, w, b), \qquad o = \max(z, 0), \qquad
///     y_{nkpq} = \max_{r,s \in \{0, 1\}} o_{nk,\,2p+r,\,2q+s}. \f]
/// In each window only the winner has a gradient, and only if it is positive:
/// \f[ dz_{nkhw} = dy_{nkpq}\; 1[(h, w) = \text{winner}_{nkpq}]\; 1[y_{nkpq} > 0], \f]
/// and dw, db and dx follow from dz as in conv2d.hpp. The zeros of dz are factors like any other number: 0 times an x
/// or w that is infinite or NaN is NaN.
///
/// z and o are four times as large as y, and memory is slower than arithmetic. The fused operation keeps them in
/// registers.
///
/// **Shapes.**
/// | name  | shape               | meaning |
/// | ----- | ------------------- | ------- |
/// | x, dx | (N, C_in, H, W)     | a batch of images, and dL/dx |
/// | w, dw | (C_out, C_in/groups, R, S) | kernels, and dL/dw |
/// | b, db | (C_out,), or (0,) for none | the bias, and dL/db |
/// | y, dy | (N, C_out, P/2, Q/2) | the result, P x Q being the convolution's; and dL/dy. Halves are rounded down |
/// | winners | the backend's own | the winner of each window: 0, 1, 2, 3 in row-major order, or 4 for y = 0 |
///
/// **Memory.** Backward needs x, w and winners, the latter from the same backend. Ties and NaN are treated as in relu
/// and max_pool2d.
///
/// **Errors.** Throws ShapeError as conv2d does, or if the convolution's result is smaller than one window, and
/// AliasError if a result (y, winners, dx, dw, db) shares memory with an argument or another result of the same call.
///
/// **Source.** As conv2d.hpp and pool2d.hpp.
//
// The derivation, step by step: conv2d_relu_max_pool2d.md.

#include "handgrad/ops/conv2d/conv2d.hpp"

namespace handgrad {

/// The kernels of conv2d_relu_max_pool2d, on views whose shapes fit. Each backend defines them in a file of its own.
/// @note z is P x Q, the size of the convolution's result, which may be odd and does not follow from the size of y
template <class Place> struct Conv2dReluMaxPool2dKernels {
    /// The shape of winners, the backend's own, for a y of shape (N, C_out, P/2, Q/2).
    template <class T> static Shape winners_shape(const Shape& y);
    /// y = max-pooling of max(w * x + b, 0), and the winners; b has shape (C_out,), or (0,) for no bias.
    template <class T> static void forward(ImagesView<const T> x, ImagesView<const T> w, VectorView<const T> b,
                                           const Conv2dOptions& options, Size2d z, ImagesView<T> y,
                                           VectorView<T> winners);
    /// dx, overwritten.
    template <class T> static void backward_input(ImagesView<const T> dy, VectorView<const T> winners,
                                                  ImagesView<const T> w, const Conv2dOptions& options, Size2d z,
                                                  ImagesView<T> dx);
    /// dw and db, overwritten or added to.
    template <class T> static void backward_parameters(ImagesView<const T> x, ImagesView<const T> dy,
                                                       VectorView<const T> winners, const Conv2dOptions& options,
                                                       Size2d z, ImagesView<T> dw, VectorView<T> db, Accumulate mode);
};

/// The shapes of the convolution's result and of y, (N, C_out, P, Q) and (N, C_out, P/2, Q/2).
struct Conv2dReluMaxPool2dShapes {
    Shape z; ///< of the convolution's result
    Shape y; ///< of the result
};

/// Checks the shapes of conv2d_relu_max_pool2d_forward's arguments. @throws ShapeError
Conv2dReluMaxPool2dShapes check_conv2d_relu_max_pool2d_forward(const Shape& x, const Shape& w, const Shape& b,
                                                               const Conv2dOptions& options);
/// Checks the shapes of the arguments of a backward operation called `where`: dy must have y's shape for this x and w.
/// @throws ShapeError
Conv2dReluMaxPool2dShapes check_conv2d_relu_max_pool2d_backward(std::string_view where, const Shape& x, const Shape& w,
                                                                const Shape& dy, const Conv2dOptions& options);

/// conv2d_relu_max_pool2d, for all backends.
template <class Place, class T> struct Conv2dReluMaxPool2dOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    /// y = max-pooling of max(w * x + b, 0), and the winners. @throws ShapeError, AliasError
    static void conv2d_relu_max_pool2d_forward(const Tensor& x, const Tensor& w, const Tensor& b,
                                               const Conv2dOptions& options, Tensor& y, Tensor& winners) {
        const auto where = "conv2d_relu_max_pool2d_forward";
        require_apart(where, {"y", y}, {{"x", x}, {"w", w}, {"b", b}, {"winners", winners}});
        require_apart(where, {"winners", winners}, {{"x", x}, {"w", w}, {"b", b}});
        const auto shapes = check_conv2d_relu_max_pool2d_forward(x.shape(), w.shape(), b.shape(), options);
        resize(y, shapes.y);
        on_fast_kernels<Place>([&](auto place) {
            using Kernels = Conv2dReluMaxPool2dKernels<decltype(place)>;
            resize(winners, Kernels::template winners_shape<T>(shapes.y));
            Kernels::forward(images(x), images(w), entries(b), options, {shapes.z[2], shapes.z[3]}, images(y),
                             entries(winners));
        });
    }

    /// dx, given dy (N, C_out, P/2, Q/2), winners, w and x's shape; dx (N, C_in, H, W), overwritten.
    /// @throws ShapeError, AliasError
    static void conv2d_relu_max_pool2d_backward_input(const Tensor& dy, const Tensor& winners, const Tensor& w,
                                                      const Shape& shape_of_x, const Conv2dOptions& options,
                                                      Tensor& dx) {
        const auto where = "conv2d_relu_max_pool2d_backward_input";
        require_apart(where, {"dx", dx}, {{"dy", dy}, {"winners", winners}, {"w", w}});
        const Shape z = check_conv2d_relu_max_pool2d_backward(where, shape_of_x, w.shape(), dy.shape(), options).z;
        on_fast_kernels<Place>([&](auto place) {
            using Kernels = Conv2dReluMaxPool2dKernels<decltype(place)>;
            require_shape(where, "winners", winners.shape(), Kernels::template winners_shape<T>(dy.shape()));
            resize(dx, shape_of_x);
            Kernels::backward_input(images(dy), entries(winners), images(w), options, {z[2], z[3]}, images(dx));
        });
    }

    /// dw and db, given x, dy, winners and w's shape; dw (C_out, C_in/groups, R, S) and db (C_out,), overwritten or
    /// added to.
    /// @throws ShapeError, AliasError
    static void conv2d_relu_max_pool2d_backward_parameters(const Tensor& x, const Tensor& dy, const Tensor& winners,
                                                           const Shape& shape_of_w, const Conv2dOptions& options,
                                                           Tensor& dw, Tensor& db, Accumulate mode = Accumulate::no) {
        const auto where = "conv2d_relu_max_pool2d_backward_parameters";
        require_apart(where, {"dw", dw}, {{"x", x}, {"dy", dy}, {"winners", winners}, {"db", db}});
        require_apart(where, {"db", db}, {{"x", x}, {"dy", dy}, {"winners", winners}});
        const Shape z = check_conv2d_relu_max_pool2d_backward(where, x.shape(), shape_of_w, dy.shape(), options).z;
        on_fast_kernels<Place>([&](auto place) {
            using Kernels = Conv2dReluMaxPool2dKernels<decltype(place)>;
            require_shape(where, "winners", winners.shape(), Kernels::template winners_shape<T>(dy.shape()));
            prepare_gradient(where, "dw", dw, shape_of_w, mode);
            prepare_gradient(where, "db", db, {shape_of_w[0]}, mode);
            Kernels::backward_parameters(images(x), images(dy), entries(winners), options, {z[2], z[3]}, images(dw),
                                         entries(db), mode);
        });
    }
};

HANDGRAD_CALL_AS(Conv2dReluMaxPool2dOperations, conv2d_relu_max_pool2d_forward)
HANDGRAD_CALL_AS(Conv2dReluMaxPool2dOperations, conv2d_relu_max_pool2d_backward_input)
HANDGRAD_CALL_AS(Conv2dReluMaxPool2dOperations, conv2d_relu_max_pool2d_backward_parameters)

} // namespace handgrad

#include "handgrad/ops/conv2d_relu_max_pool2d/reference.hpp" // the kernels of the reference are templates
