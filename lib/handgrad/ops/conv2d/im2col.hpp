#pragma once
// Convolution as a matrix product: the windows of an image become the columns of a matrix, (C_in/groups R S) x (P Q);
// the weight already is a matrix, C_out/groups x (C_in/groups R S). Source: K. Chellapilla, S. Puri and P. Simard,
// "High performance convolutional neural networks for document processing", IWFHR (2006).

#include "handgrad/ops/conv2d/geometry.hpp"
#include "handgrad/tensor/block_matmul.hpp"
#include "handgrad/tensor/gemm.hpp"

namespace handgrad::cpu::im2col {

/// Calls f(row, c, i, j, p, q_begin, q_end) for every row (c, r, s) of the matrix and every output row p whose tap lies
/// in an image row i; the columns whose tap lies in the image are q_begin <= q < q_end, the first of them at column j.
template <class F> void for_each_run(const Conv2dGeometry& g, const F& f) {
    for (std::size_t row = 0; row < g.taps(); ++row) {
        const std::size_t c = row / (g.R * g.S), r = row / g.S % g.R, s = row % g.S;
        const auto top = static_cast<std::ptrdiff_t>(r * g.dilation.h) - static_cast<std::ptrdiff_t>(g.padding.h);
        const auto left = static_cast<std::ptrdiff_t>(s * g.dilation.w) - static_cast<std::ptrdiff_t>(g.padding.w);
        const Range rows(top, g.stride.h, g.P, g.H), columns(left, g.stride.w, g.Q, g.W);
        const auto j = static_cast<std::size_t>(left + static_cast<std::ptrdiff_t>(columns.begin * g.stride.w));
        for (std::size_t p = rows.begin; p < rows.end; ++p) {
            const auto i = static_cast<std::size_t>(top + static_cast<std::ptrdiff_t>(p * g.stride.h));
            f(row, c, i, j, p, columns.begin, columns.end);
        }
    }
}

/// matrix[row * row_step + (p Q + q) * column_step] = the pixel under tap `row` of window (p, q).
/// @param x one group's channels of one image
template <class T>
void windows(const Conv2dGeometry& g, const T* x, T* matrix, std::size_t row_step, std::size_t column_step) {
    if (g.is_padded()) { std::fill_n(matrix, g.taps() * g.P * g.Q, T(0)); }
    for_each_run(g, [&](std::size_t row, std::size_t c, std::size_t i, std::size_t j, std::size_t p, std::size_t begin,
                        std::size_t end) {
        const T* from = x + (c * g.H + i) * g.W + j;
        T* to = matrix + row * row_step + p * g.Q * column_step;
        for (std::size_t q = begin; q < end; ++q) { to[q * column_step] = from[(q - begin) * g.stride.w]; }
    });
}

/// col2im: adds every entry of the matrix to the pixel of dx from which windows() copies it.
template <class T> void add_windows(const Conv2dGeometry& g, const T* matrix, T* dx) {
    for_each_run(g, [&](std::size_t row, std::size_t c, std::size_t i, std::size_t j, std::size_t p, std::size_t begin,
                        std::size_t end) {
        const T* from = matrix + (row * g.P + p) * g.Q;
        T* to = dx + (c * g.H + i) * g.W + j;
        for (std::size_t q = begin; q < end; ++q) { to[(q - begin) * g.stride.w] += from[q]; }
    });
}

/// c (m x n) += a b, b (k x n) row-major.
template <class T> void add_product(Strided<T> a, const T* b, T* c, std::size_t m, std::size_t k, std::size_t n) {
    if (suits_block_matmul<T>(k, n)) {
        block_matmul(a, b, static_cast<const T*>(nullptr), c, m, k, n);
    } else if (a.column == 1) {
        // With a single row, the distance to the next row has no effect, but BLAS checks it.
        gemm(CblasNoTrans, CblasNoTrans, m, n, k, T(1), a.data, std::max(a.row, k), b, n, T(1), c, n);
    } else {
        gemm(CblasTrans, CblasNoTrans, m, n, k, T(1), a.data, a.column, b, n, T(1), c, n);
    }
}

/// One image: y = w * x + b. @param b null for no bias @param matrix memory for the windows, taps x P Q
template <class T> void forward_image(const Conv2dGeometry& g, const T* x, const T* w, const T* b, T* y, T* matrix) {
    const std::size_t plane = g.P * g.Q;
    for (std::size_t k = 0; k < g.K; ++k) { std::fill_n(y + k * plane, plane, b ? b[k] : T(0)); }
    for (std::size_t group = 0; group < g.groups; ++group) {
        const T* xg = x + group * g.group_in() * g.H * g.W;
        if (!g.is_pointwise()) { windows(g, xg, matrix, plane, 1); }
        const std::size_t k0 = group * g.group_out();
        add_product(Strided<T>{w + k0 * g.taps(), g.taps(), 1}, g.is_pointwise() ? xg : matrix, y + k0 * plane,
                    g.group_out(), g.taps(), plane);
    }
}

/// One image: dx, overwritten. @param matrix memory for the windows' gradients, taps x P Q
template <class T> void backward_input_image(const Conv2dGeometry& g, const T* dy, const T* w, T* dx, T* matrix) {
    const std::size_t plane = g.P * g.Q;
    std::fill_n(dx, g.x_image(), T(0));
    for (std::size_t group = 0; group < g.groups; ++group) {
        const std::size_t k0 = group * g.group_out();
        T* dxg = dx + group * g.group_in() * g.H * g.W;
        T* product = g.is_pointwise() ? dxg : matrix;
        if (!g.is_pointwise()) { std::fill_n(matrix, g.taps() * plane, T(0)); }
        add_product(Strided<T>{w + k0 * g.taps(), 1, g.taps()}, dy + k0 * plane, product, g.taps(), g.group_out(),
                    plane);
        if (!g.is_pointwise()) { add_windows(g, matrix, dxg); }
    }
}

/// One image: dw, added to. @param matrix memory for the windows, P Q x taps
template <class T> void add_weight_of_image(const Conv2dGeometry& g, const T* x, const T* dy, T* dw, T* matrix) {
    const std::size_t plane = g.P * g.Q;
    for (std::size_t group = 0; group < g.groups; ++group) {
        const std::size_t k0 = group * g.group_out();
        windows(g, x + group * g.group_in() * g.H * g.W, matrix, 1, g.taps()); // transposed: each window is a row
        add_product(Strided<T>{dy + k0 * plane, plane, 1}, matrix, dw + k0 * g.taps(), g.group_out(), plane, g.taps());
    }
}

/// Calls f(n, matrix) for every image n, in parallel. @param f may use the memory at matrix, taps x P Q numbers
template <class T, class F> void for_each_image(const Conv2dGeometry& g, const F& f) {
    const Chunks chunks = chunks_of(g.N);
    const std::size_t size = g.taps() * g.P * g.Q;
    T* matrices = workspace<T>(chunks.count * size);
    parallel_for(chunks.count, [&](std::size_t i) {
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            f(n, matrices + i * size);
        }
    });
}

