#include "handgrad/ops/conv2d/cpu.hpp"

#include "handgrad/ops/conv2d/fast/batch.hpp"
#include "handgrad/ops/conv2d/formula.hpp"
#include "handgrad/ops/conv2d/im2col.hpp"

namespace handgrad::cpu {
namespace {

/// Whether to compute directly. It wants most lanes filled, and the packed images of a register in the cache.
template <class T> bool is_direct(const Conv2dGeometry& g, const Conv2dOptions& options) {
    if (options.algorithm != ConvAlgorithm::automatic) { return options.algorithm == ConvAlgorithm::direct; }
    const std::size_t bytes = sizeof(T) * lanes<T> * (g.x_image() + g.w_size());
    return fuses && g.N >= lanes<T> / 2 && bytes <= (std::size_t(1) << 20);
}

/// Writes dw from its parts. Where a sum is NaN, a zero of the padding may be the reason: then the formula decides.
template <bool registers_each, class T> void add_up_weight(const Conv2dGeometry& g, const T* x, const T* dy, T* parts,
                                                           std::size_t count, std::size_t part, T* dw, bool add) {
    T* sums = add ? parts : dw;
    const bool has_nan = direct::add_up<registers_each>(parts, count, part, g.w_size(), sums);
    if (has_nan && g.padding != Size2d(0)) {
        formula::backward_weight(g, x, dy, dw, add);
    } else {
        direct::add_to_gradient(sums, g.w_size(), dw);
    }
}

/// The weight's gradient, directly.
template <class T> void backward_weight_direct(const Conv2dGeometry& g, const T* x, const T* dy, T* dw, bool add) {
    const direct::Correlation c = direct::forward_correlation(g);
    const direct::Pieces pieces = direct::weight_pieces(c);
    const std::size_t* offsets = direct::tap_offsets<T>(g, c);
    const std::size_t row = direct::tile_taps * g.Q * lanes<T>, rows = direct::rows_in_cache<T>(row, g.P);
    const std::size_t packed = c.in * c.frame.size() * lanes<T>, sums = g.w_size() * lanes<T>;
    const Chunks chunks = direct::cut(direct::registers_of_images<T>(g.N));
    T* memory = direct::scratch<T>(chunks.count * (sums + packed + rows * row));
    T* others = memory + chunks.count * sums;
    parallel_for(chunks.count, [&](std::size_t i) {
        T* sum = memory + i * sums;
        T* mine = others + i * (packed + rows * row);
        T* tile = mine + packed;
        std::fill_n(sum, sums, T(0));
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            const direct::Images some(n, lanes<T>, g.N);
            for (std::size_t group = 0; group < g.groups; ++group) {
                pack(x + some.first * g.x_image() + group * c.in * g.H * g.W, g.x_image(), some.count, c.in, g.H, g.W,
                     c.frame, mine);
                for (std::size_t piece = 0; piece < pieces.count(); ++piece) {
                    const std::size_t k0 = group * c.out + pieces.begin(piece), size = pieces.size(piece);
                    for (std::size_t p = 0; p < g.P; p += rows) {
                        const std::size_t now = std::min(rows, g.P - p);
                        for (std::size_t k = 0; k < size; ++k) {
                            pack_columns(dy + some.first * g.y_image() + ((k0 + k) * g.P + p) * g.Q, g.y_image(),
                                         some.count, now * g.Q, tile + k * now * g.Q * lanes<T>, lanes<T>);
                        }
                        direct::add_weight_rows(size, c, mine, tile, p, now, offsets, sum + k0 * g.taps() * lanes<T>);
                    }
                }
            }
        }
    });
    add_up_weight<true>(g, x, dy, memory, chunks.count, sums, dw, add);
}

/// The weight's gradient by matrix products.
template <class T> void backward_weight_im2col(const Conv2dGeometry& g, const T* x, const T* dy, T* dw, bool add) {
    const Chunks chunks = direct::cut(g.N);
    const std::size_t size = g.w_size(), own = size + im2col::scratch_size(g);
    T* memory = direct::scratch<T>(chunks.count * own);
    T* matrices = memory + chunks.count * size;
    parallel_for(chunks.count, [&](std::size_t i) {
        T* sum = memory + i * size;
        std::fill_n(sum, size, T(0));
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            im2col::backward_weight(g, x + n * g.x_image(), dy + n * g.y_image(), sum,
                                    matrices + i * im2col::scratch_size(g));
        }
    });
    add_up_weight<false>(g, x, dy, memory, chunks.count, size, dw, add);
}

} // namespace

template <class T> void conv2d_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b,
                                       const Conv2dOptions& options, Tensor<T>& y) {
    resize(y, check_conv2d_forward(x, w, b, options, y));
    const Conv2dGeometry g(x.shape(), w.shape(), y.shape(), options);
    const T* bias = b.size() == 0 ? nullptr : b.data();
    if (y.size() == 0) { return; }
    if (g.padding != Size2d(0) && !all_finite(w.data(), w.size())) {
        return formula::forward(g, x.data(), w.data(), bias, y.data());
    }
    if (is_direct<T>(g, options)) {
        const auto c = direct::forward_correlation(g);
        const auto put = [&](std::size_t group, direct::Images some, T* packed) {
            pack(x.data() + some.first * g.x_image() + group * c.in * g.H * g.W, g.x_image(), some.count, c.in, g.H,
                 g.W, c.frame, packed);
        };
        direct::correlate_all(c, g.groups, g.N, put, direct::forward_weight(g, w.data()), bias, y.data());
        return;
    }
    const Chunks chunks = direct::cut(g.N);
    T* memory = direct::scratch<T>(chunks.count * im2col::scratch_size(g));
    parallel_for(chunks.count, [&](std::size_t i) {
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            im2col::forward(g, x.data() + n * g.x_image(), w.data(), bias, y.data() + n * g.y_image(),
                            memory + i * im2col::scratch_size(g));
        }
    });
}

