#include "handgrad/cpu/conv2d.hpp"

#include <vector>

#include "cpu/conv2d_direct.hpp"
#include "cpu/conv2d_im2col.hpp"
#include "parallel_for.hpp"

namespace handgrad::cpu {
namespace {

/// Memory that is kept from call to call. The caller of an operation owns it and lends each chunk its part, so that it
/// does not matter which thread takes which chunk.
template <class T> T* scratch(std::size_t size) {
    thread_local Tensor<T> memory;
    resize(memory, {size});
    return memory.data();
}

/// `items` images or registers of images, in at most 16 chunks.
Chunks cut(std::size_t items) { return Chunks(items, (items + 15) / 16); }

/// Whether to compute directly. It wants most lanes filled, and the packed images of a register in the cache.
template <class T> bool is_direct(const Conv2dGeometry& g, const Conv2dOptions& options) {
    if (options.algorithm != ConvAlgorithm::automatic) { return options.algorithm == ConvAlgorithm::direct; }
    const std::size_t bytes = sizeof(T) * lanes<T> * (g.x_image() + g.w_size());
    return fuses && g.N >= lanes<T> / 2 && bytes <= (std::size_t(1) << 20);
}

/// Images `first` to first + count, `lanes` at most.
struct Images {
    std::size_t first, count;
    Images(std::size_t group, std::size_t lanes_, std::size_t all)
        : first(group * lanes_), count(std::min(lanes_, all - group * lanes_)) {}
};

template <class T> std::size_t registers_of_images(std::size_t images) { return (images + lanes<T> - 1) / lanes<T>; }

/// One group of the forward pass, on packed images.
direct::Correlation forward_correlation(const Conv2dGeometry& g) {
    const Frame frame{g.H + 2 * g.padding.h, g.W + 2 * g.padding.w, static_cast<std::ptrdiff_t>(g.padding.h),
                      static_cast<std::ptrdiff_t>(g.padding.w)};
    return {g.group_in(), g.group_out(),    g.R, g.S, g.P, g.Q, g.stride, g.dilation, frame,
            g.padding.h,  g.padding.h + g.H};
}

/// The full correlation that gives dx: dy, spread by the stride, with the flipped kernel.
direct::Correlation backward_correlation(const Conv2dGeometry& g) {
    const auto border = [](std::size_t dilation, std::size_t size, std::size_t padding) {
        return static_cast<std::ptrdiff_t>(dilation * (size - 1)) - static_cast<std::ptrdiff_t>(padding);
    };
    const std::size_t rows = g.H + g.dilation.h * (g.R - 1), columns = g.W + g.dilation.w * (g.S - 1);
    const Frame frame{
        rows,       columns,   border(g.dilation.h, g.R, g.padding.h), border(g.dilation.w, g.S, g.padding.w),
        g.stride.h, g.stride.w};
    const auto clamp = [&](std::ptrdiff_t row) {
        return static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(row, 0, static_cast<std::ptrdiff_t>(rows)));
    };
    const std::size_t first = clamp(frame.top);
    const std::size_t last = clamp(frame.top + static_cast<std::ptrdiff_t>((g.P - 1) * g.stride.h + 1));
    return {g.group_out(), g.group_in(), g.R, g.S, g.H, g.W, 1, g.dilation, frame, first, std::max(first, last)};
}

/// y = correlation of x for all images. @param at(group, k, c, r, s) the weight @param bias null for none
template <class T, class At> void correlate_all(const direct::Correlation& c, std::size_t groups, std::size_t images,
                                                const T* x, std::size_t height, std::size_t width, const At& at,
                                                const T* bias, T* y) {
    const direct::Pieces pieces(c.out, direct::tile_channels(direct::tile_pixels));
    const std::size_t weight = (c.out * c.in * c.R * c.S + lanes<T> - 1) / lanes<T> * lanes<T>;
    const std::size_t packed = c.in * c.frame.size() * lanes<T>;
    const std::size_t line = direct::tile_channels(direct::tile_pixels) * c.Q * lanes<T>;
    const Chunks chunks = cut(registers_of_images<T>(images));
    T* memory = scratch<T>(groups * weight + chunks.count * (packed + line));
    for (std::size_t group = 0; group < groups; ++group) {
        direct::pack_weight(
            c, pieces, [&](auto k, auto ci, auto r, auto s) { return at(group, k, ci, r, s); },
            memory + group * weight);
    }
    const std::size_t x_image = groups * c.in * height * width, y_image = groups * c.out * c.P * c.Q;
    parallel_for(chunks.count, [&](std::size_t i) {
        T* mine = memory + groups * weight + i * (packed + line);
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            const Images some(n, lanes<T>, images);
            for (std::size_t group = 0; group < groups; ++group) {
                pack(x + some.first * x_image + group * c.in * height * width, x_image, some.count, c.in, height, width,
                     c.frame, mine);
                direct::correlate(c, pieces, mine, memory + group * weight, bias ? bias + group * c.out : nullptr,
                                  y + some.first * y_image + group * c.out * c.P * c.Q, y_image, some.count,
                                  mine + packed);
            }
        }
    });
}

