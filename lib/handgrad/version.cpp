#include "handgrad/version.hpp"

namespace handgrad {

std::string_view version() { return HANDGRAD_VERSION; }

} // namespace handgrad
