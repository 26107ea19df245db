#include "handgrad/ops/embedding/embedding.hpp"

#include <fmt/format.h>

namespace handgrad {

void refuse_token(std::string_view where, std::size_t entry, const Shape& shape, std::int64_t token,
                  std::size_t vocabulary) {
    std::string place;
    for (std::size_t axis = shape.size(), rest = entry; axis-- > 0; rest /= shape[axis]) {
        const std::string index = std::to_string(rest % shape[axis]);
        place = place.empty() ? index : index + ", " + place;
    }
    const std::string expected =
        vocabulary == 0 ? "none: the vocabulary is empty" : fmt::format("a token from 0 to {}", vocabulary - 1);
    throw ShapeError(fmt::format("{}: token[{}] is {}, expected {}", where, place, token, expected));
}

} // namespace handgrad
