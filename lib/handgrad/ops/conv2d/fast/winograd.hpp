#pragma once
// The convolution by a 3 x 3 kernel with stride 1 in tiles of 2 x 2 results, with 16 multiplications a tile, channel
// and kernel instead of 36. Derivation: conv2d.md, "Fewer multiplications". The sums over the channels are 16 matrix
// products. Source: A. Lavin and S. Gray, "Fast algorithms for convolutional neural networks", CVPR (2016).

#include "handgrad/ops/conv2d/fast/channels_last.hpp"
#include "handgrad/ops/conv2d/im2col.hpp"

namespace handgrad::cpu::winograd {

/// Whether these kernels can compute the convolution. With a padding above 2 dx would have a negative one.
inline bool suits(const Conv2dGeometry& g) {
    return channels_last::suits(g) && g.R == 3 && g.S == 3 && g.stride == Size2d(1) && g.padding.h <= 2 &&
           g.padding.w <= 2;
}

// ---- The five transforms, of one row or column ----

/// Pixels x: A_x x.
template <class V> void of_input(const V (&x)[4], V (&result)[4]) {
    result[0] = x[0] - x[2];
    result[1] = x[1] + x[2];
    result[2] = x[2] - x[1];
    result[3] = x[1] - x[3];
}
/// Weights w: A_w w.
template <class V> void of_kernel(const V (&w)[3], V (&result)[4]) {
    const V half(0.5f), ends = half * (w[0] + w[2]), middle = half * w[1];
    result[0] = w[0];
    result[1] = ends + middle;
    result[2] = ends - middle;
    result[3] = w[2];
}
/// Products m: the results A_y m.
template <class V> void to_output(const V (&m)[4], V (&y)[2]) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = (m[1] - m[2]) - m[3];
}
/// Upstream gradients of a tile: A_y^T dy.
template <class V> void of_upstream(const V (&dy)[2], V (&result)[4]) {
    result[0] = dy[0];
    result[1] = dy[0] + dy[1];
    result[2] = dy[0] - dy[1];
    result[3] = -dy[1];
}
/// Sums of products m: the weights' gradients A_w^T m.
template <class V> void to_kernel(const V (&m)[4], V (&dw)[3]) {
    const V half(0.5f), sum = half * (m[1] + m[2]);
    dw[0] = m[0] + sum;
    dw[1] = half * (m[1] - m[2]);
    dw[2] = sum + m[3];
}

/// Applies a transform to all rows and then to all columns.
template <std::size_t M, std::size_t N, class V, class F>
[[gnu::always_inline]] inline void on_both_axes(const V (&in)[M][M], V (&out)[N][N], const F& transform) {
    V rows[M][N];
    for (std::size_t i = 0; i < M; ++i) { transform(in[i], rows[i]); }
    for (std::size_t j = 0; j < N; ++j) {
        V column[M], result[N];
        for (std::size_t i = 0; i < M; ++i) { column[i] = rows[i][j]; }
        transform(column, result);
        for (std::size_t i = 0; i < N; ++i) { out[i][j] = result[i]; }
    }
}

/// Loads size x size registers, applies a transform to both axes and stores the result.
/// @param from address of register (i, j) @param to the same for the result
template <std::size_t M, std::size_t N, class T, class F, class From, class To>
[[gnu::always_inline]] inline void transform_registers(const F& transform, const From& from, const To& to) {
    Vec<T> in[M][M], out[N][N];
    for (std::size_t i = 0; i < M; ++i) {
        for (std::size_t j = 0; j < M; ++j) { in[i][j] = Vec<T>::load_aligned(from(i, j)); }
    }
    on_both_axes(in, out, transform);
    for (std::size_t i = 0; i < N; ++i) {
        for (std::size_t j = 0; j < N; ++j) { out[i][j].store_aligned(to(i, j)); }
    }
}

// ---- Tiles ----

/// A correlation of images (in, H, W) with kernels of 3 x 3 to (out, P, Q), in tiles of 2 x 2 results.
struct Tiles {
    std::size_t in, out, H, W, P, Q;
    Size2d padding;
    std::size_t at_once; ///< about the number of tiles whose matrices share the cache

