#include "handgrad/ops/conv2d_relu_max_pool2d/conv2d_relu_max_pool2d.hpp"

#include <fmt/format.h>

namespace handgrad {
namespace {

Conv2dReluMaxPool2dShapes fused_shapes(std::string_view where, const Shape& x, const Shape& w,
                                       const Conv2dOptions& options) {
    const Shape z = conv2d_shape(where, x, w, options);
    if (z[2] < 2 || z[3] < 2) {
        throw ShapeError(fmt::format("{}: the convolution's result has shape {}, expected at least 2 x 2 pixels", where,
                                     to_string(z)));
    }
    return {z, {z[0], z[1], z[2] / 2, z[3] / 2}};
}

} // namespace

Conv2dReluMaxPool2dShapes check_conv2d_relu_max_pool2d_forward(const Shape& x, const Shape& w, const Shape& b,
                                                               const Conv2dOptions& options) {
    const auto where = "conv2d_relu_max_pool2d_forward";
    const auto shapes = fused_shapes(where, x, w, options);
    if (b != Shape{0}) { require_shape(where, "b", b, {w[0]}); }
    return shapes;
}

Conv2dReluMaxPool2dShapes check_conv2d_relu_max_pool2d_backward(std::string_view where, const Shape& x, const Shape& w,
                                                                const Shape& dy, const Conv2dOptions& options) {
    const auto shapes = fused_shapes(where, x, w, options);
    require_shape(where, "dy", dy, shapes.y);
    return shapes;
}

} // namespace handgrad
