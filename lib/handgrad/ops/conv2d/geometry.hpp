#pragma once
// A convolution's numbers, by the letters of conv2d.hpp.

#include "handgrad/ops/conv2d/conv2d.hpp"

namespace handgrad::cpu {

struct Conv2dGeometry {
    std::size_t N, C, H, W, K, R, S, P, Q, groups;
    Size2d stride, padding, dilation;

    Conv2dGeometry(const Shape& x, const Shape& w, const Shape& y, const Conv2dOptions& options)
        : N(x[0]), C(x[1]), H(x[2]), W(x[3]), K(w[0]), R(w[2]), S(w[3]), P(y[2]), Q(y[3]), groups(options.groups),
          stride(options.stride), padding(options.padding), dilation(options.dilation) {}

    std::size_t group_in() const { return C / groups; }     ///< input channels of a group
    std::size_t group_out() const { return K / groups; }    ///< output channels of a group
    std::size_t taps() const { return group_in() * R * S; } ///< products in one sum
    std::size_t x_image() const { return C * H * W; }       ///< numbers in an image
    std::size_t y_image() const { return K * P * Q; }       ///< numbers in an image's result
    std::size_t w_size() const { return K * taps(); }       ///< numbers in the weight
    bool pointwise() const {                                ///< whether every window is one pixel, in order
        return R == 1 && S == 1 && stride == Size2d(1) && padding == Size2d(0);
    }
};

} // namespace handgrad::cpu
