#pragma once
/// @file
/// The list of operations that every backend has, and the macro that turns a namespace of operations into a type.
///
/// Modules and optimisers are templates over that type (`nn::Linear<Cpu<float>>`), so one network runs on all
/// backends; tests run over it in the same way.

#include <utility>

/// Every operation, once. A backend that lacks one does not compile where it is called.
#define HANDGRAD_OPERATIONS(X)                                                                                         \
    X(linear_forward)                                                                                                  \
    X(linear_backward)                                                                                                 \
    X(linear_backward_input)                                                                                           \
    X(linear_backward_weight)                                                                                          \
    X(linear_backward_bias)                                                                                            \
    X(relu_forward)                                                                                                    \
    X(relu_backward)                                                                                                   \
    X(sigmoid_forward)                                                                                                 \
    X(sigmoid_backward)                                                                                                \
    X(tanh_forward)                                                                                                    \
    X(tanh_backward)                                                                                                   \
    X(conv2d_forward)                                                                                                  \
    X(conv2d_backward)                                                                                                 \
    X(conv2d_backward_input)                                                                                           \
    X(conv2d_backward_weight)                                                                                          \
    X(conv2d_backward_bias)                                                                                            \
    X(max_pool2d_forward)                                                                                              \
    X(max_pool2d_backward)                                                                                             \
    X(avg_pool2d_forward)                                                                                              \
    X(avg_pool2d_backward)                                                                                             \
    X(conv2d_relu_max_pool2d_forward)                                                                                  \
    X(conv2d_relu_max_pool2d_backward_input)                                                                           \
    X(conv2d_relu_max_pool2d_backward_parameters)                                                                      \
    X(flatten_forward)                                                                                                 \
    X(flatten_backward)                                                                                                \
    X(softmax_forward)                                                                                                 \
    X(softmax_backward)                                                                                                \
    X(cross_entropy_forward)                                                                                           \
    X(cross_entropy_backward)                                                                                          \
    X(l2_penalty_forward)                                                                                              \
    X(l2_penalty_backward)                                                                                             \
    X(count_correct)                                                                                                   \
    X(sgd_step)

/// Defines a static member that passes its arguments on to the operation of the same name in the namespace `space`.
#define HANDGRAD_FORWARD_TO(space, name)                                                                               \
    template <class... Args> static decltype(auto) name(Args&&... args) {                                              \
        return space::name(std::forward<Args>(args)...);                                                               \
    }
