#pragma once
/// @file
/// The cpu backend: OpenBLAS, SIMD, threads. Its results do not depend on the number of threads.

#include <algorithm>

#include "handgrad/backends/operations.hpp"
#include "handgrad/ops/activation/cpu.hpp"
#include "handgrad/ops/activation/cpu_sigmoid.hpp"
#include "handgrad/ops/activation/cpu_tanh.hpp"
#include "handgrad/ops/conv2d/cpu.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/cpu.hpp"
#include "handgrad/ops/cross_entropy/cpu.hpp"
#include "handgrad/ops/flatten/cpu.hpp"
#include "handgrad/ops/l2_penalty/cpu.hpp"
#include "handgrad/ops/linear/cpu.hpp"
#include "handgrad/ops/pool2d/cpu.hpp"
#include "handgrad/ops/pool2d/cpu_avg.hpp"
#include "handgrad/ops/sgd/cpu.hpp"
#include "handgrad/ops/softmax/cpu.hpp"

namespace handgrad {

/// The operations of namespace handgrad::cpu as a type, to be handed to modules: Cpu<float>, Cpu<double>.
template <class T = float> struct Cpu {
    using Scalar = T;                       ///< type of one number
    template <class U> using With = Cpu<U>; ///< the same backend for another type of number
    using Tensor = handgrad::Tensor<T>;     ///< type of an array
    using Labels = handgrad::Labels;        ///< type of a batch's classes
    using Indices = handgrad::Indices;      ///< type of the winners of max-pooling
#define HANDGRAD_X(name) HANDGRAD_FORWARD_TO(cpu, name)
    HANDGRAD_OPERATIONS(HANDGRAD_X)
#undef HANDGRAD_X
    using Loss = T; ///< type of a loss that need not have been computed yet: here it always has
    /// cross_entropy_forward, with the loss as an argument.
    static void compute_cross_entropy(const Tensor& z, const Labels& y, Tensor& p, Loss& loss) {
        loss = cross_entropy_forward(z, y, p);
    }
    static T item(const Loss& loss) { return loss; } ///< its number
    /// A host tensor as this backend's: it is one.
    template <class U> static handgrad::Tensor<U> from_host(handgrad::Tensor<U> x) { return x; }
    /// Gives a tensor the numbers of a host tensor of its shape. It keeps its memory.
    template <class U> static void copy_from_host(const handgrad::Tensor<U>& x, handgrad::Tensor<U>& result) {
        require_shape("copy_from_host", "x", x.shape(), result.shape());
        std::copy_n(x.data(), x.size(), result.data());
    }
    /// This backend's numbers as a host tensor: they are one.
    template <class U> static const handgrad::Tensor<U>& to_host(const handgrad::Tensor<U>& x) { return x; }
};

} // namespace handgrad
