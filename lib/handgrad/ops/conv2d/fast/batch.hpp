#pragma once
// The direct convolution of a whole batch: its chunks, their memory, and the two passes as correlations.

#include <vector>

#include "handgrad/ops/conv2d/fast/direct.hpp"
#include "handgrad/tensor/parallel_for.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::cpu::direct {

/// Memory that is kept from call to call. The caller of an operation owns it and lends each chunk its part, so that it
/// does not matter which thread takes which chunk.
template <class T> T* scratch(std::size_t size) {
    thread_local Tensor<T> memory;
    if (memory.size() < size) { resize(memory, {size}); } // to resize it up and down would fill it with zeros each time
    return memory.data();
}

/// `items` images or registers of images, in at most 16 chunks.
inline Chunks cut(std::size_t items) { return Chunks(items, (items + 15) / 16); }

/// Images `first` to first + count, `lanes` at most.
struct Images {
    std::size_t first, count;
    Images(std::size_t group, std::size_t lanes_, std::size_t all)
        : first(group * lanes_), count(std::min(lanes_, all - group * lanes_)) {}
};

/// n, rounded up to whole registers.
template <class T> std::size_t whole_registers(std::size_t n) { return (n + lanes<T> - 1) / lanes<T> * lanes<T>; }

template <class T> std::size_t registers_of_images(std::size_t images) { return (images + lanes<T> - 1) / lanes<T>; }

/// One group of the forward pass, the padding stored with x.
inline Correlation forward_correlation(const Conv2dGeometry& g) {
    const Frame frame{g.H + 2 * g.padding.h, g.W + 2 * g.padding.w, g.padding.h, g.padding.w};
    return {g.group_in(), g.group_out(), g.R, g.S, g.P, g.Q, g.stride, g.dilation, frame, g.W};
}

/// The full correlation that gives dx: dy, spread by the stride, with the flipped kernel. It is bordered by zeros to the
/// left and right only: rows of zeros are skipped.
inline Correlation backward_correlation(const Conv2dGeometry& g) {
    const auto signed_ = [](std::size_t n) { return static_cast<std::ptrdiff_t>(n); };
    const std::ptrdiff_t above = signed_(g.dilation.h * (g.R - 1)) - signed_(g.padding.h);
    const std::size_t reach = g.dilation.w * (g.S - 1), width = (g.Q - 1) * g.stride.w + 1;
    const std::size_t left = reach - std::min(reach, g.padding.w); // 0 where more was padded than the kernel reaches
    const std::size_t before = g.padding.w - std::min(reach, g.padding.w);
    const Frame frame{
        (g.P - 1) * g.stride.h + 1, std::max(g.W + reach + before, left + width), 0, left, g.stride.h, g.stride.w};
    return {g.group_out(), g.group_in(), g.R, g.S, g.H, g.W, 1, g.dilation, frame, width, above, before};
}

/// The correlation of all images. @param put(group, some, packed) packs a register of images, x's channels of a group
/// @param at(group, k, c, r, s) the weight @param bias null for none @param y (images, groups out, P, Q)
/// @param extra how many numbers put wants to write behind what it packs
template <class T, class Put, class At> void correlate_all(const Correlation& c, std::size_t groups, std::size_t images,
                                                           const Put& put, const At& at, const T* bias, T* y,
                                                           std::size_t extra = 0) {
    const std::size_t pixels = tile_pixels(c.out);
    const Pieces pieces(c.out, tile_channels(pixels));
    const std::size_t weight = whole_registers<T>(c.out * c.in * c.R * c.S);
    const std::size_t packed = c.in * c.frame.size() * lanes<T>;
    const std::size_t others = std::max(tile_channels(pixels) * c.Q * lanes<T>, extra); // the line comes after
    const Chunks chunks = cut(registers_of_images<T>(images));
    T* memory = scratch<T>(groups * weight + chunks.count * (packed + others));
    for (std::size_t group = 0; group < groups; ++group) {
        pack_weight(
            c, pieces, [&](auto k, auto ci, auto r, auto s) { return at(group, k, ci, r, s); },
            memory + group * weight);
    }
    const std::size_t image = groups * c.out * c.P * c.Q;
    parallel_for(chunks.count, [&](std::size_t i) {
        T* mine = memory + groups * weight + i * (packed + others);
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            const Images some(n, lanes<T>, images);
            for (std::size_t group = 0; group < groups; ++group) {
                put(group, some, mine);
                const auto run = [&](auto tile) {
                    correlate<tile()>(c, pieces, mine, memory + group * weight, bias ? bias + group * c.out : nullptr,
                                      y + some.first * image + group * c.out * c.P * c.Q, image, some.count,
                                      mine + packed);
                };
                pixels == 4 ? run(std::integral_constant<std::size_t, 4>{})
                            : run(std::integral_constant<std::size_t, 2>{});
            }
        }
    });
}

