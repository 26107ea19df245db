#pragma once
// ## What a network answers
//
// For every digit we note the class that the network chooses and its probability, as in chapter 08.
// Two numbers sum it up: the error rate, and how sure the network is where it is wrong.

#include <algorithm>
#include <cstddef>
#include <vector>

#include <handgrad/backends/cpu.hpp>
#include <handgrad/train/predictions.hpp>

#include "model.hpp"

using handgrad::Labels;
using handgrad::Tensor;

using Answers = std::vector<handgrad::train::Prediction>;

inline Answers answers(Network<handgrad::Cpu<float>>& network,
                       const Tensor<float>& x, const Labels& y) {
    const Tensor<float> p = handgrad::Cpu<float>::softmax_forward(network(x));
    Answers result;
    for (std::size_t n = 0; n < p.shape(0); ++n) {
        const float* row = &p(n, 0);
        const float* best = std::max_element(row, row + p.shape(1));
        result.push_back({y(n), best - row, double{*best}});
    }
    return result;
}

// The first examples of a batch, or their labels: where a thousand are enough.
template <class T>
Tensor<T> first_of(const Tensor<T>& batch, std::size_t count) {
    handgrad::Shape shape = batch.shape();
    shape[0] = std::min(shape[0], count);
    Tensor<T> result(shape);
    std::copy_n(batch.data(), result.size(), result.data());
    return result;
}

inline bool is_wrong(const handgrad::train::Prediction& answer) {
    return answer.chosen != answer.label;
}

// In percent.
inline double error_rate(const Answers& answers) {
    const auto wrong = std::count_if(answers.begin(), answers.end(), is_wrong);
    return 100 * static_cast<double>(wrong) /
           static_cast<double>(answers.size());
}

// The mean probability of the chosen class over the wrong answers; 0 if there are none.
inline double confidence_when_wrong(const Answers& answers) {
    double sum = 0;
    std::size_t count = 0;
    for (const auto& answer : answers) {
        if (!is_wrong(answer)) { continue; }
        sum += answer.probability;
        ++count;
    }
    return count > 0 ? sum / static_cast<double>(count) : 0;
}
