#pragma once
// ### Convolution: gather what you need
//
// Each item computes one number and fetches whatever goes into it. The other way, to go through the inputs and *add* each
// to all results that it takes part in, would have two threads add to the same number at the same time. GPUs have atomic
// additions for that; but then the order, and with it the last bits, is left to chance.

#include <cstdint>

#include <thrust/fill.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/zip_iterator.h>
#include <thrust/scatter.h>
#include <thrust/tabulate.h>
#include <thrust/transform.h>
#include <thrust/tuple.h>

#include "sizes.hpp"
#include "sums.hpp"

// y[n, k, p, q] = b[k] + sum over c, r, s of w[k, c, r, s] x[n, c, p + r, q + s].
struct ConvForward {
    ConvSizes s;
    const float *x, *w, *b;

    ON_DEVICE float at(int n, int k, int p, int q) const {
        float sum = b[k];
        for (int c = 0; c < s.C; ++c) {
            for (int r = 0; r < s.R; ++r) {
                const float* pixels = x + ((n * s.C + c) * s.H + p + r) * s.W + q;
                const float* weights = w + ((k * s.C + c) * s.R + r) * s.S;
                for (int j = 0; j < s.S; ++j) { sum += weights[j] * pixels[j]; }
            }
        }
        return sum;
    }
    // Which number of y is number `item`? Its four indices come back by division, the last one first.
    ON_DEVICE float operator()(int item) const {
        const int q = item % s.Q(), p = item / s.Q() % s.P(), map = item / s.Q() / s.P();
        return at(map / s.K, map % s.K, p, q);
    }
};

// dx[n, c, i, j] = sum over k, r, s of dy[n, k, i - r, j - s] w[k, c, r, s], where that is inside of dy. Written for the
// windows that cover the pixel, not for the pixels that a window covers.
struct ConvBackwardInput {
    ConvSizes s;
    const float *dy, *w;
    ON_DEVICE float operator()(int item) const {
        const int j = item % s.W, i = item / s.W % s.H, map = item / s.W / s.H;
        const int n = map / s.C, c = map % s.C;
        float sum = 0;
        for (int k = 0; k < s.K; ++k) {
            for (int r = 0; r < s.R; ++r) {
                const int p = i - r;
                if (p < 0 || p >= s.P()) { continue; }
                for (int t = 0; t < s.S; ++t) {
                    const int q = j - t;
                    if (q < 0 || q >= s.Q()) { continue; }
                    sum += dy[((n * s.K + k) * s.P() + p) * s.Q() + q] * w[((k * s.C + c) * s.R + r) * s.S + t];
                }
            }
        }
        return sum;
    }
};

// dw[k, c, r, s] = sum over n, p, q of dy[n, k, p, q] x[n, c, p + r, q + s]. The first layer has only 250 weights: one item
// each would leave a GPU almost empty, and every item would have tens of thousands of additions to do. So each image is an
// item of its own, `parts` has dw for each image, and a second step adds the images up. Both orders are fixed.
struct ConvBackwardWeightOfImage {
    ConvSizes s;
    const float *x, *dy;
    ON_DEVICE float operator()(int item) const {
        const int t = item % s.S, r = item / s.S % s.R, c = item / s.S / s.R % s.C;
        const int k = item / (s.C * s.R * s.S) % s.K, n = item / s.w();
        float sum = 0;
        for (int p = 0; p < s.P(); ++p) {
            const float* pixels = x + ((n * s.C + c) * s.H + p + r) * s.W + t;
            const float* gradients = dy + ((n * s.K + k) * s.P() + p) * s.Q();
            for (int q = 0; q < s.Q(); ++q) { sum += gradients[q] * pixels[q]; }
        }
        return sum;
    }
};

// db[k] = sum over n, p, q of dy[n, k, p, q], first for each image.
struct ConvBackwardBiasOfImage {
    const float* dy;
    int pixels;
    ON_DEVICE float operator()(int map) const {
        float sum = 0;
        for (int i = 0; i < pixels; ++i) { sum += dy[map * pixels + i]; }
        return sum;
    }
};

template <class Policy> void conv2d_forward(const Policy& policy, const ConvSizes& s, const float* x, const float* w,
                                            const float* b, float* y) {
    thrust::tabulate(policy, y, y + s.y(), ConvForward{s, x, w, b});
}

template <class Policy>
void conv2d_backward_input(const Policy& policy, const ConvSizes& s, const float* dy, const float* w, float* dx) {
    thrust::tabulate(policy, dx, dx + s.x(), ConvBackwardInput{s, dy, w});
}

// `parts`: memory for N times w. The sums over the images are the columns' sums of (N, size of w).
template <class Policy> void conv2d_backward_weight(const Policy& policy, const ConvSizes& s, const float* x,
                                                    const float* dy, float* parts, float* dw) {
    thrust::tabulate(policy, parts, parts + s.N * s.w(), ConvBackwardWeightOfImage{s, x, dy});
    column_sums(policy, parts, dw, s.N, s.w());
}

template <class Policy>
void conv2d_backward_bias(const Policy& policy, const ConvSizes& s, const float* dy, float* parts, float* db) {
    thrust::tabulate(policy, parts, parts + s.N * s.K, ConvBackwardBiasOfImage{dy, s.P() * s.Q()});
    column_sums(policy, parts, db, s.N, s.K);
}

// ### Max-pooling: two results at once, and scatter
//
// The function returns a tuple, the largest number and where it was, and a `zip_iterator` stores its parts in two ranges.
// Ties go to the first, a NaN wins.
struct Pooling {
    const float* x;
    int H, W;
    ON_DEVICE thrust::tuple<float, std::int32_t> operator()(int window) const {
        const int columns = W / 2, rows = H / 2;
        const int q = window % columns, p = window / columns % rows, map = window / columns / rows;
        const int corner = (map * H + 2 * p) * W + 2 * q;
        int winner = corner;
        for (int i = 1; i < 4; ++i) {
            const int place = corner + i / 2 * W + i % 2;
            if (x[place] > x[winner] || x[place] != x[place]) { winner = place; }
        }
        return thrust::make_tuple(x[winner], winner);
    }
};

template <class Policy>
void max_pool2d_forward(const Policy& policy, const float* x, int maps, int H, int W, float* y, std::int32_t* winners) {
    const int windows = maps * (H / 2) * (W / 2);
    const auto items = thrust::make_counting_iterator(0);
    const auto results = thrust::make_zip_iterator(thrust::make_tuple(y, winners));
    thrust::transform(policy, items, items + windows, results, Pooling{x, H, W});
}

// Backward sends each gradient to its winner: result[map[i]] = source[i], which is `thrust::scatter`. No two windows share
// a pixel, so no two of them write to the same place; otherwise scatter would be as wrong as it is fast.
template <class Policy> void max_pool2d_backward(const Policy& policy, const float* dy, const std::int32_t* winners,
                                                 int windows, float* dx, int pixels) {
    thrust::fill(policy, dx, dx + pixels, 0.0f);
    thrust::scatter(policy, dy, dy + windows, winners, dx);
}
