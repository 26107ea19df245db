#pragma once
/// @file
/// # Pooling
///
/// **Formulas.** A window of R x S pixels moves over every channel by itself. Place (r, s) of window (p, q) is the
/// pixel
/// \f[ h = \text{stride} \cdot p + \text{dilation} \cdot r - \text{padding}, \qquad
///     w = \text{stride} \cdot q + \text{dilation} \cdot s - \text{padding}. \f]
///
/// Max-pooling, where the winner is the largest pixel of the window:
/// \f[ y_{ncpq} = \max_{r,s} x_{nchw}, \qquad
///     dx_{nchw} = \sum_{p,q} dy_{ncpq}\; 1[(h, w) = \text{winner}_{ncpq}]. \f]
/// The maximum is over the pixels inside the image. Of equal pixels the first one in row-major order wins. A NaN wins
/// over every number, and of several NaN the last one wins. All this is as in PyTorch.
///
/// Average-pooling, without dilation:
/// \f[ y_{ncpq} = \frac{1}{\text{count}_{pq}} \sum_{r,s} x_{nchw}, \f]
/// \f[ dx_{nchw} = \sum_{p,q} \frac{dy_{ncpq}}{\text{count}_{pq}}\;
///                1[\text{window } (p, q) \text{ covers } (h, w)]. \f]
/// Pixels outside the image are 0. The count is R S; without `count_include_pad` it is the number of pixels inside the
/// image. Positions beyond the padded border, which ceil_mode can produce, are never counted.
///
/// **Shapes.**
/// | name  | shape        | meaning |
/// | ----- | ------------ | ------- |
/// | x, dx | (N, C, H, W) | a batch of images, and dL/dx |
/// | y, dy | (N, C, P, Q) | the result, and dL/dy |
/// | indices | (N, C, P, Q) | the winners of max-pooling, each the number h W + w of a pixel |
///
/// \f[ P = \Bigl\lfloor
///     \frac{H + 2\, \text{padding} - \text{dilation} \cdot (R - 1) - 1}{\text{stride}} \Bigr\rfloor + 1, \f]
/// and Q follows from W and S in the same way. With ceil_mode the fraction is rounded up, but no window may start
/// beyond the image and its upper or left padding. With ceil_mode a kernel may also be larger than the padded image;
/// its only window then contains the pixels of the image.
///
/// **Memory.** Backward needs x's shape, and for max-pooling the winners.
///
/// **Errors.** Throws ShapeError if shapes or options do not fit: a kernel larger than the padded image (with
/// ceil_mode: larger by a stride), a stride of 0, a padding of more than half of the kernel, or a window without a
/// pixel, which padding and dilation can cause (in PyTorch its maximum is minus infinity, and backward then fails).
/// Throws AliasError if a result (y, dx) shares memory with an argument of the same call.
///
/// **Source.** Lecture 13, part A; documentation of torch.nn.MaxPool2d and AvgPool2d.
//
// The derivation, step by step: pool2d.md.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "handgrad/ops/contract.hpp"
#include "handgrad/ops/size2d.hpp"

