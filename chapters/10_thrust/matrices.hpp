#pragma once
// ### Matrix products: tabulate
//
// One work item for each number of the result, which goes along a row of one matrix and a column of the other. There are
// enough of them for any machine. But each multiplication reads two numbers, and the same row is read again by every item
// of that row: chapter 3's loop `ijk`, in parallel. What chapter 3 then did, tiles in registers, is what OpenBLAS and
// cuBLAS do, and what no algorithm of Thrust does for us.

#include <thrust/tabulate.h>

#include "sizes.hpp"

// y[n, k] = b[k] + sum over d of x[n, d] w[d, k].
struct LinearForward {
    const float *x, *w, *b;
    int in, out;
    ON_DEVICE float operator()(int item) const {
        const int n = item / out, k = item % out;
        float sum = b[k];
        for (int d = 0; d < in; ++d) { sum += x[n * in + d] * w[d * out + k]; }
        return sum;
    }
};

// dx[n, d] = sum over k of dy[n, k] w[d, k].
struct LinearBackwardInput {
    const float *dy, *w;
    int in, out;
    ON_DEVICE float operator()(int item) const {
        const int n = item / in, d = item % in;
        float sum = 0;
        for (int k = 0; k < out; ++k) { sum += dy[n * out + k] * w[d * out + k]; }
        return sum;
    }
};

// dw[d, k] = sum over n of x[n, d] dy[n, k].
struct LinearBackwardWeight {
    const float *x, *dy;
    int N, in, out;
    ON_DEVICE float operator()(int item) const {
        const int d = item / out, k = item % out;
        float sum = 0;
        for (int n = 0; n < N; ++n) { sum += x[n * in + d] * dy[n * out + k]; }
        return sum;
    }
};

template <class Policy> void linear_forward(const Policy& policy, const float* x, const float* w, const float* b,
                                            float* y, int N, int in, int out) {
    thrust::tabulate(policy, y, y + N * out, LinearForward{x, w, b, in, out});
}

template <class Policy>
void linear_backward_input(const Policy& policy, const float* dy, const float* w, float* dx, int N, int in, int out) {
    thrust::tabulate(policy, dx, dx + N * in, LinearBackwardInput{dy, w, in, out});
}

template <class Policy>
void linear_backward_weight(const Policy& policy, const float* x, const float* dy, float* dw, int N, int in, int out) {
    thrust::tabulate(policy, dw, dw + in * out, LinearBackwardWeight{x, dy, N, in, out});
}
