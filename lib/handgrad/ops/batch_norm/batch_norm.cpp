#include "handgrad/ops/batch_norm/batch_norm.hpp"

#include <fmt/format.h>

namespace handgrad {

void require_channels(std::string_view where, const Shape& x, std::string_view what) {
    require<ShapeError>(x.size() >= 2, "{}: {} has shape {}, expected (N, C, ...)", where, what, to_string(x));
    require_at_least(where, "the number of channels of x", x[1], 1);
}

void require_several_values(std::string_view where, const Shape& x) {
    require<ShapeError>(count(x) >= 2 * x[1],
                        "{}: x has shape {}, expected more than 1 value per channel when training", where,
                        to_string(x));
}

void require_momentum(std::string_view where, double momentum) {
    require<ShapeError>(momentum >= 0 && momentum <= 1, "{}: momentum is {}, expected a number from 0 to 1", where,
                        momentum);
}

} // namespace handgrad
