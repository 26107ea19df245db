#pragma once
/// @file
/// The predictions of a trained classifier for a data set, and its mistakes. Chapter 08 writes the same functions by
/// hand. For the backends Cpu, Device and Reference, each of float and of double.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "handgrad/data/data_loader.hpp"
#include "handgrad/nn/module.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::train {

/// The prediction for one example.
struct Prediction {
    std::int64_t label;  ///< true class
    std::int64_t chosen; ///< class with the largest score, the first of equal ones; NaN counts as the largest, as in
                         ///< ops/cross_entropy/cross_entropy.hpp
    double probability;  ///< softmax probability of the chosen class
};

/// Returns a prediction for each example, in the order of the loader.
/// @param loader loader of the data; without shuffling, prediction n is that for example n of the data set
/// @param model returns scores (N, K), without a softmax; in evaluation mode afterwards
template <class Backend> std::vector<Prediction> predict(data::DataLoader<Backend>& loader, nn::Module<Backend>& model);

/// Returns the confusion matrix (K, K): entry (r, c) counts the examples of class r for which the model chose class c.
/// @param predictions predictions with classes 0 .. K-1
/// @param classes number of classes, K
/// @throws ShapeError for a class outside 0 .. K-1, or K less than 1
Tensor<std::int64_t> confusion_matrix(const std::vector<Prediction>& predictions, std::size_t classes);

/// Returns the indices of at most `most` wrong predictions, sorted by falling probability (a NaN before all numbers).
std::vector<std::size_t> worst_mistakes(const std::vector<Prediction>& predictions, std::size_t most);

} // namespace handgrad::train
