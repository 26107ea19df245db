#include "handgrad/tensor.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "handgrad/error.hpp"

namespace handgrad {

std::string to_string(const Shape& shape) {
    return fmt::format("({}{})", fmt::join(shape.begin(), shape.end(), ", "), shape.size() == 1 ? "," : "");
}

void require_shape(std::string_view where, std::string_view what, const Shape& shape, const Shape& expected) {
    if (shape != expected) {
        throw ShapeError(
            fmt::format("{}: {} has shape {}, expected {}", where, what, to_string(shape), to_string(expected)));
    }
}

void require_rank(std::string_view where, std::string_view what, const Shape& shape,
                  std::initializer_list<std::string_view> letters) {
    if (shape.size() != letters.size()) {
        throw ShapeError(fmt::format("{}: {} has shape {}, expected {} dimensions ({})", where, what, to_string(shape),
                                     letters.size(), fmt::join(letters, ", ")));
    }
}

} // namespace handgrad