template <class T> void conv2d_backward_input(const Tensor<T>& dy, const Tensor<T>& w, const Shape& shape_of_x,
                                              const Conv2dOptions& options, Tensor<T>& dx) {
    resize(dx, check_conv2d_backward_input(dy, w, shape_of_x, options, dx));
    const Conv2dGeometry g(shape_of_x, w.shape(), dy.shape(), options);
    if (dy.size() == 0) {
        dx.fill(T(0));
        return;
    }
    // With a stride most of what is spread out would be zeros.
    const bool wasteful = options.algorithm == ConvAlgorithm::automatic && options.stride != Size2d(1);
    // Directly, the zeros between and around dy are multiplied by w, too; im2col has the formula's products only.
    if (!wasteful && is_direct<T>(g, options) && all_finite(w.data(), w.size())) {
        const auto c = direct::backward_correlation(g);
        const auto put = [&](std::size_t group, direct::Images some, T* packed) {
            pack(dy.data() + some.first * g.y_image() + group * c.in * g.P * g.Q, g.y_image(), some.count, c.in, g.P,
                 g.Q, c.frame, packed);
        };
        const T* no_bias = nullptr;
        direct::correlate_all(c, g.groups, g.N, put, direct::backward_weight(g, w.data()), no_bias, dx.data());
        return;
    }
    const Chunks chunks = direct::cut(g.N);
    T* memory = direct::scratch<T>(chunks.count * im2col::scratch_size(g));
    parallel_for(chunks.count, [&](std::size_t i) {
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            im2col::backward_input(g, dy.data() + n * g.y_image(), w.data(), dx.data() + n * g.x_image(),
                                   memory + i * im2col::scratch_size(g));
        }
    });
}

template <class T> void conv2d_backward_weight(const Tensor<T>& x, const Tensor<T>& dy, const Shape& shape_of_w,
                                               const Conv2dOptions& options, Tensor<T>& dw, Accumulate mode) {
    prepare_gradient("conv2d_backward_weight", "dw", dw, check_conv2d_backward_weight(x, dy, shape_of_w, options, dw),
                     mode);
    const Conv2dGeometry g(x.shape(), shape_of_w, dy.shape(), options);
    const bool add = mode == Accumulate::yes;
    if (dy.size() == 0) {
        if (!add) { dw.fill(T(0)); }
    } else if (is_direct<T>(g, options)) {
        backward_weight_direct(g, x.data(), dy.data(), dw.data(), add);
    } else {
        backward_weight_im2col(g, x.data(), dy.data(), dw.data(), add);
    }
}

template <class T> void conv2d_backward_bias(const Tensor<T>& dy, Tensor<T>& db, Accumulate mode) {
    prepare_gradient("conv2d_backward_bias", "db", db, check_conv2d_backward_bias(dy, db), mode);
    const std::size_t plane = dy.shape(2) * dy.shape(3), channels = dy.shape(1);
    for (std::size_t k = 0; k < channels; ++k) {
        Vec<T> sums(T(0));
        T rest(0);
        for (std::size_t n = 0; n < dy.shape(0); ++n) {
            const T* d = dy.data() + (n * channels + k) * plane;
            std::size_t i = 0;
            for (; i + lanes<T> <= plane; i += lanes<T>) { sums += Vec<T>::load_unaligned(d + i); }
            for (; i < plane; ++i) { rest += d[i]; }
        }
        alignas(64) T each[lanes<T>];
        sums.store_aligned(each);
        for (const T v : each) { rest += v; }
        db.data()[k] = mode == Accumulate::yes ? db.data()[k] + rest : rest;
    }
}

template <class T>
Tensor<T> conv2d_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b, const Conv2dOptions& options) {
    Tensor<T> y;
    conv2d_forward(x, w, b, options, y);
    return y;
}

template <class T> Conv2dGradients<T> conv2d_backward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& dy,
                                                      const Conv2dOptions& options) {
    Conv2dGradients<T> g;
    conv2d_backward_input(dy, w, x.shape(), options, g.dx);
    conv2d_backward_weight(x, dy, w.shape(), options, g.dw);
    conv2d_backward_bias(dy, g.db);
    return g;
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void conv2d_forward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&, const Conv2dOptions&,           \
                                 Tensor<T>&);                                                                          \
    template void conv2d_backward_input(const Tensor<T>&, const Tensor<T>&, const Shape&, const Conv2dOptions&,        \
                                        Tensor<T>&);                                                                   \
    template void conv2d_backward_weight(const Tensor<T>&, const Tensor<T>&, const Shape&, const Conv2dOptions&,       \
                                         Tensor<T>&, Accumulate);                                                      \
    template void conv2d_backward_bias(const Tensor<T>&, Tensor<T>&, Accumulate);                                      \
    template Tensor<T> conv2d_forward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&, const Conv2dOptions&);     \
    template Conv2dGradients<T> conv2d_backward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&,                  \
                                                const Conv2dOptions&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::cpu