    std::size_t rows() const { return (P + 1) / 2; }    ///< rows of tiles of an image
    std::size_t columns() const { return (Q + 1) / 2; } ///< tiles in a row
    /// x with its padding, and with zeros up to the last tile's end
    channels_last::Rows pixels() const { return {in, H, W, padding, 1, {2 * rows() + 2, 2 * columns() + 2}}; }
    /// y or dy with zeros up to the last tile's end
    channels_last::Rows results() const { return {out, P, Q, 0, 1, {2 * rows(), 2 * columns()}}; }
    /// The number of images that are transformed together, so that the matrix products have enough rows.
    std::size_t images_at_once() const { return std::max<std::size_t>(1, at_once / (rows() * columns())); }
    /// The number of rows of tiles that are transformed together.
    std::size_t rows_at_once() const { return std::max<std::size_t>(1, at_once / columns()); }
};

/// The correlation of the forward pass.
inline Tiles forward_tiles(const Conv2dGeometry& g) { return {g.C, g.K, g.H, g.W, g.P, g.Q, g.padding, 56}; }
/// The same for dw, whose sums over the tiles are read and written once for each product: more tiles.
inline Tiles weight_tiles(const Conv2dGeometry& g) { return {g.C, g.K, g.H, g.W, g.P, g.Q, g.padding, 112}; }
/// The full correlation that gives dx.
inline Tiles backward_tiles(const Conv2dGeometry& g) {
    return {g.K, g.C, g.P, g.Q, g.H, g.W, Size2d(2 - g.padding.h, 2 - g.padding.w), 56};
}

/// v(i, j) = A_x x A_x^T for a row of tiles, (columns, in) for each of the 16 (i, j).
/// @param pixels a packed image @param step distance between two of the 16 matrices
template <class T> void transform_input(const Tiles& t, const T* pixels, std::size_t tile_row, T* v, std::size_t step) {
    const std::size_t in = whole_registers<T>(t.in), line = t.pixels().row<T>();
    for (std::size_t tile = 0; tile < t.columns(); ++tile) {
        for (std::size_t c = 0; c < in; c += lanes<T>) {
            const T* first = pixels + 2 * (tile_row * line + tile * in) + c;
            transform_registers<4, 4, T>(
                [](const auto& a, auto& b) { of_input(a, b); },
                [&](std::size_t i, std::size_t j) { return first + i * line + j * in; },
                [&](std::size_t i, std::size_t j) { return v + (i * 4 + j) * step + tile * in + c; });
        }
    }
}

/// z(i, j) = A_y^T dy A_y for a row of tiles, (columns, out) for each of the 16 (i, j).
template <class T>
void transform_upstream(const Tiles& t, const T* results, std::size_t tile_row, T* z, std::size_t step) {
    const std::size_t out = whole_registers<T>(t.out), line = t.results().row<T>();
    for (std::size_t tile = 0; tile < t.columns(); ++tile) {
        for (std::size_t k = 0; k < out; k += lanes<T>) {
            const T* dy = results + 2 * (tile_row * line + tile * out) + k;
            transform_registers<2, 4, T>(
                [](const auto& a, auto& b) { of_upstream(a, b); },
                [&](std::size_t i, std::size_t j) { return dy + i * line + j * out; },
                [&](std::size_t i, std::size_t j) { return z + (i * 4 + j) * step + tile * out + k; });
        }
    }
}

/// y = A_y m A_y^T for a row of tiles. @param y a packed image, without padding @param unused memory for a register
template <class T>
void transform_output(const Tiles& t, const T* m, std::size_t step, std::size_t tile_row, T* y, T* unused) {
    const std::size_t out = whole_registers<T>(t.out);
    for (std::size_t tile = 0; tile < t.columns(); ++tile) {
        const auto place = [&](std::size_t i, std::size_t j) {
            const std::size_t p = 2 * tile_row + i, q = 2 * tile + j;
            return p < t.P && q < t.Q ? y + (p * t.Q + q) * out : nullptr;
        };
        for (std::size_t k = 0; k < out; k += lanes<T>) {
            transform_registers<4, 2, T>(
                [](const auto& a, auto& b) { to_output(a, b); },
                [&](std::size_t i, std::size_t j) { return m + (i * 4 + j) * step + tile * out + k; },
                [&](std::size_t i, std::size_t j) { return place(i, j) ? place(i, j) + k : unused; });
        }
    }
}

