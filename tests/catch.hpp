#pragma once
// One include for Catch2 2 (Debian 12) and 3.
#if HANDGRAD_CATCH2_MAJOR >= 3
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
namespace Catch::Matchers {
using Catch::WithinAbs;
using Catch::WithinRel;
inline auto ContainsSubstring(const std::string& text) { return Contains(text); }
} // namespace Catch::Matchers
#endif
