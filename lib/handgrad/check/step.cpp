#include "handgrad/check/step.hpp"

#include <cmath>

#include <fmt/format.h>

#include "handgrad/error.hpp"

namespace handgrad::check {

void require_step(std::string_view where, double h) {
    if (!std::isfinite(h) || h <= 0) {
        throw ShapeError(fmt::format("{}: the step is {}, expected a positive number", where, h));
    }
}

void throw_lost_step(double h, double x) {
    throw ShapeError(fmt::format("central_difference: a step of {} is lost in rounding beside x = {}, expected a "
                                 "larger h",
                                 h, x));
}

} // namespace handgrad::check
