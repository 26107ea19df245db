#pragma once
/// @file
/// # Pooling
///
/// A window of R x S pixels moves over every channel by itself, \f$ \sigma \f$ pixels at a time:
/// place (r, s) of window (p, q) is the pixel \f$ i = \sigma p + \delta r - \pi,\ j = \sigma q + \delta s - \pi \f$.
///
/// **Max-pooling** forward: \f$ y_{ncpq} = \max_{r,s} x_{ncij} \f$ over the pixels inside the image. Let
/// \f$ m_{ncpq} \f$ be the number i W + j of the pixel that won. Locally y is that pixel, so its derivative is 1 there and
/// 0 for the others:
/// \f[ dx_{ncij} = \sum_{p,q:\ m_{ncpq} = iW + j} dy_{ncpq}, \f]
/// a sum because windows may overlap. Of equal pixels the first one in row-major order wins. A NaN wins over every number,
/// the last of several. All as PyTorch.
///
/// **Average-pooling** forward: \f$ y_{ncpq} = \frac{1}{A} \sum_{r,s} x_{ncij} \f$, zeros outside the image, no dilation.
/// A is R S, or without `count_include_pad` the number of places inside the image; what lies beyond the padding, as
/// ceil_mode may have it, is never counted. Backward gives every pixel its share:
/// \f$ dx_{ncij} = \sum_{p,q\ \mathrm{whose\ window\ covers}\ (i,j)} dy_{ncpq} / A \f$.
///
/// The output has \f$ P = \lfloor (H + 2\pi - \delta (R - 1) - 1) / \sigma \rfloor + 1 \f$ rows, columns alike. With
/// ceil_mode the fraction is rounded up, but no window may start beyond the image and its upper or left padding. There a
/// kernel may be larger than the padded image: the one window takes the pixels that there are.
///
/// | name  | shape        | meaning |
/// | ----- | ------------ | ------- |
/// | x, dx | (N, C, H, W) | a batch of images, and dL/dx |
/// | y, dy | (N, C, P, Q) | the result, and dL/dy |
/// | indices | (N, C, P, Q) | m, the winners of max-pooling, each a number 0 .. H W - 1 |
///
/// Backward needs x's shape, and for max-pooling the winners. Throws ShapeError where shapes or options do not fit: a
/// kernel larger than the padded image (with ceil_mode: larger by a stride), a stride of 0, a padding of more than half
/// the kernel, a window that holds no pixel (padding and dilation together make one; PyTorch calls its maximum minus
/// infinity, and backward then fails).
/// Throws AliasError where a result (y, dx) shares memory with an argument of the same call.
/// Source: Lecture 13, part A; documentation of torch.nn.MaxPool2d and AvgPool2d.

#include <cstdint>

#include "handgrad/ops/aliasing.hpp"
#include "handgrad/ops/size2d.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad {

/// The places of the winners of max-pooling, i W + j within their channel.
using Indices = Tensor<std::int32_t>;

/// The options of torch.nn.MaxPool2d.
struct MaxPool2dOptions {
    Size2d kernel_size;     ///< R x S
    Size2d stride;          ///< pixels from one window to the next
    Size2d padding = 0;     ///< pixels around the image that never win
    Size2d dilation = 1;    ///< pixels from one place of the window to the next
    bool ceil_mode = false; ///< round the output's size up
    /// Windows side by side: the stride is the kernel's size.
    MaxPool2dOptions(Size2d kernel) : kernel_size(kernel), stride(kernel) {}
    /// Everything chosen.
    MaxPool2dOptions(Size2d kernel, Size2d step, Size2d pad = 0, Size2d dilate = 1, bool ceil = false)
        : kernel_size(kernel), stride(step), padding(pad), dilation(dilate), ceil_mode(ceil) {}
};