// ---- All images ----

/// The distance between two of the 16 matrices of `rows` rows. A register more than they need: without it all 16 could
/// compete for the same lines of the cache.
template <class T> std::size_t matrix_step(std::size_t rows, std::size_t columns) { return rows * columns + lanes<T>; }

/// Calls f(first, rows) for blocks of the rows of tiles of `images` images; row i belongs to image i / t.rows().
template <class F> void for_each_band(const Tiles& t, std::size_t images, const F& f) {
    const direct::Blocks bands(images * t.rows(), t.rows_at_once());
    for (std::size_t i = 0; i < bands.count(); ++i) { f(bands.begin(i), bands.size(i)); }
}

/// Memory of a chunk of images: packed images and results, the 16 matrices of the tiles and of the products.
template <class T> std::size_t chunk_size(const Tiles& t) {
    const std::size_t in = whole_registers<T>(t.in), out = whole_registers<T>(t.out);
    const std::size_t tiles = t.rows_at_once() * t.columns();
    return t.images_at_once() * (t.pixels().size<T>() + t.P * t.Q * out) +
           16 * (matrix_step<T>(tiles, in) + matrix_step<T>(tiles, out)) + lanes<T>;
}

/// The correlation of all images. @param weight 16 matrices (in, out), transformed, and then the bias, all with the
/// channels filled up to whole registers @param memory for all chunks of images
/// @param finite_n whether all results of image n are finite
template <class T> void correlate_all(const Tiles& t, std::size_t images, const T* x, const T* weight, T* memory, T* y,
                                      unsigned char* finite) {
    const std::size_t in = whole_registers<T>(t.in), out = whole_registers<T>(t.out);
    const channels_last::Rows pixels = t.pixels(), plain{t.out, t.P, t.Q};
    const auto *pixel_places = channels_last::places_of<T, struct PixelPlaces>(pixels),
               *result_places = channels_last::places_of<T, struct ResultPlaces>(plain);
    const std::size_t frame = pixels.size<T>(), result = plain.size<T>(), image = t.out * t.P * t.Q;
    const std::size_t tiles = t.rows_at_once() * t.columns();
    const std::size_t v_step = matrix_step<T>(tiles, in), m_step = matrix_step<T>(tiles, out);
    const T *bias = weight + 16 * in * out, *zeros = bias + out;
    const Chunks chunks = chunks_of(images);
    parallel_for(chunks.count, [&](std::size_t i) {
        T* frames = memory + i * chunk_size<T>(t);
        T *results = frames + t.images_at_once() * frame, *v = results + t.images_at_once() * result;
        T *m = v + 16 * v_step, *unused = m + 16 * m_step;
        std::fill_n(frames, t.images_at_once() * frame, T(0));
        const direct::Blocks groups(chunks.length(i), t.images_at_once());
        for (std::size_t group = 0; group < groups.count(); ++group) {
            const std::size_t first = chunks.begin(i) + groups.begin(group), count = groups.size(group);
            for (std::size_t n = 0; n < count; ++n) {
                channels_last::pack_image(pixels, pixel_places, x + (first + n) * t.in * t.H * t.W, frames + n * frame);
            }
            for_each_band(t, count, [&](std::size_t begin, std::size_t height) {
                for (std::size_t row = 0; row < height; ++row) {
                    const std::size_t n = (begin + row) / t.rows(), tile_row = (begin + row) % t.rows();
                    transform_input(t, frames + n * frame, tile_row, v + row * t.columns() * in, v_step);
                }
                for (std::size_t j = 0; j < 16; ++j) {
                    // Product (1, 1) occurs in every result of a tile, with the factor 1: so the bias is added to it.
                    block_matmul(Strided<T>{v + j * v_step, in, 1}, weight + j * in * out, j == 5 ? bias : zeros,
                                 m + j * m_step, height * t.columns(), in, out);
                }
                for (std::size_t row = 0; row < height; ++row) {
                    const std::size_t n = (begin + row) / t.rows(), tile_row = (begin + row) % t.rows();
                    transform_output(t, m + row * t.columns() * out, m_step, tile_row, results + n * result, unused);
                }
            });
            for (std::size_t n = 0; n < count; ++n) {
                channels_last::unpack_image(plain, result_places, results + n * result, y + (first + n) * image);
                finite[first + n] = all_finite(results + n * result, result) ? 1 : 0;
            }
        }
    });
}

