#pragma once
/// @file
/// The library's version.

#include <string_view>

namespace handgrad {

/// "0.1.0": the version that was compiled, which may differ from the header's where two installations are mixed.
std::string_view version();

} // namespace handgrad
