#pragma once
// ## Convolution: each item gathers what it needs
//
// Each work item computes one number of the result and fetches everything that goes into it. The
// other way would be to go through the inputs and *add* each of them to all results in which it
// takes part. Then two threads could add to the same number at the same time. GPUs have atomic
// additions for that, but the order of the additions, and with it the last bits, would be left to
// chance.
//
// ![One pixel of dx gathers from all windows that cover it. No other work item writes to this pixel.](gather.svg)

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
    ConvSizes size;
    const float *x, *w, *b;

    ON_DEVICE float at(int n, int k, int p, int q) const {
        float sum = b[k];
        for (int c = 0; c < size.C_in; ++c) {
            for (int r = 0; r < size.R; ++r) {
                const float* pixels =
                    x + ((n * size.C_in + c) * size.H + p + r) * size.W + q;
                const float* weights =
                    w + ((k * size.C_in + c) * size.R + r) * size.S;
                for (int s = 0; s < size.S; ++s) {
                    sum += weights[s] * pixels[s];
                }
            }
        }
        return sum;
    }
    // Which number of y is number `item`? Division gives its four indices, the last one first.
    ON_DEVICE float operator()(int item) const {
        const int q = item % size.Q(), p = item / size.Q() % size.P();
        const int map = item / size.Q() / size.P();
        return at(map / size.C_out, map % size.C_out, p, q);
    }
};

// dx[n, c, h, w] = sum over k, r, s of dy[n, k, h - r, w - s] w[k, c, r, s], over all places inside
// of dy. The function looks for the windows that cover a pixel, not for the pixels that a window
// covers.
struct ConvBackwardInput {
    ConvSizes size;
    const float *dy, *weights;
    ON_DEVICE float operator()(int item) const {
        const int w = item % size.W, h = item / size.W % size.H;
        const int map = item / size.W / size.H;
        const int n = map / size.C_in, c = map % size.C_in;
        float sum = 0;
        for (int k = 0; k < size.C_out; ++k) {
            for (int r = 0; r < size.R; ++r) {
                const int p = h - r;
                if (p < 0 || p >= size.P()) { continue; }
                const float* gradients =
                    dy + ((n * size.C_out + k) * size.P() + p) * size.Q();
                const float* row =
                    weights + ((k * size.C_in + c) * size.R + r) * size.S;
                for (int s = 0; s < size.S; ++s) {
                    const int q = w - s;
                    if (q < 0 || q >= size.Q()) { continue; }
                    sum += gradients[q] * row[s];
                }
            }
        }
        return sum;
    }
};

// dw[k, c, r, s] = sum over n, p, q of dy[n, k, p, q] x[n, c, p + r, q + s]. The first layer has
// only 250 weights. One item per weight would leave a GPU almost empty, and every item would have
// tens of thousands of additions to do. So there is one item per weight and image: `parts` holds dw
// of each image, and a second step adds up the images. Both orders are fixed.
struct ConvBackwardWeightOfImage {
    ConvSizes size;
    const float *x, *dy;
    ON_DEVICE float operator()(int item) const {
        const int s = item % size.S, r = item / size.S % size.R;
        const int c = item / size.S / size.R % size.C_in;
        const int k = item / (size.C_in * size.R * size.S) % size.C_out;
        const int n = item / size.w();
        float sum = 0;
        for (int p = 0; p < size.P(); ++p) {
            const float* pixels =
                x + ((n * size.C_in + c) * size.H + p + r) * size.W + s;
            const float* gradients =
                dy + ((n * size.C_out + k) * size.P() + p) * size.Q();
            for (int q = 0; q < size.Q(); ++q) {
                sum += gradients[q] * pixels[q];
            }
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

template <class Policy>
void conv2d_forward(const Policy& policy, const ConvSizes& size, const float* x,
                    const float* w, const float* b, float* y) {
    thrust::tabulate(policy, y, y + size.y(), ConvForward{size, x, w, b});
}

template <class Policy>
void conv2d_backward_input(const Policy& policy, const ConvSizes& size,
                           const float* dy, const float* w, float* dx) {
    thrust::tabulate(policy, dx, dx + size.x(), ConvBackwardInput{size, dy, w});
}

// `parts` is memory for N times as many numbers as w has. Adding up the images is adding up the
// columns of a matrix of shape (N, size of w).
template <class Policy>
void conv2d_backward_weight(const Policy& policy, const ConvSizes& size,
                            const float* x, const float* dy, float* parts,
                            float* dw) {
    const ConvBackwardWeightOfImage of_image{size, x, dy};
    thrust::tabulate(policy, parts, parts + size.N * size.w(), of_image);
    column_sums(policy, parts, dw, size.N, size.w());
}

template <class Policy>
void conv2d_backward_bias(const Policy& policy, const ConvSizes& size,
                          const float* dy, float* parts, float* db) {
    const ConvBackwardBiasOfImage of_image{dy, size.P() * size.Q()};
    thrust::tabulate(policy, parts, parts + size.N * size.C_out, of_image);
    column_sums(policy, parts, db, size.N, size.C_out);
}

// ## Max-pooling: two results at once, and scatter
//
// The function returns a tuple, the largest number and its place, and a `zip_iterator` stores the
// two parts in two ranges. If two numbers are equal, the first one wins; a NaN wins always.
struct Pooling {
    const float* x;
    int H, W;
    ON_DEVICE thrust::tuple<float, std::int32_t> operator()(int window) const {
        const int columns = W / 2, rows = H / 2;
        const int q = window % columns, p = window / columns % rows;
        const int map = window / columns / rows;
        const int corner = (map * H + 2 * p) * W + 2 * q;
        int winner = corner;
        for (int i = 1; i < 4; ++i) {
            const int place = corner + i / 2 * W + i % 2;
            if (x[place] > x[winner] || x[place] != x[place]) {
                winner = place;
            }
        }
        return thrust::make_tuple(x[winner], winner);
    }
};

template <class Policy>
void max_pool2d_forward(const Policy& policy, const float* x, int maps, int H,
                        int W, float* y, std::int32_t* winners) {
    const int windows = maps * (H / 2) * (W / 2);
    const auto items = thrust::make_counting_iterator(0);
    const auto results =
        thrust::make_zip_iterator(thrust::make_tuple(y, winners));
    thrust::transform(policy, items, items + windows, results,
                      Pooling{x, H, W});
}

// Backward sends each gradient to its winner: result[map[i]] = source[i], which is
// `thrust::scatter`. The windows do not overlap, so no two of them write to the same place. If they
// did, scatter would be wrong.
template <class Policy>
void max_pool2d_backward(const Policy& policy, const float* dy,
                         const std::int32_t* winners, int windows, float* dx,
                         int pixels) {
    thrust::fill(policy, dx, dx + pixels, 0.0f);
    thrust::scatter(policy, dy, dy + windows, winners, dx);
}