/// y = w * x + b for all images. @param b null for no bias
template <class T> void forward(const Conv2dGeometry& g, const T* x, const T* w, const T* b, T* y) {
    for_each_image<T>(
        g, [&](std::size_t n, T* matrix) { forward_image(g, x + n * g.x_image(), w, b, y + n * g.y_image(), matrix); });
}

/// dx of all images, overwritten.
template <class T> void backward_input(const Conv2dGeometry& g, const T* dy, const T* w, T* dx) {
    for_each_image<T>(g, [&](std::size_t n, T* matrix) {
        backward_input_image(g, dy + n * g.y_image(), w, dx + n * g.x_image(), matrix);
    });
}

/// dw, summed over all images, overwritten. Each chunk of images computes its own sum; these are added in order.
template <class T> void backward_weight(const Conv2dGeometry& g, const T* x, const T* dy, T* dw) {
    const Chunks chunks = chunks_of(g.N);
    const std::size_t size = g.w_size(), matrix = g.taps() * g.P * g.Q;
    T* sums = workspace<T>(chunks.count * (size + matrix));
    T* matrices = sums + chunks.count * size;
    parallel_for(chunks.count, [&](std::size_t i) {
        std::fill_n(sums + i * size, size, T(0));
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            add_weight_of_image(g, x + n * g.x_image(), dy + n * g.y_image(), sums + i * size, matrices + i * matrix);
        }
    });
    for (std::size_t t = 0; t < size; ++t) {
        T sum(0);
        for (std::size_t i = 0; i < chunks.count; ++i) { sum += sums[i * size + t]; }
        dw[t] = sum;
    }
}

} // namespace handgrad::cpu::im2col
