#pragma once
// ## What the weights of a linear classifier predict
//
// For a linear classifier we can say how far each digit is from being misread, before any attack.
// The digit is read correctly as long as its true class y has a larger score than every rival k.
// When every pixel may change by eps, the lead $z_y - z_k$ shrinks by at most
// $\epsilon \sum_i |w_{iy} - w_{ik}|$ (introduction). So the smallest eps with which *any* attack
// can succeed is
// $$ \epsilon_n = \min_{k \ne y} \frac{z_y - z_k}{\sum_i |w_{iy} - w_{ik}|}. $$

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <handgrad/tensor/tensor.hpp>

using handgrad::Labels;
using handgrad::Tensor;

// The way of one digit to its nearest rival.
struct Way {
    double lead; // z_y - z_k, negative if the digit is misread already
    double
        by_sum; // the sum of |w_iy - w_ik| over i: what the best attack takes
    double
        by_root; // the root of the sum of the squares: what random signs take
    double eps() const { return lead / by_sum; }
};

inline std::vector<Way> ways_to_rivals(const Tensor<float>& z, const Labels& y,
                                       const Tensor<float>& w) {
    std::array<std::array<Way, 10>, 10> pairs{};
    for (std::size_t a = 0; a < 10; ++a) {
        for (std::size_t b = 0; b < 10; ++b) {
            double sum = 0, squares = 0;
            for (std::size_t i = 0; i < w.shape(0); ++i) {
                const double d = double{w(i, a)} - double{w(i, b)};
                sum += std::abs(d);
                squares += d * d;
            }
            pairs[a][b] = {0, sum, std::sqrt(squares)};
        }
    }
    std::vector<Way> ways;
    for (std::size_t n = 0; n < y.size(); ++n) {
        const auto label = static_cast<std::size_t>(y(n));
        Way nearest{std::numeric_limits<double>::infinity(), 1, 1};
        for (std::size_t k = 0; k < 10; ++k) {
            if (k == label) { continue; }
            Way way = pairs[label][k];
            way.lead = double{z(n, label)} - double{z(n, k)};
            if (way.eps() < nearest.eps()) { nearest = way; }
        }
        ways.push_back(nearest);
    }
    return ways;
}

// The error rate, in percent, of the best possible attack: the digits whose $\epsilon_n$ is at most eps.
inline double predicted_error(const std::vector<Way>& ways, double eps) {
    const auto misread =
        std::count_if(ways.begin(), ways.end(),
                      [&](const Way& way) { return way.eps() <= eps; });
    return 100 * static_cast<double>(misread) /
           static_cast<double>(ways.size());
}

// With random signs the lead changes by $\epsilon \sum_i \pm (w_{iy} - w_{ik})$. This is a sum of
// 784 independent terms with mean 0, so nearly normal, with the standard deviation
// $\epsilon \sqrt{\sum_i (w_{iy} - w_{ik})^2}$. We add up the probabilities that it eats the lead
// over the nearest rival.
inline double predicted_error_of_noise(const std::vector<Way>& ways,
                                       double eps) {
    double expected = 0;
    for (const Way& way : ways) {
        const double deviations = way.lead / (eps * way.by_root);
        expected += eps > 0 ? std::erfc(deviations / std::sqrt(2.0)) / 2
                            : (way.lead < 0 ? 1 : 0);
    }
    return 100 * expected / static_cast<double>(ways.size());
}

// The value in the middle of the sorted ones: of the leads, for example.
template <class F>
double median_of(const std::vector<Way>& ways, const F& value_of) {
    std::vector<double> values;
    for (const Way& way : ways) { values.push_back(value_of(way)); }
    const auto middle =
        values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}
