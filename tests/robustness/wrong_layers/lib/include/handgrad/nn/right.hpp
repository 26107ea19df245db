#pragma once
#include "handgrad/cpu/linear.hpp"