/// Stores A_w w A_w^T of a register of kernels in the 16 matrices, `step` numbers apart.
/// @param pixel function that maps (r, s) to the address of a register
template <class T, class Pixel> void transform_kernel(const Pixel& pixel, T* to, std::size_t step) {
    transform_registers<3, 4, T>([](const auto& a, auto& b) { of_kernel(a, b); }, pixel,
                                 [&](std::size_t i, std::size_t j) { return to + (i * 4 + j) * step; });
}

/// Memory for a correlation: the transformed weight, the bias and as many zeros, then the chunks'.
template <class T> T* correlation_memory(const Tiles& t, std::size_t images) {
    const std::size_t in = whole_registers<T>(t.in), out = whole_registers<T>(t.out), fixed = 16 * in * out + 2 * out;
    T* memory = workspace<T>(fixed + chunks_of(images).count * chunk_size<T>(t));
    std::fill_n(memory, fixed, T(0));
    return memory;
}

/// The geometry of a single image of the batch.
inline Conv2dGeometry of_one_image(Conv2dGeometry g) {
    g.N = 1;
    return g;
}

/// y = w * x + b for all images. A difference of finite numbers may overflow, and infinity minus infinity is NaN, where
/// the formula has neither: images whose results are not all finite are computed again. @param b null for no bias
template <class T> void forward(const Conv2dGeometry& g, const T* x, const T* w, const T* b, T* y) {
    const Tiles t = forward_tiles(g);
    const std::size_t in = whole_registers<T>(t.in), out = whole_registers<T>(t.out);
    T* weight = correlation_memory<T>(t, g.N);
    channels_last::for_each_output_register(g, w, [&](std::size_t c, std::size_t k, const T* area) {
        transform_kernel([&](std::size_t r, std::size_t s) { return area + (r * 3 + s) * lanes<T>; },
                         weight + c * out + k, in * out);
    });
    if (b) { std::copy_n(b, g.K, weight + 16 * in * out); }
    auto* finite = scratch<unsigned char, struct FiniteImages>(g.N);
    correlate_all(t, g.N, x, weight, weight + 16 * in * out + 2 * out, y, finite);
    for (std::size_t n = 0; n < g.N; ++n) {
        if (finite[n] == 0) { im2col::forward(of_one_image(g), x + n * g.x_image(), w, b, y + n * g.y_image()); }
    }
}

/// dx of all images, overwritten: the full correlation, with the flipped kernel. Images as in forward().
template <class T> void backward_input(const Conv2dGeometry& g, const T* dy, const T* w, T* dx) {
    const Tiles t = backward_tiles(g);
    const std::size_t in = whole_registers<T>(t.in), out = whole_registers<T>(t.out);
    T* weight = correlation_memory<T>(t, g.N);
    channels_last::for_each_input_register(g, w, [&](std::size_t k, std::size_t c, const T* area) {
        transform_kernel([&](std::size_t r, std::size_t s) { return area + (8 - (r * 3 + s)) * lanes<T>; },
                         weight + k * out + c, in * out);
    });
    auto* finite = scratch<unsigned char, struct FiniteImages>(g.N);
    correlate_all(t, g.N, dy, weight, weight + 16 * in * out + 2 * out, dx, finite);
    for (std::size_t n = 0; n < g.N; ++n) {
        if (finite[n] == 0) { im2col::backward_input(of_one_image(g), dy + n * g.y_image(), w, dx + n * g.x_image()); }
    }
}