/// The options of torch.nn.AvgPool2d.
struct AvgPool2dOptions {
    Size2d kernel_size;            ///< R x S
    Size2d stride;                 ///< pixels from one window to the next
    Size2d padding = 0;            ///< zeros around the image
    bool ceil_mode = false;        ///< round the output's size up
    bool count_include_pad = true; ///< whether the zeros of the padding count in the average
    /// Windows side by side: the stride is the kernel's size.
    AvgPool2dOptions(Size2d kernel) : kernel_size(kernel), stride(kernel) {}
    /// Everything chosen.
    AvgPool2dOptions(Size2d kernel, Size2d step, Size2d pad = 0, bool ceil = false, bool include_pad = true)
        : kernel_size(kernel), stride(step), padding(pad), ceil_mode(ceil), count_include_pad(include_pad) {}
};

/// What max_pool2d_forward finds, (N, C, P, Q) both.
template <class T> struct MaxPool2dResult {
    Tensor<T> y;     ///< the largest pixel of each window
    Indices indices; ///< its place
};

/// Checks the options by themselves, on behalf of `where`. @throws ShapeError
void check_pool2d_options(std::string_view where, const MaxPool2dOptions& options);
/// Checks the options by themselves, on behalf of `where`. @throws ShapeError
void check_pool2d_options(std::string_view where, const AvgPool2dOptions& options);
/// Checks max_pool2d_forward's arguments and returns y's shape, (N, C, P, Q).
Shape check_max_pool2d_forward(const Shape& x, const MaxPool2dOptions& options);
/// Checks that dy and indices have one shape, (N, C, P, Q), with x's N and C, and that every index is a pixel of x.
/// Returns x's shape.
Shape check_max_pool2d_backward(const Shape& dy, const Indices& indices, const Shape& x);
/// The same but for the indices themselves, which a GPU's memory may hold.
Shape check_max_pool2d_backward_shapes(const Shape& dy, const Shape& indices, const Shape& x);
/// Checks avg_pool2d_forward's arguments and returns y's shape, (N, C, P, Q).
Shape check_avg_pool2d_forward(const Shape& x, const AvgPool2dOptions& options);
/// Checks that dy is y's shape for this x. Returns x's shape.
Shape check_avg_pool2d_backward(const Shape& dy, const Shape& x, const AvgPool2dOptions& options);

// The same for the tensors of any backend, the result's included, which must be apart from the argument.

/// Checks max_pool2d_forward's tensors and returns y's shape. @throws ShapeError, AliasError
template <class X> Shape check_max_pool2d_forward(const X& x, const MaxPool2dOptions& options, const X& y) {
    require_apart("max_pool2d_forward", {"y", y}, {{"x", x}});
    return check_max_pool2d_forward(x.shape(), options);
}
/// Checks max_pool2d_backward's tensors, every index too, and returns dx's shape. @throws ShapeError, AliasError
template <class X>
Shape check_max_pool2d_backward(const X& dy, const Indices& indices, const Shape& shape_of_x, const X& dx) {
    require_apart("max_pool2d_backward", {"dx", dx}, {{"dy", dy}});
    return check_max_pool2d_backward(dy.shape(), indices, shape_of_x);
}
/// The same but for the indices themselves. @throws ShapeError, AliasError
template <class X, class I>
Shape check_max_pool2d_backward_shapes(const X& dy, const I& indices, const Shape& shape_of_x, const X& dx) {
    require_apart("max_pool2d_backward", {"dx", dx}, {{"dy", dy}});
    return check_max_pool2d_backward_shapes(dy.shape(), indices.shape(), shape_of_x);
}
/// Checks avg_pool2d_forward's tensors and returns y's shape. @throws ShapeError, AliasError
template <class X> Shape check_avg_pool2d_forward(const X& x, const AvgPool2dOptions& options, const X& y) {
    require_apart("avg_pool2d_forward", {"y", y}, {{"x", x}});
    return check_avg_pool2d_forward(x.shape(), options);
}
/// Checks avg_pool2d_backward's tensors and returns dx's shape. @throws ShapeError, AliasError
template <class X>
Shape check_avg_pool2d_backward(const X& dy, const Shape& shape_of_x, const AvgPool2dOptions& options, const X& dx) {
    require_apart("avg_pool2d_backward", {"dx", dx}, {{"dy", dy}});
    return check_avg_pool2d_backward(dy.shape(), shape_of_x, options);
}

} // namespace handgrad
