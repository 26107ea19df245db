#pragma once
/// @file
/// The list of operations: every backend has all of them. A new operation adds its include and its line.

#include "handgrad/ops/activation/activation.hpp"
#include "handgrad/ops/adam/adam.hpp"
#include "handgrad/ops/add/add.hpp"
#include "handgrad/ops/attention/attention.hpp"
#include "handgrad/ops/batch_norm/batch_norm.hpp"
#include "handgrad/ops/conv2d/conv2d.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/conv2d_relu_max_pool2d.hpp"
#include "handgrad/ops/cross_entropy/cross_entropy.hpp"
#include "handgrad/ops/dropout/dropout.hpp"
#include "handgrad/ops/embedding/embedding.hpp"
#include "handgrad/ops/flatten/flatten.hpp"
#include "handgrad/ops/l2_penalty/l2_penalty.hpp"
#include "handgrad/ops/layer_norm/layer_norm.hpp"
#include "handgrad/ops/linear/linear.hpp"
#include "handgrad/ops/lstm/lstm.hpp"
#include "handgrad/ops/pool2d/pool2d.hpp"
#include "handgrad/ops/rmsprop/rmsprop.hpp"
#include "handgrad/ops/rnn/rnn.hpp"
#include "handgrad/ops/sgd/sgd.hpp"
#include "handgrad/ops/softmax/softmax.hpp"

namespace handgrad {

/// All operations at one place, on numbers of one type, as static functions. A backend derives from this type. Modules,
/// optimisers and tests are templates over a backend (`nn::Linear<Cpu<float>>`), so they run on all backends.
template <class Place, class T> struct Operations : ActivationOperations<Place, T>,
                                                    AdamOperations<Place, T>,
                                                    AddOperations<Place, T>,
                                                    AttentionOperations<Place, T>,
                                                    BatchNormOperations<Place, T>,
                                                    Conv2dOperations<Place, T>,
                                                    Conv2dReluMaxPool2dOperations<Place, T>,
                                                    CrossEntropyOperations<Place, T>,
                                                    DropoutOperations<Place, T>,
                                                    EmbeddingOperations<Place, T>,
                                                    FlattenOperations<Place, T>,
                                                    L2PenaltyOperations<Place, T>,
                                                    LayerNormOperations<Place, T>,
                                                    LinearOperations<Place, T>,
                                                    LstmOperations<Place, T>,
                                                    Pool2dOperations<Place, T>,
                                                    RMSpropOperations<Place, T>,
                                                    RnnOperations<Place, T>,
                                                    SgdOperations<Place, T>,
                                                    SoftmaxOperations<Place, T> {
    using Scalar = T;                              ///< type of one number
    using Tensor = TensorOf<Place, T>;             ///< type of an array
    using Labels = TensorOf<Place, std::int64_t>;  ///< type of a batch's classes, or of tokens
    using Indices = TensorOf<Place, std::int32_t>; ///< type of the winners of max-pooling
};

} // namespace handgrad
