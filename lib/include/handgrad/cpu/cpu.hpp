#pragma once
/// @file
/// The cpu backend: OpenBLAS, SIMD, threads. Its results do not depend on the number of threads.

#include "handgrad/contract/backend.hpp"
#include "handgrad/cpu/avg_pool2d.hpp"
#include "handgrad/cpu/conv2d.hpp"
#include "handgrad/cpu/conv2d_relu_max_pool2d.hpp"
#include "handgrad/cpu/cross_entropy.hpp"
#include "handgrad/cpu/flatten.hpp"
#include "handgrad/cpu/l2_penalty.hpp"
#include "handgrad/cpu/linear.hpp"
#include "handgrad/cpu/max_pool2d.hpp"
#include "handgrad/cpu/relu.hpp"
#include "handgrad/cpu/sgd.hpp"
#include "handgrad/cpu/sigmoid.hpp"
#include "handgrad/cpu/softmax.hpp"
#include "handgrad/cpu/tanh.hpp"

namespace handgrad {

/// The operations of namespace handgrad::cpu as a type, to be handed to modules: Cpu<float>, Cpu<double>.
template <class T = float> struct Cpu {
    using Scalar = T;                   ///< type of one number
    using Tensor = handgrad::Tensor<T>; ///< type of an array
    using Labels = handgrad::Labels;    ///< type of a batch's classes
#define HANDGRAD_X(name) HANDGRAD_FORWARD_TO(cpu, name)
    HANDGRAD_OPERATIONS(HANDGRAD_X)
#undef HANDGRAD_X
};

} // namespace handgrad
