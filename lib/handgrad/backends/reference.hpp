#pragma once
/// @file
/// The reference backend: plain loops, a literal transcription of each formula, for any scalar.

#include "handgrad/backends/host.hpp"
#include "handgrad/ops/activation/reference.hpp"
#include "handgrad/ops/conv2d/reference.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/reference.hpp"
#include "handgrad/ops/cross_entropy/reference.hpp"
#include "handgrad/ops/l2_penalty/reference.hpp"
#include "handgrad/ops/linear/reference.hpp"
#include "handgrad/ops/pool2d/reference.hpp"
#include "handgrad/ops/sgd/reference.hpp"
#include "handgrad/ops/softmax/reference.hpp"

namespace handgrad {

/// The operations in plain loops: slow, obviously right, and able to run a whole network on complex numbers, which is how
/// its gradients are proved.
template <class T> struct Reference : HostBackend<OnReference, T> {
    template <class U> using With = Reference<U>; ///< the same backend for another type of number
};

} // namespace handgrad
