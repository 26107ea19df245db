#pragma once
/// @file
/// # Convolution
///
/// **Formulas.** An output reads the pixel
/// \f[ h = \text{stride} \cdot p + \text{dilation} \cdot r - \text{padding}, \qquad
///     w = \text{stride} \cdot q + \text{dilation} \cdot s - \text{padding}, \f]
/// where rows and columns may have a stride, padding and dilation each. With one group,
/// \f[ y_{nkpq} = b_k + \sum_{c,r,s} w_{kcrs}\, x_{nchw}, \qquad dw_{kcrs} = \sum_{n,p,q} dy_{nkpq}\, x_{nchw}, \qquad
///     db_k = \sum_{n,p,q} dy_{nkpq}, \f]
/// \f[ dx_{nchw} = \sum_{k,p,q} \sum_{r,s} dy_{nkpq}\, w_{kcrs}\; 1[\text{output } (p, q) \text{ reads } (h, w)
///     \text{ with the weight } (r, s)]. \f]
/// As in all of deep learning forward is a correlation: the kernel is not flipped. With groups, the channels of x and y
/// are divided into parts of equal size, and an output channel sees only the input channels of its own part.
///
/// A pixel outside the image makes no product with w or dy. All other products count, those with a factor 0 too, and
/// 0 times infinity is NaN.
///
/// **Shapes.**
/// | name  | shape               | meaning |
/// | ----- | ------------------- | ------- |
/// | x, dx | (N, C_in, H, W)     | a batch of images, and dL/dx |
/// | w, dw | (C_out, C_in/groups, R, S) | C_out kernels, PyTorch's layout, and dL/dw |
/// | b, db | (C_out,), or (0,) for none | the bias, and dL/db |
/// | y, dy | (N, C_out, P, Q)    | the result, and dL/dy |
///
/// \f[ P = \Bigl\lfloor
///     \frac{H + 2\, \text{padding} - \text{dilation} \cdot (R - 1) - 1}{\text{stride}} \Bigr\rfloor + 1, \f]
/// and Q follows from W and S in the same way.
///
/// **Memory.** Backward needs x and w; nothing else is kept.
///
/// **Errors.** Throws ShapeError if shapes or options do not fit, a kernel is larger than the padded image, or a
/// stride or dilation is 0, and AliasError if a result (y, dx, dw, db) shares memory with an argument of the same
/// call.
///
/// **Source.** Lecture 13, part A; V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning",
/// arXiv:1603.07285 (2016).
//
// The derivation, step by step: conv2d.md.

#include "handgrad/ops/contract.hpp"
#include "handgrad/ops/size2d.hpp"

namespace handgrad {

/// The kernel with which the cpu backend computes a convolution. They agree up to rounding.
enum class ConvAlgorithm {
    automatic,     ///< the kernel that is expected to be fastest for these shapes
    im2col,        ///< every window becomes the column of a matrix; then one matrix product an image. Any shape
    direct,        ///< no matrix: several images at once, one in each lane of a SIMD register. For batches
    channels_last, ///< no matrix: several channels at once, in each lane one. One group, dilation 1
    winograd       ///< fewer multiplications: 16 instead of 36 for 2 x 2 results of a 3 x 3 kernel with stride 1
};

/// The options of torch.nn.Conv2d, with its defaults.
struct Conv2dOptions {
    Size2d stride = 1;                                  ///< pixels from one window to the next
    Size2d padding = 0;                                 ///< zeros added around the image, on each side
    Size2d dilation = 1;                                ///< pixels from one tap of the kernel to the next
    std::size_t groups = 1;                             ///< number of parts into which the channels are divided
    ConvAlgorithm algorithm = ConvAlgorithm::automatic; ///< has no effect on the mathematics
};

/// The kernels of conv2d, on views whose shapes fit. Each backend defines them in a file of its own.
template <class Place> struct Conv2dKernels {
    /// y = w * x + b; b has shape (C_out,), or (0,) for no bias.
    template <class T> static void forward(ImagesView<const T> x, ImagesView<const T> w, VectorView<const T> b,
                                           const Conv2dOptions& options, ImagesView<T> y);
    /// dx, overwritten.
    template <class T> static void backward_input(ImagesView<const T> dy, ImagesView<const T> w,
                                                  const Conv2dOptions& options, ImagesView<T> dx);
    /// dw, overwritten or added to.
    template <class T> static void backward_weight(ImagesView<const T> x, ImagesView<const T> dy,
                                                   const Conv2dOptions& options, ImagesView<T> dw, Accumulate mode);
    /// db, overwritten or added to.
    template <class T> static void backward_bias(ImagesView<const T> dy, VectorView<T> db, Accumulate mode);
};

/// Checks the kernel's size, stride, padding and dilation by themselves, on behalf of `where`. @throws ShapeError
void check_conv2d_options(std::string_view where, Size2d kernel_size, const Conv2dOptions& options);
/// Checks x against w on behalf of `where`, and returns y's shape, (N, C_out, P, Q). @throws ShapeError
Shape conv2d_shape(std::string_view where, const Shape& x, const Shape& w, const Conv2dOptions& options);
/// Checks the shapes of conv2d_forward's arguments and returns y's shape, (N, C_out, P, Q). @throws ShapeError
Shape check_conv2d_forward(const Shape& x, const Shape& w, const Shape& b, const Conv2dOptions& options);

/// The gradients of conv2d: shapes as x, w and b.
template <class Tensor> struct Conv2dGradients {
    Tensor dx; ///< dL/dx, (N, C_in, H, W)
    Tensor dw; ///< dL/dw, (C_out, C_in/groups, R, S)
    Tensor db; ///< dL/db, (C_out,)
};

/// conv2d, for all backends.
template <class Place, class T> struct Conv2dOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    using Conv2dGradients = handgrad::Conv2dGradients<Tensor>; ///< type of all gradients together

