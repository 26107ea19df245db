#pragma once
/// @file
/// The reference backend: plain loops, a literal transcription of each formula, for any scalar.

#include "handgrad/backends/host.hpp"

namespace handgrad {

/// The operations in plain loops: slow and obviously right. They run a whole network on complex numbers, which proves
/// its gradients.
template <class T> struct Reference : HostBackend<OnReference, T> {
    template <class U> using With = Reference<U>; ///< the same backend for another type of number
};

} // namespace handgrad