/// dw, summed over all images, overwritten: the 16 products are summed over the tiles of all images, then transformed.
/// Each chunk of images computes its own sum; these are added in order.
template <class T> void backward_weight(const Conv2dGeometry& g, const T* x, const T* dy, T* dw) {
    const Tiles t = weight_tiles(g);
    const std::size_t C = whole_registers<T>(g.C), K = whole_registers<T>(g.K);
    const channels_last::Rows pixels = t.pixels(), results = t.results();
    const auto *pixel_places = channels_last::places_of<T, struct PixelPlaces>(pixels),
               *result_places = channels_last::places_of<T, struct ResultPlaces>(results);
    const std::size_t frame = pixels.size<T>(), upstream = results.size<T>();
    const std::size_t at_once = t.images_at_once(), tiles = t.rows_at_once() * t.columns();
    const std::size_t v_step = matrix_step<T>(tiles, C), z_step = matrix_step<T>(tiles, K);
    const std::size_t size = 16 * (C * K + v_step + z_step) + at_once * (frame + upstream);
    const Chunks chunks = channels_last::weight_chunks(g.N);
    T* memory = workspace<T>(chunks.count * size);
    parallel_for(chunks.count, [&](std::size_t i) {
        T *sums = memory + i * size, *v = sums + 16 * C * K, *z = v + 16 * v_step;
        T *frames = z + 16 * z_step, *upstreams = frames + at_once * frame;
        std::fill_n(sums, 16 * C * K, T(0));
        std::fill_n(frames, at_once * (frame + upstream), T(0));
        const direct::Blocks groups(chunks.length(i), at_once);
        for (std::size_t group = 0; group < groups.count(); ++group) {
            for (std::size_t n = 0; n < groups.size(group); ++n) {
                const std::size_t image = chunks.begin(i) + groups.begin(group) + n;
                channels_last::pack_image(pixels, pixel_places, x + image * g.x_image(), frames + n * frame);
                channels_last::pack_image(results, result_places, dy + image * g.y_image(), upstreams + n * upstream);
            }
            for_each_band(t, groups.size(group), [&](std::size_t begin, std::size_t height) {
                for (std::size_t row = 0; row < height; ++row) {
                    const std::size_t n = (begin + row) / t.rows(), tile_row = (begin + row) % t.rows();
                    transform_input(t, frames + n * frame, tile_row, v + row * t.columns() * C, v_step);
                    transform_upstream(t, upstreams + n * upstream, tile_row, z + row * t.columns() * K, z_step);
                }
                for (std::size_t j = 0; j < 16; ++j) {
                    block_matmul(Strided<T>{z + j * z_step, 1, K}, v + j * v_step, static_cast<const T*>(nullptr),
                                 sums + j * C * K, g.K, height * t.columns(), C);
                }
            });
        }
    });
    T* area = scratch<T, struct KernelArea>(9 * lanes<T>);
    for (std::size_t k = 0; k < g.K; ++k) {
        for (std::size_t c = 0; c < g.C; c += lanes<T>) {
            for (std::size_t j = 0; j < 16; ++j) { // the sum over the chunks, in the first one's place
                T* sum = memory + (j * K + k) * C + c;
                auto all = Vec<T>::load_aligned(sum);
                for (std::size_t i = 1; i < chunks.count; ++i) { all += Vec<T>::load_aligned(sum + i * size); }
                all.store_aligned(sum);
            }
            transform_registers<4, 3, T>(
                [](const auto& a, auto& b) { to_kernel(a, b); },
                [&](std::size_t i, std::size_t j) { return memory + ((i * 4 + j) * K + k) * C + c; },
                [&](std::size_t r, std::size_t s) { return area + (r * 3 + s) * lanes<T>; });
            unpack_columns(area, 9, 9, std::min(lanes<T>, g.C - c), dw + (k * g.C + c) * 9);
        }
    }
}

} // namespace handgrad::cpu::winograd
