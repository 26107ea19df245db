#include "handgrad/tensor/shape.hpp"

#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "handgrad/error.hpp"

namespace handgrad {

std::string as_written(std::size_t number) { return std::to_string(static_cast<std::ptrdiff_t>(number)); }

std::string to_string(const Shape& shape) {
    const std::vector<std::ptrdiff_t> extents(shape.begin(), shape.end()); // as_written
    return fmt::format("({}{})", fmt::join(extents, ", "), extents.size() == 1 ? "," : "");
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

void require_rows(std::string_view where, std::string_view what, const Shape& shape, std::string_view last) {
    if (shape.empty()) { throw ShapeError(fmt::format("{}: {} has shape (), expected (..., {})", where, what, last)); }
}

void require_same_size(std::string_view where, const Shape& x, const Shape& shape) {
    if (count(x) != count(shape)) {
        throw ShapeError(fmt::format("{}: x has shape {}, expected {} numbers for shape {}", where, to_string(x),
                                     count(shape), to_string(shape)));
    }
}

void require_at_least(std::string_view where, std::string_view what, std::size_t number, std::size_t least) {
    if (static_cast<std::ptrdiff_t>(number) < static_cast<std::ptrdiff_t>(least)) {
        throw ShapeError(fmt::format("{}: {} is {}, expected at least {}", where, what, as_written(number), least));
    }
}

} // namespace handgrad
