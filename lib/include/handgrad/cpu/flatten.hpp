#pragma once
/// @file
/// flatten, for float and double. A copy is as fast as memory lets it be; the reference's is the one.

#include "handgrad/reference/flatten.hpp"

namespace handgrad::cpu {

using reference::flatten_backward;
using reference::flatten_forward;

} // namespace handgrad::cpu
