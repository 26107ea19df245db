#pragma once
// The backends that training is compiled for.

#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/backends/reference.hpp"

/// X(Backend) for each of them: explicit instantiations.
#define HANDGRAD_FOR_EACH_BACKEND(X)                                                                                   \
    X(Cpu<float>)                                                                                                      \
    X(Cpu<double>)                                                                                                     \
    X(Device<float>)                                                                                                   \
    X(Device<double>)                                                                                                  \
    X(Reference<float>)                                                                                                \
    X(Reference<double>)
