#pragma once
/// @file
/// What a trained classifier says about each example of a data set, and where it is wrong. Chapter 08 writes the same
/// out by hand. For the backends Cpu, Device and Reference, each of float and of double.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "handgrad/data/data_loader.hpp"
#include "handgrad/nn/module.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::train {

/// What a model made of one example.
struct Prediction {
    std::int64_t label;  ///< its true class
    std::int64_t chosen; ///< the class with the largest score, the first one of equals; a NaN is the largest, as in
                         ///< ops/cross_entropy/cross_entropy.hpp
    double probability;  ///< that the model gave to the class chosen: its softmax
};

/// A prediction for each example, in the order in which the loader deals them out.
/// @param loader the data; unshuffled, so that prediction n is about example n of the data set
/// @param model gives scores (N, K), without a softmax; in evaluation mode afterwards
template <class Backend> std::vector<Prediction> predict(data::DataLoader<Backend>& loader, nn::Module<Backend>& model);

/// The confusion matrix (K, K): entry (r, c) counts the examples of class r that were taken for class c.
/// @param predictions of classes 0 .. K-1
/// @param classes K
/// @throws ShapeError for a class from K on, or K less than 1
Tensor<std::int64_t> confusion_matrix(const std::vector<Prediction>& predictions, std::size_t classes);

/// The numbers of the predictions that are wrong, the one with the largest probability first (a NaN before all
/// numbers), at most `most` of them.
std::vector<std::size_t> worst_mistakes(const std::vector<Prediction>& predictions, std::size_t most);

} // namespace handgrad::train
