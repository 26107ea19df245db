#pragma once
#include <vector>

#include "handgrad/nn/right.hpp" // wrong: check knows nothing but scalars and functions
#include "handgrad/tensor/tensor.hpp"
