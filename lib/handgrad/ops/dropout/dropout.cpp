#include "handgrad/ops/dropout/dropout.hpp"

#include <fmt/format.h>

namespace handgrad {

void require_probability(std::string_view where, double p) {
    require<ShapeError>(p >= 0 && p < 1, "{}: p is {}, expected at least 0 and less than 1", where, p);
}

} // namespace handgrad
