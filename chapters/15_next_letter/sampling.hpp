#pragma once
// ## Making a name
//
// A model that gives probabilities can write: begin with a context of line breaks, draw a letter,
// move the context on by one letter, and stop when a line break is drawn.
//
// To draw from probabilities, take a number u, uniform from 0 to 1, and walk along the letters
// until their probabilities add up to more than u. Every letter owns a part of the range from 0
// to 1, as long as its probability.
//
// The *temperature* divides the scores before softmax. Probabilities become powers: divided by a
// temperature of 0.5, all scores double, and all probabilities are squared before they are made
// to add up to 1 again. So below 1 the likely letters become likelier, above 1 all become more
// alike.
//
// <details class="predict"><summary>Predict: two letters have the probabilities 0.9 and 0.1. What are they at temperature 2?</summary>
//
// Their roots are 0.949 and 0.316. Divided by the sum, 1.265, they are 0.75 and 0.25.
//
// </details>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <handgrad/data/text.hpp>
#include <handgrad/tensor/random.hpp>

#include "model.hpp"

namespace sampling {

using Scores = std::vector<double>; // of the V letters
using Context = std::vector<std::int64_t>;

inline std::int64_t draw(Scores scores, double temperature, Random& random) {
    const double most = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (double& score : scores) {
        score = std::exp((score - most) / temperature);
        sum += score;
    }
    double left = random.uniform() * sum;
    std::size_t last = 0; // of those that may be drawn, should rounding matter
    for (std::size_t k = 0; k < scores.size(); ++k) {
        if (scores[k] == 0) { continue; }
        last = k;
        left -= scores[k];
        if (left < 0) { break; }
    }
    return static_cast<std::int64_t>(last);
}

// The name ends with the line break, or after as many letters as a name in a list may have.
// `scores_of` is the model: the scores of the letter after a context.
template <class ScoresOf>
Context make_name(const ScoresOf& scores_of, std::size_t context,
                  std::int64_t line_break, double temperature, Random& random) {
    Context before(context, line_break), name;
    while (name.size() < handgrad::data::max_name_characters) {
        const std::int64_t next = draw(scores_of(before), temperature, random);
        if (next == line_break) { break; }
        name.push_back(next);
        before.push_back(next);
        before.erase(before.begin());
    }
    return name;
}

// The two models. A table has a row of scores for the last letter: the logarithms of its
// probabilities.
class TableScores {
public:
    explicit TableScores(const handgrad::Tensor<double>& p) : p_(p) {}
    Scores operator()(const Context& before) const {
        Scores scores;
        const auto i = static_cast<std::size_t>(before.back());
        for (std::size_t k = 0; k < p_.shape(1); ++k) {
            scores.push_back(std::log(p_(i, k)));
        }
        return scores;
    }

private:
    const handgrad::Tensor<double>& p_;
};

template <class Backend> class NetScores {
public:
    explicit NetScores(LetterNet<Backend>& net) : net_(net) {}
    Scores operator()(const Context& before) const {
        handgrad::Labels tokens(handgrad::Shape{1, before.size()});
        std::copy(before.begin(), before.end(), tokens.data());
        const auto& z = net_.scores(tokens);
        return {z.data(), z.data() + z.size()};
    }

private:
    LetterNet<Backend>& net_;
};

} // namespace sampling
