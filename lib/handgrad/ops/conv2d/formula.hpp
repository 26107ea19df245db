#pragma once
// Convolution, product by product, for a w or dy that is not finite. The fast kernels store the padding as zeros and
// multiply by them. That adds 0 if the other factor is finite, but 0 times infinity is NaN, and the formula has no
// product there.

#include "handgrad/ops/conv2d/im2col.hpp"

namespace handgrad::cpu::formula {

/// y = w * x + b for all images. @param b null for no bias
template <class T> void forward(const Conv2dGeometry& g, const T* x, const T* w, const T* b, T* y) {
    const Chunks chunks = chunks_of(g.N);
    parallel_for(chunks.count, [&](std::size_t chunk) {
        for (std::size_t n = chunks.begin(chunk); n < chunks.begin(chunk) + chunks.length(chunk); ++n) {
            for (std::size_t k = 0; k < g.K; ++k) {
                T* yk = y + n * g.y_image() + k * g.P * g.Q;
                const T* xg = x + n * g.x_image() + k / g.group_out() * g.group_in() * g.H * g.W;
                std::fill_n(yk, g.P * g.Q, b ? b[k] : T(0));
                im2col::for_each_run(g, [&](std::size_t row, std::size_t c, std::size_t i, std::size_t j, std::size_t p,
                                            std::size_t begin, std::size_t end) {
                    const T* from = xg + (c * g.H + i) * g.W + j;
                    for (std::size_t q = begin; q < end; ++q) {
                        yk[p * g.Q + q] += w[k * g.taps() + row] * from[(q - begin) * g.stride.w];
                    }
                });
            }
        }
    });
}

/// dw, summed over all images, overwritten.
template <class T> void backward_weight(const Conv2dGeometry& g, const T* x, const T* dy, T* dw) {
    std::fill_n(dw, g.w_size(), T(0));
    parallel_for(g.K, [&](std::size_t k) {
        for (std::size_t n = 0; n < g.N; ++n) {
            const T* dyk = dy + n * g.y_image() + k * g.P * g.Q;
            const T* xg = x + n * g.x_image() + k / g.group_out() * g.group_in() * g.H * g.W;
            im2col::for_each_run(g, [&](std::size_t row, std::size_t c, std::size_t i, std::size_t j, std::size_t p,
                                        std::size_t begin, std::size_t end) {
                const T* from = xg + (c * g.H + i) * g.W + j;
                for (std::size_t q = begin; q < end; ++q) {
                    dw[k * g.taps() + row] += dyk[p * g.Q + q] * from[(q - begin) * g.stride.w];
                }
            });
        }
    });
}

} // namespace handgrad::cpu::formula