/// dw = sum of the chunks' sums, in order. @param parts chunks x size x width, the width added up too
template <class T>
void add_up(const T* parts, std::size_t count, std::size_t size, std::size_t width, T* dw, bool add) {
    for (std::size_t i = 0; i < size; ++i) {
        T sum(0);
        for (std::size_t l = 0; l < width; ++l) {
            T lane(0);
            for (std::size_t part = 0; part < count; ++part) { lane += parts[(part * size + i) * width + l]; }
            sum += lane;
        }
        dw[i] = add ? dw[i] + sum : sum;
    }
}

/// The weight's gradient, directly.
template <class T> void backward_weight_direct(const Conv2dGeometry& g, const T* x, const T* dy, T* dw, bool add) {
    const direct::Correlation c = forward_correlation(g);
    const direct::Pieces pieces(c.out, std::min(direct::tile_taps, direct::tile_channels(direct::tile_pixels)));
    std::vector<std::size_t>& offsets = [&]() -> std::vector<std::size_t>& {
        thread_local std::vector<std::size_t> kept;
        kept.resize(g.taps());
        return kept;
    }();
    for (std::size_t t = 0; t < g.taps(); ++t) {
        const std::size_t ci = t / (g.R * g.S), r = t / g.S % g.R, s = t % g.S;
        offsets[t] = ((ci * c.frame.rows + r * c.dilation.h) * c.frame.columns + s * c.dilation.w) * lanes<T>;
    }
    // As many rows of dy as keep to half of the first-level cache.
    const std::size_t row = direct::tile_taps * g.Q * lanes<T>;
    const std::size_t rows = std::clamp<std::size_t>((std::size_t(24) << 10) / (row * sizeof(T)), 1, g.P);
    const std::size_t packed = c.in * c.frame.size() * lanes<T>, sums = g.w_size() * lanes<T>;
    const Chunks chunks = cut(registers_of_images<T>(g.N));
    T* memory = scratch<T>(chunks.count * (sums + packed + rows * row));
    T* others = memory + chunks.count * sums;
    const std::size_t* taps = offsets.data();
    parallel_for(chunks.count, [&](std::size_t i) {
        T* sum = memory + i * sums;
        T* mine = others + i * (packed + rows * row);
        std::fill_n(sum, sums, T(0));
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            const Images some(n, lanes<T>, g.N);
            for (std::size_t group = 0; group < g.groups; ++group) {
                pack(x + some.first * g.x_image() + group * c.in * g.H * g.W, g.x_image(), some.count, c.in, g.H, g.W,
                     c.frame, mine);
                for (std::size_t piece = 0; piece < pieces.count(); ++piece) {
                    const std::size_t k0 = group * c.out + pieces.begin(piece), size = pieces.size(piece);
                    for (std::size_t p = 0; p < g.P; p += rows) {
                        const std::size_t now = std::min(rows, g.P - p);
                        for (std::size_t k = 0; k < size; ++k) {
                            pack_columns(dy + some.first * g.y_image() + ((k0 + k) * g.P + p) * g.Q, g.y_image(),
                                         some.count, now * g.Q, mine + packed + k * now * g.Q * lanes<T>, lanes<T>);
                        }
                        with_constant(size, [&](auto channels) {
                            if constexpr (channels() <= direct::tile_taps) {
                                direct::add_weight_rows<channels()>(c, mine, mine + packed, p, now, taps,
                                                                    sum + k0 * g.taps() * lanes<T>);
                            }
                        });
                    }
                }
            }
        }
    });
    add_up(memory, chunks.count, g.w_size(), lanes<T>, dw, add);
}

