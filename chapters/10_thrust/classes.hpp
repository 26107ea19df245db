#pragma once
// ## Softmax and loss: one item per row
//
// Ten scores per digit are too few to share, but there are many digits. So a work item computes a
// whole row: the maximum, the exponentials, their sum, and the loss of this digit.

#include <cmath>
#include <cstdint>

#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/tabulate.h>

#include "sizes.hpp"

// p[n] = softmax(z[n]) and losses[n] = log(sum over k of exp(z[n, k])) - z[n, y[n]]. The maximum is
// subtracted first, so that exp cannot overflow.
struct SoftmaxRow {
    const float* z;
    const std::int32_t* y;
    float *p, *losses;
    int K;
    ON_DEVICE void operator()(int n) const {
        const float* row = z + n * K;
        float maximum = row[0], sum = 0;
        for (int k = 1; k < K; ++k) {
            maximum = row[k] > maximum ? row[k] : maximum;
        }
        for (int k = 0; k < K; ++k) {
            p[n * K + k] = std::exp(row[k] - maximum);
            sum += p[n * K + k];
        }
        for (int k = 0; k < K; ++k) { p[n * K + k] /= sum; }
        losses[n] = std::log(sum) - (row[y[n]] - maximum);
    }
};

// The mean of all losses, by a single item, so that the order is fixed.
struct Mean {
    const float* losses;
    int N;
    ON_DEVICE float operator()(int) const {
        float sum = 0;
        for (int n = 0; n < N; ++n) { sum += losses[n]; }
        return sum / static_cast<float>(N);
    }
};

// dz[n, k] = (p[n, k] - 1[k = y[n]]) / N.
struct CrossEntropyGradient {
    const float* p;
    const std::int32_t* y;
    int N, K;
    ON_DEVICE float operator()(int item) const {
        const float is_label = item % K == y[item / K] ? 1.0f : 0.0f;
        return (p[item] - is_label) / static_cast<float>(N);
    }
};

template <class Policy>
void cross_entropy_forward(const Policy& policy, const float* z,
                           const std::int32_t* y, float* p, float* losses,
                           float* mean, int N, int K) {
    const auto rows = thrust::make_counting_iterator(0);
    thrust::for_each(policy, rows, rows + N, SoftmaxRow{z, y, p, losses, K});
    thrust::tabulate(policy, mean, mean + 1, Mean{losses, N});
}

template <class Policy>
void cross_entropy_backward(const Policy& policy, const float* p,
                            const std::int32_t* y, float* dz, int N, int K) {
    thrust::tabulate(policy, dz, dz + N * K, CrossEntropyGradient{p, y, N, K});
}
