#pragma once
// Extents of a convolution, with the letters of conv2d.hpp, and memory: shared by all algorithms of the cpu backend.

#include <algorithm>
#include <cstddef>

#include "handgrad/ops/conv2d/conv2d.hpp"
#include "handgrad/tensor/parallel_for.hpp"
#include "handgrad/tensor/scratch.hpp"

namespace handgrad::cpu {

/// All extents of a convolution.
struct Conv2dGeometry {
    std::size_t N, C, H, W, K, R, S, P, Q, groups;
    Size2d stride, padding, dilation;

    /// @param x (N, C_in, H, W), also dx @param w (C_out, C_in/groups, R, S), also dw @param result P x Q
    template <class A, class B>
    Conv2dGeometry(ImagesView<A> x, ImagesView<B> w, Size2d result, const Conv2dOptions& options)
        : N(x.n), C(x.c), H(x.h), W(x.w), K(w.n), R(w.h), S(w.w), P(result.h), Q(result.w), groups(options.groups),
          stride(options.stride), padding(options.padding), dilation(options.dilation) {}

    std::size_t group_in() const { return C / groups; }     ///< input channels of a group
    std::size_t group_out() const { return K / groups; }    ///< output channels of a group
    std::size_t taps() const { return group_in() * R * S; } ///< number of products in one sum
    std::size_t x_image() const { return C * H * W; }       ///< number of entries of an image
    std::size_t y_image() const { return K * P * Q; }       ///< number of entries of an image's result
    std::size_t w_size() const { return K * taps(); }       ///< number of entries of the weight
    bool is_padded() const { return padding != Size2d(0); } ///< whether the image has a border of zeros
    bool is_pointwise() const {                             ///< whether window (p, q) is pixel (p, q)
        return R == 1 && S == 1 && stride == Size2d(1) && padding == Size2d(0);
    }
};

/// The integers n of 0 .. count - 1 with 0 <= first + n step < limit: begin <= n < end.
struct Range {
    std::size_t begin, end;
    Range(std::ptrdiff_t first, std::size_t step, std::size_t count, std::size_t limit) {
        const auto s = static_cast<std::ptrdiff_t>(step);
        const auto first_not_below = [&](std::ptrdiff_t x) { // the smallest n with first + n step >= x
            return static_cast<std::size_t>(x <= first ? 0 : (x - first + s - 1) / s);
        };
        begin = std::min(first_not_below(0), count);
        end = std::max(begin, std::min(first_not_below(static_cast<std::ptrdiff_t>(limit)), count));
    }
};

/// Divides images, or registers of images, into at most 16 chunks.
inline Chunks chunks_of(std::size_t images) { return Chunks(images, (images + 15) / 16); }

/// Memory for n numbers, the same in every call of a thread. The thread that calls an operation owns it and lends each
/// chunk a part, so the memory of a chunk does not depend on the thread that computes the chunk.
template <class T> T* workspace(std::size_t n) { return scratch<T, struct ConvolutionWorkspace>(n); }

/// Whether at least one of the n numbers is NaN.
template <class T> bool has_nan(const T* x, std::size_t n) {
    bool found = false;
    for (std::size_t i = 0; i < n; ++i) { found |= x[i] != x[i]; }
    return found;
}

/// gradient_i += sums_i.
template <class T> void add_to_gradient(const T* sums, std::size_t size, T* gradient) {
    for (std::size_t i = 0; i < size; ++i) { gradient[i] += sums[i]; }
}

} // namespace handgrad::cpu
