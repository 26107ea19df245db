#include "handgrad/ops/contract.hpp"

#include <fmt/format.h>

namespace handgrad {

void require_eps(std::string_view where, double eps) {
    require<ShapeError>(eps >= 0, "{}: eps is {}, expected at least 0", where, eps); // false for NaN
}

} // namespace handgrad
