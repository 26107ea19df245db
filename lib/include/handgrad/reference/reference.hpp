#pragma once
/// @file
/// The reference backend: plain loops, a literal transcription of each formula, for any scalar.

#include "handgrad/contract/backend.hpp"
#include "handgrad/reference/avg_pool2d.hpp"
#include "handgrad/reference/conv2d.hpp"
#include "handgrad/reference/conv2d_relu_max_pool2d.hpp"
#include "handgrad/reference/cross_entropy.hpp"
#include "handgrad/reference/flatten.hpp"
#include "handgrad/reference/l2_penalty.hpp"
#include "handgrad/reference/linear.hpp"
#include "handgrad/reference/max_pool2d.hpp"
#include "handgrad/reference/relu.hpp"
#include "handgrad/reference/sgd.hpp"
#include "handgrad/reference/sigmoid.hpp"
#include "handgrad/reference/softmax.hpp"
#include "handgrad/reference/tanh.hpp"

namespace handgrad {

/// The operations of namespace handgrad::reference as a type, to be handed to modules: slow, obviously right, and able
/// to run a whole network on complex numbers, which is how its gradients are proved.
template <class T> struct Reference {
    using Scalar = T;                   ///< type of one number
    using Tensor = handgrad::Tensor<T>; ///< type of an array
    using Labels = handgrad::Labels;    ///< type of a batch's classes
#define HANDGRAD_X(name) HANDGRAD_FORWARD_TO(reference, name)
    HANDGRAD_OPERATIONS(HANDGRAD_X)
#undef HANDGRAD_X
};

} // namespace handgrad
