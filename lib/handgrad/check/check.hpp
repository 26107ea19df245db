#pragma once
/// @file
/// The gradient checker. Three lines prove a hand-written gradient of any function:
///
/// @snippet training.cpp proof

#include "handgrad/check/central_difference.hpp"
#include "handgrad/check/complex_step.hpp"
#include "handgrad/check/gradient_check.hpp"
#include "handgrad/check/report.hpp"
#include "handgrad/check/tolerances.hpp"
#include "handgrad/check/traced.hpp"
#include "handgrad/check/weighted_sum.hpp"
