#include "handgrad/ops/flatten/flatten.hpp"

namespace handgrad {

Shape flatten_shape(const Shape& x) {
    if (x.empty()) { throw ShapeError("flatten_forward: x has shape (), expected (N, ...)"); }
    std::size_t row = 1;
    for (std::size_t i = 1; i < x.size(); ++i) { row *= x[i]; }
    return {x[0], row};
}

} // namespace handgrad