/// The weight's gradient by matrix products.
template <class T> void backward_weight_im2col(const Conv2dGeometry& g, const T* x, const T* dy, T* dw, bool add) {
    const Chunks chunks = cut(g.N);
    const std::size_t size = g.w_size(), own = size + im2col::scratch_size(g);
    T* memory = scratch<T>(chunks.count * own);
    T* matrices = memory + chunks.count * size;
    parallel_for(chunks.count, [&](std::size_t i) {
        T* sum = memory + i * size;
        std::fill_n(sum, size, T(0));
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            im2col::backward_weight(g, x + n * g.x_image(), dy + n * g.y_image(), sum,
                                    matrices + i * im2col::scratch_size(g));
        }
    });
    add_up(memory, chunks.count, size, 1, dw, add);
}

} // namespace

template <class T> void conv2d_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b,
                                       const Conv2dOptions& options, Tensor<T>& y) {
    resize(y, check_conv2d_forward(x.shape(), w.shape(), b.shape(), options));
    const Conv2dGeometry g(x.shape(), w.shape(), y.shape(), options);
    const T* bias = b.size() == 0 ? nullptr : b.data();
    if (y.size() == 0) { return; }
    if (is_direct<T>(g, options)) {
        const auto at = [&](auto group, auto k, auto c, auto r, auto s) {
            return w.data()[(((group * g.group_out() + k) * g.group_in() + c) * g.R + r) * g.S + s];
        };
        correlate_all(forward_correlation(g), g.groups, g.N, x.data(), g.H, g.W, at, bias, y.data());
        return;
    }
    const Chunks chunks = cut(g.N);
    T* memory = scratch<T>(chunks.count * im2col::scratch_size(g));
    parallel_for(chunks.count, [&](std::size_t i) {
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            im2col::forward(g, x.data() + n * g.x_image(), w.data(), bias, y.data() + n * g.y_image(),
                            memory + i * im2col::scratch_size(g));
        }
    });
}

template <class T> void conv2d_backward_input(const Tensor<T>& dy, const Tensor<T>& w, const Shape& shape_of_x,
                                              const Conv2dOptions& options, Tensor<T>& dx) {
    resize(dx, check_conv2d_backward_input(dy.shape(), w.shape(), shape_of_x, options));
    const Conv2dGeometry g(shape_of_x, w.shape(), dy.shape(), options);
    if (dy.size() == 0) {
        dx.fill(T(0));
        return;
    }
    // With a stride most of what is spread out would be zeros.
    const bool wasteful = options.algorithm == ConvAlgorithm::automatic && options.stride != Size2d(1);
    if (!wasteful && is_direct<T>(g, options)) {
        const auto at = [&](auto group, auto c, auto k, auto r, auto s) { // flipped, k and c exchanged
            return w.data()[(((group * g.group_out() + k) * g.group_in() + c) * g.R + g.R - 1 - r) * g.S + g.S - 1 - s];
        };
        const T* no_bias = nullptr;
        correlate_all(backward_correlation(g), g.groups, g.N, dy.data(), g.P, g.Q, at, no_bias, dx.data());
        return;
    }
    const Chunks chunks = cut(g.N);
    T* memory = scratch<T>(chunks.count * im2col::scratch_size(g));
    parallel_for(chunks.count, [&](std::size_t i) {
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            im2col::backward_input(g, dy.data() + n * g.y_image(), w.data(), dx.data() + n * g.x_image(),
                                   memory + i * im2col::scratch_size(g));
        }
    });
}

template <class T> void conv2d_backward_weight(const Tensor<T>& x, const Tensor<T>& dy, const Shape& shape_of_w,
                                               const Conv2dOptions& options, Tensor<T>& dw, Accumulate mode) {
    prepare_gradient("conv2d_backward_weight", "dw", dw,
                     check_conv2d_backward_weight(x.shape(), dy.shape(), shape_of_w, options), mode);
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
    prepare_gradient("conv2d_backward_bias", "db", db, check_conv2d_backward_bias(dy.shape()), mode);
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
