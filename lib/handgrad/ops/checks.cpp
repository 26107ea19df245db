// Shape checks of all operations: one place, so that every implementation says the same of the same mistake.

#include <fmt/format.h>

#include "handgrad/error.hpp"
#include "handgrad/ops/activation/activation.hpp"
#include "handgrad/ops/aliasing.hpp"
#include "handgrad/ops/cross_entropy/cross_entropy.hpp"
#include "handgrad/ops/flatten/flatten.hpp"
#include "handgrad/ops/linear/linear.hpp"
#include "handgrad/ops/softmax/softmax.hpp"

namespace handgrad {
namespace {

void require_classes(std::string_view where, std::string_view what, const Shape& shape) {
    if (shape[1] == 0) {
        throw ShapeError(
            fmt::format("{}: {} has shape {}, expected at least one class", where, what, to_string(shape)));
    }
}

} // namespace

void refuse_overlap(std::string_view where, const NamedTensor& result, const NamedTensor& other) {
    throw AliasError(
        fmt::format("{}: {} shares memory with {}, expected a tensor of its own", where, result.name(), other.name()));
}

Shape check_linear_forward(const Shape& x, const Shape& w, const Shape& b) {
    require_rank("linear_forward", "x", x, {"N", "D_in"});
    require_rank("linear_forward", "w", w, {"D_in", "D_out"});
    require_shape("linear_forward", "w", w, {x[1], w[1]});
    require_shape("linear_forward", "b", b, {w[1]});
    return {x[0], w[1]};
}

Shape check_linear_backward_input(const Shape& dy, const Shape& w) {
    require_rank("linear_backward_input", "dy", dy, {"N", "D_out"});
    require_rank("linear_backward_input", "w", w, {"D_in", "D_out"});
    require_shape("linear_backward_input", "w", w, {w[0], dy[1]});
    return {dy[0], w[0]};
}

Shape check_linear_backward_weight(const Shape& x, const Shape& dy) {
    require_rank("linear_backward_weight", "x", x, {"N", "D_in"});
    require_rank("linear_backward_weight", "dy", dy, {"N", "D_out"});
    require_shape("linear_backward_weight", "dy", dy, {x[0], dy[1]});
    return {x[1], dy[1]};
}

Shape check_linear_backward_bias(const Shape& dy) {
    require_rank("linear_backward_bias", "dy", dy, {"N", "D_out"});
    return {dy[1]};
}

Shape check_activation_backward(std::string_view where, const Shape& kept, const Shape& dy) {
    require_shape(where, "dy", dy, kept);
    return kept;
}

Shape check_flatten_forward(const Shape& x) {
    if (x.empty()) {
        throw ShapeError(fmt::format("flatten_forward: x has shape {}, expected (N, ...)", to_string(x)));
    }
    std::size_t row = 1;
    for (std::size_t i = 1; i < x.size(); ++i) { row *= x[i]; }
    return {x[0], row};
}

void check_flatten_backward(const Shape& dy, const Shape& x) {
    require_shape("flatten_backward", "dy", dy, check_flatten_forward(x));
}

Shape check_softmax_forward(const Shape& z) {
    require_rank("softmax_forward", "z", z, {"N", "K"});
    require_classes("softmax_forward", "z", z);
    return z;
}

Shape check_softmax_backward(const Shape& p, const Shape& dp) {
    require_rank("softmax_backward", "p", p, {"N", "K"});
    require_classes("softmax_backward", "p", p);
    require_shape("softmax_backward", "dp", dp, p);
    return p;
}

void check_cross_entropy_shapes(std::string_view where, const Shape& z, const Shape& y) {
    require_rank(where, "z", z, {"N", "K"});
    require_shape(where, "y", y, {z[0]});
    if (z[0] == 0 || z[1] == 0) {
        throw ShapeError(
            fmt::format("{}: z has shape {}, expected at least one row and one class", where, to_string(z)));
    }
}

void check_cross_entropy(std::string_view where, const Shape& z, const Labels& y) {
    check_cross_entropy_shapes(where, z, y.shape());
    const auto classes = static_cast<std::int64_t>(z[1]);
    for (std::size_t n = 0; n < z[0]; ++n) {
        const std::int64_t label = y.data()[n];
        if (label < 0 || label >= classes) {
            throw ShapeError(
                fmt::format("{}: label y[{}] is {}, expected a class from 0 to {}", where, n, label, classes - 1));
        }
    }
}

} // namespace handgrad
