#include "handgrad/ops/cross_entropy/cross_entropy.hpp"

#include <fmt/format.h>

namespace handgrad {

void check_cross_entropy_shapes(std::string_view where, const Shape& z, const Shape& y) {
    require_rows(where, "z", z, "K");
    require_shape(where, "y", y, without_last(z));
    if (count(z) == 0) {
        throw ShapeError(
            fmt::format("{}: z has shape {}, expected at least one row and one class", where, to_string(z)));
    }
}

void refuse_label(std::string_view where, std::size_t row, std::int64_t label, std::size_t classes) {
    throw ShapeError(
        fmt::format("{}: label y[{}] is {}, expected a class from 0 to {}", where, row, label, classes - 1));
}

} // namespace handgrad
