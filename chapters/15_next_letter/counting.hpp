#pragma once
// ## Pairs of letters
//
// Every letter of a name, and its end, is an example: the letter before is the input, the letter
// itself the target. The line break is a letter too, number 0. It stands before the first letter
// of a name and after the last one. We write it as a dot: `emma` has the pairs `.e`, `em`, `mm`,
// `ma` and `a.`, with the dot on either side.
//
// The table of counts is all that the examples tell a model of pairs: $N_{ik}$ of the N examples
// have letter i before letter k, and $N_i = \sum_k N_{ik}$ have letter i before anything.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include <handgrad/data/token_loader.hpp>
#include <handgrad/tensor/tensor.hpp>

namespace counting {

using handgrad::Shape;
using handgrad::Tensor;
using handgrad::data::Contexts;

struct Pairs {
    Tensor<double> count;                              // N_ik, (V, V)
    Tensor<double> row;                                // N_i, (V)
    double all = 0;                                    // N
    std::size_t letters() const { return row.size(); } // V
};

inline Pairs count_pairs(const Contexts& examples, std::size_t V) {
    Pairs pairs{handgrad::zeros<double>({V, V}), handgrad::zeros<double>({V})};
    for (std::size_t n = 0; n < examples.size(); ++n) {
        const auto i = static_cast<std::size_t>(examples.inputs()(n, 0));
        const auto k = static_cast<std::size_t>(examples.outputs()(n));
        pairs.count(i, k) += 1;
        pairs.row(i) += 1;
        pairs.all += 1;
    }
    return pairs;
}

// The probabilities are the frequencies $p_{ik} = N_{ik} / N_i$. With $\lambda$ added to every
// count they are $(N_{ik} + \lambda) / (N_i + \lambda V)$. A letter that never comes before
// another has no frequencies, and gets $1/V$.
inline Tensor<double> frequencies(const Pairs& pairs, double added = 0) {
    const std::size_t V = pairs.letters();
    Tensor<double> p(Shape{V, V}, 1 / static_cast<double>(V));
    for (std::size_t i = 0; i < V; ++i) {
        const double sum = pairs.row(i) + added * static_cast<double>(V);
        if (sum == 0) { continue; }
        for (std::size_t k = 0; k < V; ++k) {
            p(i, k) = (pairs.count(i, k) + added) / sum;
        }
    }
    return p;
}

// The loss of a table of probabilities: the mean of $-\log p$ over all examples. The $N_{ik}$
// equal ones are added up at once. A pair that never occurs adds nothing, even if its probability
// is 0.
inline double mean_loss(const Tensor<double>& p, const Pairs& pairs) {
    double sum = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        const double count = pairs.count.data()[i];
        if (count > 0) { sum -= count * std::log(p.data()[i]); }
    }
    return sum / pairs.all;
}

// ## The same table, learned
//
// Now the table $w$ holds a score for each pair, and softmax makes probabilities of a row:
// $p_{ik} = e^{w_{ik}} / \sum_j e^{w_{ij}}$. Forward and backward stand side by side. The loss is
// $$L = \frac1N \sum_i \Bigl( N_i \log \sum_j e^{w_{ij}} - \sum_k N_{ik} w_{ik} \Bigr), \qquad
// dw_{ik} = \frac{N_i\, p_{ik} - N_{ik}}{N}.$$
// The largest score of a row is subtracted before the exponential function, so that no power
// overflows.
inline Tensor<double> softmax_rows(const Tensor<double>& w) {
    Tensor<double> p = w;
    const std::size_t V = w.shape(1);
    for (std::size_t i = 0; i < w.shape(0); ++i) {
        double largest = w(i, 0), sum = 0;
        for (std::size_t k = 1; k < V; ++k) {
            largest = std::fmax(largest, w(i, k));
        }
        for (std::size_t k = 0; k < V; ++k) {
            p(i, k) = std::exp(w(i, k) - largest);
            sum += p(i, k);
        }
        for (std::size_t k = 0; k < V; ++k) { p(i, k) /= sum; }
    }
    return p;
}

inline double table_forward(const Tensor<double>& w, const Pairs& pairs,
                            Tensor<double>& p) {
    p = softmax_rows(w);
    return mean_loss(p, pairs);
}

inline Tensor<double> table_backward(const Tensor<double>& p,
                                     const Pairs& pairs) {
    Tensor<double> dw = p;
    for (std::size_t i = 0; i < p.shape(0); ++i) {
        for (std::size_t k = 0; k < p.shape(1); ++k) {
            dw(i, k) = (pairs.row(i) * p(i, k) - pairs.count(i, k)) / pairs.all;
        }
    }
    return dw;
}

// Gradient descent on all examples. Their number makes no difference: a step goes through the
// table of counts once, whether it stands for a hundred names or for a million. The learning rate
// is the one that the idea derives: one over the largest curvature that the loss can have, that
// of the most frequent row, at most $N_i / (2 N)$. `penalty` is the weight of an L2 penalty,
// which adds to the curvature. `look` sees the number of steps so far, and the loss.
inline double safe_rate(const Pairs& pairs, double penalty = 0) {
    const double most = *std::max_element(pairs.row.begin(), pairs.row.end());
    return 1 / (most / (2 * pairs.all) + penalty);
}

template <class Look> Tensor<double> descend(const Pairs& pairs, double penalty,
                                             std::size_t steps,
                                             const Look& look) {
    const std::size_t V = pairs.letters();
    const double lr = safe_rate(pairs, penalty);
    Tensor<double> w = handgrad::zeros<double>({V, V}), p;
    for (std::size_t t = 0; t <= steps; ++t) {
        look(t, table_forward(w, pairs, p));
        if (t == steps) { break; }
        const Tensor<double> dw = table_backward(p, pairs);
        for (std::size_t i = 0; i < w.size(); ++i) {
            w.data()[i] -= lr * (dw.data()[i] + penalty * w.data()[i]);
        }
    }
    return p;
}

// ## Longer contexts, counted
//
// The same with more letters before: one row of counts for each context that occurs.
class LongCounts {
public:
    LongCounts(const Contexts& examples, std::size_t V)
        : V_(static_cast<double>(V)) {
        for (std::size_t n = 0; n < examples.size(); ++n) {
            Row& row = rows_[context(examples, n)];
            row.count[examples.outputs()(n)] += 1;
            row.all += 1;
        }
    }

    std::size_t contexts() const { return rows_.size(); }

    double mean_loss(const Contexts& examples, double added) const {
        double sum = 0;
        for (std::size_t n = 0; n < examples.size(); ++n) {
            double count = added, all = added * V_;
            const auto row = rows_.find(context(examples, n));
            if (row != rows_.end()) {
                const auto& counts = row->second.count;
                const auto next = counts.find(examples.outputs()(n));
                if (next != counts.end()) { count += next->second; }
                all += row->second.all;
            }
            sum -= std::log(count / all);
        }
        return sum / static_cast<double>(examples.size());
    }

private:
    struct Row {
        std::map<std::int64_t, double> count;
        double all = 0;
    };
    using Context = std::vector<std::int64_t>;
    static Context context(const Contexts& examples, std::size_t n) {
        const std::size_t T = examples.length();
        const auto* first = examples.inputs().data() + n * T;
        return {first, first + T};
    }
    double V_;
    std::map<Context, Row> rows_;
};

} // namespace counting