/// The weight as the forward pass wants it, for correlate_all and pack_weight: at(group, k, c, r, s).
template <class T> auto forward_weight(const Conv2dGeometry& g, const T* w) {
    return [&g, w](std::size_t group, std::size_t k, std::size_t c, std::size_t r, std::size_t s) {
        return w[(((group * g.group_out() + k) * g.group_in() + c) * g.R + r) * g.S + s];
    };
}

/// The weight of the full correlation: flipped, and with k and c exchanged.
template <class T> auto backward_weight(const Conv2dGeometry& g, const T* w) {
    return [&g, w](std::size_t group, std::size_t c, std::size_t k, std::size_t r, std::size_t s) {
        return w[(((group * g.group_out() + k) * g.group_in() + c) * g.R + g.R - 1 - r) * g.S + g.S - 1 - s];
    };
}

/// Where each tap of a group looks, relative to the first number of a window. Kept from call to call.
template <class T> const std::size_t* tap_offsets(const Conv2dGeometry& g, const Correlation& c) {
    thread_local std::vector<std::size_t> offsets;
    offsets.resize(g.taps());
    for (std::size_t t = 0; t < g.taps(); ++t) {
        const std::size_t ci = t / (g.R * g.S), r = t / g.S % g.R, s = t % g.S;
        offsets[t] = ((ci * c.frame.rows + r * c.dilation.h) * c.frame.columns + s * c.dilation.w) * lanes<T>;
    }
    return offsets.data();
}

/// The pieces into which the weight's gradient cuts a group's output channels.
inline Pieces weight_pieces(const Correlation& c) { return Pieces(c.out, tile_taps); }

/// How many rows of dy, of `row` numbers for all channels of a piece, keep to half of the first-level cache.
template <class T> std::size_t rows_in_cache(std::size_t row, std::size_t rows) {
    return std::clamp<std::size_t>((std::size_t(24) << 10) / (row * sizeof(T)), 1, std::max<std::size_t>(rows, 1));
}

/// add_weight_rows for a number of channels that is known only now.
template <class T> void add_weight_rows(std::size_t channels, const Correlation& c, const T* x, const T* dy,
                                        std::size_t p0, std::size_t rows, const std::size_t* offsets, T* sums) {
    with_constant(channels, [&](auto n) {
        if constexpr (n() <= tile_taps) { add_weight_rows<n()>(c, x, dy, p0, rows, offsets, sums); }
    });
}

/// sums_i = the sum of `count` parts, in order. From one part to the next there are `part` numbers; each has a number for
/// entry i, or a whole register, whose lanes are added up last. sums may be parts. @returns whether a sum is NaN
template <bool registers_each, class T>
bool add_up(const T* parts, std::size_t count, std::size_t part, std::size_t size, T* sums) {
    bool has_nan = false;
    for (std::size_t i = 0; i < size; ++i) {
        T sum(0);
        if constexpr (registers_each) {
            Vec<T> all(T(0));
            for (std::size_t n = 0; n < count; ++n) { all += Vec<T>::load_aligned(parts + n * part + i * lanes<T>); }
            sum = lane_sum(all);
        } else {
            for (std::size_t n = 0; n < count; ++n) { sum += parts[n * part + i]; }
        }
        sums[i] = sum;
        has_nan |= sum != sum;
    }
    return has_nan;
}

/// dw_i += sums_i, unless the sums are in dw already.
template <class T> void add_to_gradient(const T* sums, std::size_t size, T* dw) {
    if (sums == dw) { return; }
    for (std::size_t i = 0; i < size; ++i) { dw[i] += sums[i]; }
}

} // namespace handgrad::cpu::direct
