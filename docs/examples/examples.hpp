#pragma once
// In the examples, assert is a check of the test: a reader knows the word and can copy the lines.
#include "catch.hpp"

#undef assert
#define assert(...) REQUIRE((__VA_ARGS__))
