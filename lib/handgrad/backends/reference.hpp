#pragma once
/// @file
/// The reference backend: plain loops, a literal transcription of each formula, for any scalar.

#include "handgrad/backends/host.hpp"

namespace handgrad {

/// The operations in plain loops: slow, obviously right, and able to run a whole network on complex numbers, which is how
/// its gradients are proved.
template <class T> struct Reference : HostBackend<OnReference, T> {
    template <class U> using With = Reference<U>; ///< the same backend for another type of number
};

} // namespace handgrad