    /// y = w * x + b: x (N, C_in, H, W), w (C_out, C_in/groups, R, S), b (C_out,) or (0,), y (N, C_out, P, Q).
    /// @throws ShapeError, AliasError
    static void conv2d_forward(const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options,
                               Tensor& y) {
        require_apart("conv2d_forward", {"y", y}, {{"x", x}, {"w", w}, {"b", b}});
        resize(y, check_conv2d_forward(x.shape(), w.shape(), b.shape(), options));
        on_fast_kernels<Place>([&](auto place) {
            Conv2dKernels<decltype(place)>::forward(images(x), images(w), entries(b), options, images(y));
        });
    }
    /// The same, as a new tensor.
    static Tensor conv2d_forward(const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options = {}) {
        Tensor y;
        conv2d_forward(x, w, b, options, y);
        return y;
    }

    /// dx, given dy (N, C_out, P, Q), w (C_out, C_in/groups, R, S) and x's shape; dx (N, C_in, H, W), overwritten.
    /// @throws ShapeError, AliasError
    static void conv2d_backward_input(const Tensor& dy, const Tensor& w, const Shape& shape_of_x,
                                      const Conv2dOptions& options, Tensor& dx) {
        const auto where = "conv2d_backward_input";
        require_apart(where, {"dx", dx}, {{"dy", dy}, {"w", w}});
        require_shape(where, "dy", dy.shape(), conv2d_shape(where, shape_of_x, w.shape(), options));
        resize(dx, shape_of_x);
        on_fast_kernels<Place>([&](auto place) {
            Conv2dKernels<decltype(place)>::backward_input(images(dy), images(w), options, images(dx));
        });
    }

    /// dw, given x (N, C_in, H, W), dy (N, C_out, P, Q) and w's shape; dw (C_out, C_in/groups, R, S), overwritten or
    /// added to.
    /// @throws ShapeError, AliasError
    static void conv2d_backward_weight(const Tensor& x, const Tensor& dy, const Shape& shape_of_w,
                                       const Conv2dOptions& options, Tensor& dw, Accumulate mode = Accumulate::no) {
        const auto where = "conv2d_backward_weight";
        require_apart(where, {"dw", dw}, {{"x", x}, {"dy", dy}});
        require_shape(where, "dy", dy.shape(), conv2d_shape(where, x.shape(), shape_of_w, options));
        prepare_gradient(where, "dw", dw, shape_of_w, mode);
        on_fast_kernels<Place>([&](auto place) {
            Conv2dKernels<decltype(place)>::backward_weight(images(x), images(dy), options, images(dw), mode);
        });
    }

    /// db_k = sum over n, p, q of dy_nkpq: dy (N, C_out, P, Q), db (C_out,), overwritten or added to.
    /// @throws ShapeError, AliasError
    static void conv2d_backward_bias(const Tensor& dy, Tensor& db, Accumulate mode = Accumulate::no) {
        const auto where = "conv2d_backward_bias";
        require_apart(where, {"db", db}, {{"dy", dy}});
        require_rank(where, "dy", dy.shape(), {"N", "C_out", "P", "Q"});
        prepare_gradient(where, "db", db, {dy.shape()[1]}, mode);
        on_fast_kernels<Place>(
            [&](auto place) { Conv2dKernels<decltype(place)>::backward_bias(images(dy), entries(db), mode); });
    }

    /// All three gradients at once. They do not depend on the bias itself.
    static Conv2dGradients conv2d_backward(const Tensor& x, const Tensor& w, const Tensor& dy,
                                           const Conv2dOptions& options = {}) {
        Conv2dGradients g;
        conv2d_backward_input(dy, w, x.shape(), options, g.dx);
        conv2d_backward_weight(x, dy, w.shape(), options, g.dw);
        conv2d_backward_bias(dy, g.db);
        return g;
    }
};

HANDGRAD_CALL_AS(Conv2dOperations, conv2d_forward)
HANDGRAD_CALL_AS(Conv2dOperations, conv2d_backward_input)
HANDGRAD_CALL_AS(Conv2dOperations, conv2d_backward_weight)
HANDGRAD_CALL_AS(Conv2dOperations, conv2d_backward_bias)
HANDGRAD_CALL_AS(Conv2dOperations, conv2d_backward)

} // namespace handgrad

#include "handgrad/ops/conv2d/reference.hpp" // the kernels of the reference are templates
