#pragma once
#include "handgrad/ops/linear/cpu.hpp"