namespace handgrad {

/// The options of torch.nn.MaxPool2d.
struct MaxPool2dOptions {
    Size2d kernel_size;     ///< R x S
    Size2d stride;          ///< pixels from one window to the next
    Size2d padding = 0;     ///< pixels around the image that never win
    Size2d dilation = 1;    ///< pixels from one place of the window to the next
    bool ceil_mode = false; ///< whether the size of the output is rounded up
    /// Adjacent windows: the stride is the size of the kernel.
    MaxPool2dOptions(Size2d kernel) : kernel_size(kernel), stride(kernel) {}
    /// All options.
    MaxPool2dOptions(Size2d kernel, Size2d step, Size2d pad = 0, Size2d dilate = 1, bool ceil = false)
        : kernel_size(kernel), stride(step), padding(pad), dilation(dilate), ceil_mode(ceil) {}
};

/// The options of torch.nn.AvgPool2d.
struct AvgPool2dOptions {
    Size2d kernel_size;            ///< R x S
    Size2d stride;                 ///< pixels from one window to the next
    Size2d padding = 0;            ///< zeros around the image
    bool ceil_mode = false;        ///< whether the size of the output is rounded up
    bool count_include_pad = true; ///< whether the zeros of the padding count in the average
    /// Adjacent windows: the stride is the size of the kernel.
    AvgPool2dOptions(Size2d kernel) : kernel_size(kernel), stride(kernel) {}
    /// All options.
    AvgPool2dOptions(Size2d kernel, Size2d step, Size2d pad = 0, bool ceil = false, bool include_pad = true)
        : kernel_size(kernel), stride(step), padding(pad), ceil_mode(ceil), count_include_pad(include_pad) {}
};

/// The kernels of both poolings, on views whose shapes fit. Each backend defines them in a file of its own.
template <class Place> struct Pool2dKernels {
    /// y, the largest pixel of each window, and indices, the numbers h W + w of the winners.
    template <class T> static void max_forward(ImagesView<const T> x, const MaxPool2dOptions& options, ImagesView<T> y,
                                               ImagesView<std::int32_t> indices);
    /// dx: the sum of dy over the windows that each pixel won, zero elsewhere. Every index is the number of a pixel.
    template <class T>
    static void max_backward(ImagesView<const T> dy, ImagesView<const std::int32_t> indices, ImagesView<T> dx);
    /// Looks for indices outside 0 .. pixels - 1. Returns the largest of them, compared as unsigned numbers, so that a
    /// negative index is larger than any other. Returns nothing if every index is the number of a pixel.
    static std::optional<std::int32_t> bad_index(VectorView<const std::int32_t> indices, std::size_t pixels);
    /// y, the average of each window.
    template <class T> static void avg_forward(ImagesView<const T> x, const AvgPool2dOptions& options, ImagesView<T> y);
    /// dx: for each pixel the sum of dy / A over the windows that cover it.
    template <class T>
    static void avg_backward(ImagesView<const T> dy, const AvgPool2dOptions& options, ImagesView<T> dx);
};

/// Checks the options by themselves, on behalf of `where`. @throws ShapeError
void check_pool2d_options(std::string_view where, const MaxPool2dOptions& options);
/// Checks the options by themselves, on behalf of `where`. @throws ShapeError
void check_pool2d_options(std::string_view where, const AvgPool2dOptions& options);
/// Checks max_pool2d_forward's arguments, and returns y's shape, (N, C, P, Q). @throws ShapeError
Shape check_max_pool2d_forward(const Shape& x, const MaxPool2dOptions& options);
/// Checks that dy and indices have one shape, (N, C, P, Q), with x's N and C. @throws ShapeError
void check_max_pool2d_backward(const Shape& dy, const Shape& indices, const Shape& x);
/// Throws ShapeError: "max_pool2d_backward: an index is 8, expected a pixel's number, less than 8".
[[noreturn]] void refuse_index(std::int32_t index, std::size_t pixels);
/// Checks avg_pool2d_forward's arguments, and returns y's shape, (N, C, P, Q). @throws ShapeError
Shape check_avg_pool2d_forward(const Shape& x, const AvgPool2dOptions& options);
/// Checks that dy has y's shape for this x. @throws ShapeError
void check_avg_pool2d_backward(const Shape& dy, const Shape& x, const AvgPool2dOptions& options);

/// The result of max_pool2d_forward, (N, C, P, Q) both.
template <class Tensor, class Indices> struct MaxPool2dResult {
    Tensor y;        ///< the largest pixel of each window
    Indices indices; ///< the numbers h W + w of the winners in their channel
};

/// Both poolings, for all backends.
template <class Place, class T> struct Pool2dOperations {
    using Tensor = TensorOf<Place, T>;                                  ///< type of an array
    using Indices = TensorOf<Place, std::int32_t>;                      ///< type of the winners
    using MaxPool2dResult = handgrad::MaxPool2dResult<Tensor, Indices>; ///< type of y and indices together

    /// y, the largest pixel of each window, and indices, its number: x (N, C, H, W), y and indices (N, C, P, Q).
    /// @throws ShapeError, AliasError
    static void max_pool2d_forward(const Tensor& x, const MaxPool2dOptions& options, Tensor& y, Indices& indices) {
        require_apart("max_pool2d_forward", {"y", y}, {{"x", x}});
        const Shape shape = check_max_pool2d_forward(x.shape(), options);
        resize(y, shape);
        resize(indices, shape);
        on_fast_kernels<Place>([&](auto place) {
            Pool2dKernels<decltype(place)>::max_forward(images(x), options, images(y), images(indices));
        });
    }
    /// The same, as new tensors.
    static MaxPool2dResult max_pool2d_forward(const Tensor& x, const MaxPool2dOptions& options) {
        MaxPool2dResult result;
        max_pool2d_forward(x, options, result.y, result.indices);
        return result;
    }

    /// dx, given dy and indices (N, C, P, Q) and x's shape: each dy is added to its winner. dx (N, C, H, W),
    /// overwritten. @throws ShapeError, AliasError
    static void max_pool2d_backward(const Tensor& dy, const Indices& indices, const Shape& shape_of_x, Tensor& dx) {
        require_apart("max_pool2d_backward", {"dx", dx}, {{"dy", dy}});
        check_max_pool2d_backward(dy.shape(), indices.shape(), shape_of_x);
        const std::size_t pixels = shape_of_x[2] * shape_of_x[3];
        on_fast_kernels<Place>([&](auto place) {
            using Kernels = Pool2dKernels<decltype(place)>;
            if (const auto index = Kernels::bad_index(entries(indices), pixels)) { refuse_index(*index, pixels); }
            resize(dx, shape_of_x);
            Kernels::max_backward(images(dy), images(indices), images(dx));
        });
    }
    /// The same, as a new tensor.
    static Tensor max_pool2d_backward(const Tensor& dy, const Indices& indices, const Shape& shape_of_x) {
        Tensor dx;
        max_pool2d_backward(dy, indices, shape_of_x, dx);
        return dx;
    }

    /// y, the average of each window: x (N, C, H, W), y (N, C, P, Q). @throws ShapeError, AliasError
    static void avg_pool2d_forward(const Tensor& x, const AvgPool2dOptions& options, Tensor& y) {
        require_apart("avg_pool2d_forward", {"y", y}, {{"x", x}});
        resize(y, check_avg_pool2d_forward(x.shape(), options));
        on_fast_kernels<Place>(
            [&](auto place) { Pool2dKernels<decltype(place)>::avg_forward(images(x), options, images(y)); });
    }
    /// The same, as a new tensor.
    static Tensor avg_pool2d_forward(const Tensor& x, const AvgPool2dOptions& options) {
        Tensor y;
        avg_pool2d_forward(x, options, y);
        return y;
    }

    /// dx, given dy (N, C, P, Q) and x's shape: dy / A is added to each pixel of the window. dx (N, C, H, W),
    /// overwritten.
    /// @throws ShapeError, AliasError
    static void avg_pool2d_backward(const Tensor& dy, const Shape& shape_of_x, const AvgPool2dOptions& options,
                                    Tensor& dx) {
        require_apart("avg_pool2d_backward", {"dx", dx}, {{"dy", dy}});
        check_avg_pool2d_backward(dy.shape(), shape_of_x, options);
        resize(dx, shape_of_x);
        on_fast_kernels<Place>(
            [&](auto place) { Pool2dKernels<decltype(place)>::avg_backward(images(dy), options, images(dx)); });
    }
    /// The same, as a new tensor.
    static Tensor avg_pool2d_backward(const Tensor& dy, const Shape& shape_of_x, const AvgPool2dOptions& options) {
        Tensor dx;
        avg_pool2d_backward(dy, shape_of_x, options, dx);
        return dx;
    }
};

HANDGRAD_CALL_AS(Pool2dOperations, max_pool2d_forward)
HANDGRAD_CALL_AS(Pool2dOperations, max_pool2d_backward)
HANDGRAD_CALL_AS(Pool2dOperations, avg_pool2d_forward)
HANDGRAD_CALL_AS(Pool2dOperations, avg_pool2d_backward)

} // namespace handgrad

#include "handgrad/ops/pool2d/reference.hpp" // the kernels of the reference are templates
