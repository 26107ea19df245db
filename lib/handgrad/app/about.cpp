#include "handgrad/app/about.hpp"

#include <fmt/format.h>

namespace handgrad::app {

std::string about(double value, std::string_view format) {
    return fmt::format(fmt::runtime(fmt::format("~{{:{}}}", format)), value);
}

} // namespace handgrad::app
