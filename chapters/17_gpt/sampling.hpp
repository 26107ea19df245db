#pragma once
// ## Writing
//
// The model gives scores for the token that follows. Softmax turns them into probabilities, and we
// draw a token: always taking the likeliest one would soon lead to repetitions. Two numbers control the draw. The
// scores are divided by the *temperature* first, so below 1 the likely tokens become likelier.
// *Top-k* leaves out all tokens but the k likeliest, so that a very unlikely one is never drawn.
//
// <details class="predict"><summary>Predict: two tokens have the probabilities 0.8 and 0.2. What are they at temperature 0.5?</summary>
//
// Dividing the scores by 0.5 doubles them, so both probabilities are squared and divided by their
// sum: 0.64 / 0.68 = 0.94 and 0.04 / 0.68 = 0.06.
//
// </details>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <handgrad/error.hpp>
#include <handgrad/tensor/random.hpp>

#include "model.hpp"

struct Sampling {
    double temperature = 1;
    std::size_t top_k = 1;
    bool cache = true; // whether keys and values are kept
};

inline std::int64_t draw(const std::vector<double>& scores,
                         const Sampling& sampling, Random& random) {
    const bool finite = std::all_of(scores.begin(), scores.end(),
                                    [](double z) { return std::isfinite(z); });
    handgrad::require<handgrad::DataError>(
        finite, "the scores of the next token are not finite numbers: the "
                "weights are too large");
    std::vector<double> p = scores;
    const auto k =
        static_cast<std::ptrdiff_t>(std::min(sampling.top_k, scores.size()));
    std::nth_element(p.begin(), p.begin() + k - 1, p.end(), std::greater<>());
    const double least = p[static_cast<std::size_t>(k - 1)];
    const double most = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        const bool kept = scores[i] >= least;
        p[i] = kept ? std::exp((scores[i] - most) / sampling.temperature) : 0;
        sum += p[i];
    }
    double left = random.uniform() * sum;
    std::size_t last = 0; // of those that may be drawn, should rounding matter
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (p[i] == 0) { continue; }
        last = i;
        left -= p[i];
        if (left < 0) { break; }
    }
    return static_cast<std::int64_t>(last);
}

// The scores for the token after the last one, without a cache.
template <class Backend> std::vector<double>
last_scores(GPT<Backend>& model, const std::vector<std::int64_t>& tokens) {
    handgrad::Labels row(Shape{1, tokens.size()});
    std::copy(tokens.begin(), tokens.end(), row.data());
    const auto inputs = Backend::from_host(std::move(row));
    const handgrad::Tensor<typename Backend::Scalar> z =
        Backend::to_host(model.forward(inputs));
    const std::size_t classes = z.shape(2);
    const auto* last = z.data() + z.size() - classes;
    return {last, last + classes};
}
