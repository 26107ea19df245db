// The kernels of the reference for float, double and complex numbers, compiled once: see HANDGRAD_REFERENCE_KERNEL.

#define HANDGRAD_COMPILES_REFERENCE
#include "handgrad/backends/reference.hpp"
