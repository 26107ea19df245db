#pragma once
// In the examples, assert is a check of the test: a reader knows the word and can copy the lines.
#include "catch.hpp"

#if __has_include(<catch2/catch_all.hpp>)
using Catch::Approx; // Catch2 2 has it in the global namespace
#endif

#undef assert
#define assert(...) REQUIRE((__VA_ARGS__))
