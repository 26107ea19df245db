#pragma once
/// @file
/// # Convolution
///
/// Forward, with stride \f$ \sigma \f$, padding \f$ \pi \f$ and dilation \f$ \delta \f$, one group:
/// \f[ y_{nkpq} = b_k + \sum_{c,r,s} w_{kcrs}\, x_{n,\,c,\,i,\,j}, \qquad
///     i = \sigma p + \delta r - \pi, \quad j = \sigma q + \delta s - \pi, \f]
/// where an x outside the image counts as 0. Rows and columns may have a stride, padding and dilation each. As in all of
/// deep learning this is a correlation: the kernel is not flipped. With G groups the channels are cut into G parts, and
/// the k-th output sees only the input channels of its own part.
///
/// For NaN and infinity this means: an x outside the image makes no product, here or below, whatever w or dy is. All
/// other products count, those with a factor 0 too, and 0 times infinity is NaN.
///
/// The output has \f$ P = \lfloor (H + 2\pi - \delta (R - 1) - 1) / \sigma \rfloor + 1 \f$ rows, and columns alike.
///
/// Backward: L depends on w and b only through y, so the chain rule gives
/// \f[ dw_{kcrs} = \sum_{n,p,q} dy_{nkpq} \frac{\partial y_{nkpq}}{\partial w_{kcrs}}
///               = \sum_{n,p,q} dy_{nkpq}\, x_{n,\,c,\,\sigma p + \delta r - \pi,\,\sigma q + \delta s - \pi}, \qquad
///     db_k = \sum_{n,p,q} dy_{nkpq}. \f]
/// A pixel \f$ x_{ncij} \f$ enters every y whose window covers it: those p, r with
/// \f$ \sigma p + \delta r - \pi = i \f$, and q, s alike. So
/// \f[ dx_{ncij} = \sum_{k}\ \sum_{p, r:\ \sigma p + \delta r - \pi = i}\ \sum_{q, s:\ \sigma q + \delta s - \pi = j}
///     dy_{nkpq}\, w_{kcrs}. \f]
/// For stride 1 we may solve for p: \f$ p = i - \delta r + \pi \f$. That is a convolution of dy with the kernel flipped
/// in both directions, \f$ r \to R - 1 - r \f$, with the roles of k and c exchanged and padding
/// \f$ \delta (R - 1) - \pi \f$: the "full" correlation.
///
/// | name  | shape               | meaning |
/// | ----- | ------------------- | ------- |
/// | x, dx | (N, C, H, W)        | a batch of images with C channels, and dL/dx |
/// | w, dw | (K, C/G, R, S)      | K kernels, PyTorch's layout, and dL/dw |
/// | b, db | (K,), or (0,) for none | the bias, and dL/db |
/// | y, dy | (N, K, P, Q)        | the result, and dL/dy |
///
/// Cost: 2 N K P Q (C/G) R S operations forward, and as many for each of dw and dx. Backward needs x and w; nothing else
/// is kept. Throws ShapeError where shapes or options do not fit, a kernel is larger than the padded image, or a stride
/// or dilation is 0, and AliasError where a result (y, dx, dw, db) shares memory with an argument of the same call.
/// Source: Lecture 13, part A; V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning",
/// arXiv:1603.07285 (2016).

#include "handgrad/ops/aliasing.hpp"
#include "handgrad/ops/size2d.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad {

/// Which kernel a backend with several computes a convolution with. They agree up to rounding.
enum class ConvAlgorithm {
    automatic, ///< the one that is expected to be faster for these shapes
    im2col,    ///< every window becomes the column of a matrix; then one matrix product an image. Any shape
    direct     ///< no matrix: several images at once, one in each lane of a SIMD register. For batches
};

/// The options of torch.nn.Conv2d, with its defaults.
struct Conv2dOptions {
    Size2d stride = 1;                                  ///< pixels from one window to the next
    Size2d padding = 0;                                 ///< zeros put around the image, on each side
    Size2d dilation = 1;                                ///< pixels from one tap of the kernel to the next
    std::size_t groups = 1;                             ///< parts into which the channels are cut
    ConvAlgorithm algorithm = ConvAlgorithm::automatic; ///< has no effect on the mathematics
};

/// The gradients of conv2d: shapes as x, w and b.
template <class T> struct Conv2dGradients {
    Tensor<T> dx; ///< dL/dx, (N, C, H, W)
    Tensor<T> dw; ///< dL/dw, (K, C/G, R, S)
    Tensor<T> db; ///< dL/db, (K,)
};

/// Checks the kernel's size, stride, padding and dilation by themselves, on behalf of `where`. @throws ShapeError
void check_conv2d_options(std::string_view where, Size2d kernel_size, const Conv2dOptions& options);
/// Checks x against w on behalf of `where`, and returns y's shape, (N, K, P, Q). @throws ShapeError
Shape conv2d_shape(std::string_view where, const Shape& x, const Shape& w, const Conv2dOptions& options);
/// Checks conv2d_forward's arguments and returns y's shape, (N, K, P, Q).
Shape check_conv2d_forward(const Shape& x, const Shape& w, const Shape& b, const Conv2dOptions& options);
/// Checks the arguments of conv2d_backward_input: dy must be y's shape for this x and w. Returns x's shape.
Shape check_conv2d_backward_input(const Shape& dy, const Shape& w, const Shape& x, const Conv2dOptions& options);
/// Checks the arguments of conv2d_backward_weight: dy must be y's shape for this x and w. Returns w's shape.
Shape check_conv2d_backward_weight(const Shape& x, const Shape& dy, const Shape& w, const Conv2dOptions& options);
/// Checks the argument of conv2d_backward_bias and returns db's shape, (K,).
Shape check_conv2d_backward_bias(const Shape& dy);

// The same for the tensors of any backend, the result's included, which must be apart from the others.

/// Checks conv2d_forward's tensors and returns y's shape. @throws ShapeError, AliasError
template <class X>
Shape check_conv2d_forward(const X& x, const X& w, const X& b, const Conv2dOptions& options, const X& y) {
    require_apart("conv2d_forward", {"y", y}, {{"x", x}, {"w", w}, {"b", b}});
    return check_conv2d_forward(x.shape(), w.shape(), b.shape(), options);
}
/// Checks conv2d_backward_input's tensors and returns dx's shape. @throws ShapeError, AliasError
template <class X> Shape check_conv2d_backward_input(const X& dy, const X& w, const Shape& shape_of_x,
                                                     const Conv2dOptions& options, const X& dx) {
    require_apart("conv2d_backward_input", {"dx", dx}, {{"dy", dy}, {"w", w}});
    return check_conv2d_backward_input(dy.shape(), w.shape(), shape_of_x, options);
}
/// Checks conv2d_backward_weight's tensors and returns dw's shape. @throws ShapeError, AliasError
template <class X> Shape check_conv2d_backward_weight(const X& x, const X& dy, const Shape& shape_of_w,
                                                      const Conv2dOptions& options, const X& dw) {
    require_apart("conv2d_backward_weight", {"dw", dw}, {{"x", x}, {"dy", dy}});
    return check_conv2d_backward_weight(x.shape(), dy.shape(), shape_of_w, options);
}
/// Checks conv2d_backward_bias's tensors and returns db's shape. @throws ShapeError, AliasError
template <class X> Shape check_conv2d_backward_bias(const X& dy, const X& db) {
    require_apart("conv2d_backward_bias", {"db", db}, {{"dy", dy}});
    return check_conv2d_backward_bias(dy.shape());
}

} // namespace handgrad
