#pragma once
#include "handgrad/ops/linear/linear.hpp"
