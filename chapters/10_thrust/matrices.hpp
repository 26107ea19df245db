#pragma once
// ## Matrix products: tabulate
//
// There is one work item for each number of the result. It goes along a row of one matrix and a
// column of the other. That is enough work items for any machine. But each multiplication reads two
// numbers, and every item of a row reads the same row again: it is the loop `nki` of chapter 03, in
// parallel. The remedy of chapter 03, tiles in registers, is what OpenBLAS and cuBLAS do, and no
// algorithm of Thrust does it for us.

#include <thrust/tabulate.h>

#include "sizes.hpp"

// y[n, k] = b[k] + sum over i of x[n, i] w[i, k].
struct LinearForward {
    const float *x, *w, *b;
    int D_in, D_out;
    ON_DEVICE float operator()(int item) const {
        const int n = item / D_out, k = item % D_out;
        float sum = b[k];
        for (int i = 0; i < D_in; ++i) {
            sum += x[n * D_in + i] * w[i * D_out + k];
        }
        return sum;
    }
};

// dx[n, i] = sum over k of dy[n, k] w[i, k].
struct LinearBackwardInput {
    const float *dy, *w;
    int D_in, D_out;
    ON_DEVICE float operator()(int item) const {
        const int n = item / D_in, i = item % D_in;
        float sum = 0;
        for (int k = 0; k < D_out; ++k) {
            sum += dy[n * D_out + k] * w[i * D_out + k];
        }
        return sum;
    }
};

// dw[i, k] = sum over n of x[n, i] dy[n, k].
struct LinearBackwardWeight {
    const float *x, *dy;
    int N, D_in, D_out;
    ON_DEVICE float operator()(int item) const {
        const int i = item / D_out, k = item % D_out;
        float sum = 0;
        for (int n = 0; n < N; ++n) {
            sum += x[n * D_in + i] * dy[n * D_out + k];
        }
        return sum;
    }
};

template <class Policy>
void linear_forward(const Policy& policy, const float* x, const float* w,
                    const float* b, float* y, int N, int D_in, int D_out) {
    thrust::tabulate(policy, y, y + N * D_out,
                     LinearForward{x, w, b, D_in, D_out});
}

template <class Policy> void linear_backward_input(const Policy& policy,
                                                   const float* dy,
                                                   const float* w, float* dx,
                                                   int N, int D_in, int D_out) {
    thrust::tabulate(policy, dx, dx + N * D_in,
                     LinearBackwardInput{dy, w, D_in, D_out});
}

template <class Policy>
void linear_backward_weight(const Policy& policy, const float* x,
                            const float* dy, float* dw, int N, int D_in,
                            int D_out) {
    thrust::tabulate(policy, dw, dw + D_in * D_out,
                     LinearBackwardWeight{x, dy, N, D_in, D_out});
}
