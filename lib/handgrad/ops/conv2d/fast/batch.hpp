#pragma once
// The direct convolution of a whole batch: y and dx as correlations, and dw.

#include "handgrad/ops/conv2d/fast/direct.hpp"

namespace handgrad::cpu::direct {

/// One group of the forward pass; the padding is stored with x.
inline Correlation forward_correlation(const Conv2dGeometry& g) {
    const Frame frame{g.H + 2 * g.padding.h, g.W + 2 * g.padding.w, g.padding.h, g.padding.w};
    return {g.group_in(), g.group_out(), g.R, g.S, g.P, g.Q, g.stride, g.dilation, frame, g.W};
}

/// The full correlation that gives dx: dy, spread by the stride, with the flipped kernel. Zeros are stored to the left
/// and right of dy, but not above and below: rows outside the frame are skipped.
inline Correlation backward_correlation(const Conv2dGeometry& g) {
    const auto signed_ = [](std::size_t n) { return static_cast<std::ptrdiff_t>(n); };
    const std::ptrdiff_t above = signed_(g.dilation.h * (g.R - 1)) - signed_(g.padding.h);
    const std::size_t reach = g.dilation.w * (g.S - 1), width = (g.Q - 1) * g.stride.w + 1;
    const std::size_t left = reach - std::min(reach, g.padding.w); // 0 if the padding is larger than the reach
    const std::size_t before = g.padding.w - std::min(reach, g.padding.w);
    const Frame frame{
        (g.P - 1) * g.stride.h + 1, std::max(g.W + reach + before, left + width), 0, left, g.stride.h, g.stride.w};
    return {g.group_out(), g.group_in(), g.R, g.S, g.H, g.W, 1, g.dilation, frame, width, above, before};
}

/// The weight of the forward pass: a function that maps (group, k, c, r, s) to a number.
template <class T> auto forward_weight(const Conv2dGeometry& g, const T* w) {
    return [&g, w](std::size_t group, std::size_t k, std::size_t c, std::size_t r, std::size_t s) {
        return w[(((group * g.group_out() + k) * g.group_in() + c) * g.R + r) * g.S + s];
    };
}

/// The weight of the full correlation, flipped and with k and c exchanged: a function that maps (group, c, k, r, s) to
/// a number.
template <class T> auto flipped_weight(const Conv2dGeometry& g, const T* w) {
    return [&g, w](std::size_t group, std::size_t c, std::size_t k, std::size_t r, std::size_t s) {
        return w[(((group * g.group_out() + k) * g.group_in() + c) * g.R + g.R - 1 - r) * g.S + g.S - 1 - s];
    };
}

/// The distance between the packed weights of two groups: a whole number of registers.
template <class T> std::size_t packed_weight_size(const Correlation& c) {
    return whole_registers<T>(c.out * c.in * c.R * c.S);
}

/// Packs the weights of all groups. @param weight function that maps (group, k, c, r, s) to a number
template <class T, class Weight>
void pack_weights(const Correlation& c, const Blocks& blocks, std::size_t groups, const Weight& weight, T* packed) {
    for (std::size_t group = 0; group < groups; ++group) {
        pack_weight(
            c, blocks, [&](auto k, auto ci, auto r, auto s) { return weight(group, k, ci, r, s); },
            packed + group * packed_weight_size<T>(c));
    }
}

/// The correlation of all images. @param pack_group(group, images, packed) packs the channels of a group
/// @param weight function that maps (group, k, c, r, s) to a number @param bias null for no bias
/// @param y (images, groups out, P, Q)
/// @param extra number of entries of memory that pack_group needs behind the packed images
template <class T, class PackGroup, class Weight>
void correlate_all(const Correlation& c, std::size_t groups, std::size_t images, const PackGroup& pack_group,
                   const Weight& weight, const T* bias, T* y, std::size_t extra = 0) {
    const std::size_t pixels = tile_pixels(c.out);
    const Blocks blocks(c.out, tile_channels(pixels));
    const std::size_t weight_size = packed_weight_size<T>(c);
    const std::size_t packed_size = c.in * c.frame.size() * lanes<T>;
    // pack_group has ended before a row of y for the channels of a block is unpacked, so both use the same memory.
    const std::size_t row_size = std::max(tile_channels(pixels) * c.Q * lanes<T>, extra);
    const Chunks chunks = chunks_of(registers_of_images<T>(images));
    T* weights = workspace<T>(groups * weight_size + chunks.count * (packed_size + row_size));
    pack_weights(c, blocks, groups, weight, weights);
    const std::size_t image = groups * c.out * c.P * c.Q;
    parallel_for(chunks.count, [&](std::size_t i) {
        T* packed = weights + groups * weight_size + i * (packed_size + row_size);
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            const LaneImages in_lanes = lane_images<T>(n, images);
            for (std::size_t group = 0; group < groups; ++group) {
                pack_group(group, in_lanes, packed);
                const auto run = [&](auto tile) {
                    correlate<tile()>(c, blocks, packed, weights + group * weight_size,
                                      bias ? bias + group * c.out : nullptr,
                                      y + in_lanes.first * image + group * c.out * c.P * c.Q, image, in_lanes.count,
                                      packed + packed_size);
                };
                pixels == 4 ? run(std::integral_constant<std::size_t, 4>{})
                            : run(std::integral_constant<std::size_t, 2>{});
            }
        }
    });
}

/// Packs the channels of a group of x, with the padding.
template <class T> void pack_input(const Conv2dGeometry& g, const Correlation& c, const T* x, std::size_t group,
                                   LaneImages images, T* packed) {
    pack(x + images.first * g.x_image() + group * c.in * g.H * g.W, g.x_image(), images.count, c.in, g.H, g.W, c.frame,
         packed);
}

/// y = w * x + b for all images. @param b null for no bias
template <class T> void forward(const Conv2dGeometry& g, const T* x, const T* w, const T* b, T* y) {
    const Correlation c = forward_correlation(g);
    const auto pack_group = [&](std::size_t group, LaneImages images, T* packed) {
        pack_input(g, c, x, group, images, packed);
    };
    correlate_all(c, g.groups, g.N, pack_group, forward_weight(g, w), b, y);
}

/// dx of all images, overwritten.
template <class T> void backward_input(const Conv2dGeometry& g, const T* dy, const T* w, T* dx) {
    const Correlation c = backward_correlation(g);
    const auto pack_group = [&](std::size_t group, LaneImages images, T* packed) {
        pack(dy + images.first * g.y_image() + group * c.in * g.P * g.Q, g.y_image(), images.count, c.in, g.P, g.Q,
             c.frame, packed);
    };
    const T* no_bias = nullptr;
    correlate_all(c, g.groups, g.N, pack_group, flipped_weight(g, w), no_bias, dx);
}

// ---- The weight's gradient ----

/// The offset of each tap of a group from the first number of a window, in this thread's scratch memory.
template <class T> const std::size_t* tap_offsets(const Conv2dGeometry& g, const Correlation& c) {
    std::size_t* offsets = scratch<std::size_t, struct TapOffsets>(g.taps());
    for (std::size_t t = 0; t < g.taps(); ++t) {
        const std::size_t ci = t / (g.R * g.S), r = t / g.S % g.R, s = t % g.S;
        offsets[t] = ((ci * c.frame.rows + r * c.dilation.h) * c.frame.columns + s * c.dilation.w) * lanes<T>;
    }
    return offsets;
}

/// The blocks of a group's output channels.
inline Blocks weight_blocks(const Correlation& c) { return Blocks(c.out, tile_taps); }

/// The number of rows of dy that fill half of the first-level cache, at most `rows`.
/// @param row number of entries in a row, for all channels of a block
template <class T> std::size_t rows_in_cache(std::size_t row, std::size_t rows) {
    return std::clamp<std::size_t>((std::size_t(24) << 10) / (row * sizeof(T)), 1, std::max<std::size_t>(rows, 1));
}

/// add_weight_rows for a number of channels that is not a constant.
template <class T> void add_weight_rows(std::size_t channels, const Correlation& c, const T* x, const T* dy,
                                        std::size_t p0, std::size_t rows, const std::size_t* offsets, T* sums) {
    with_constant(channels, [&](auto n) {
        if constexpr (n() <= tile_taps) { add_weight_rows<n()>(c, x, dy, p0, rows, offsets, sums); }
    });
}

/// sums_i = the sum of `count` parts, in order, and then of the lanes. Each part has a register for entry i; the
/// distance between two parts is `part` numbers.
template <class T> void add_up(const T* parts, std::size_t count, std::size_t part, std::size_t size, T* sums) {
    for (std::size_t i = 0; i < size; ++i) {
        Vec<T> all(T(0));
        for (std::size_t n = 0; n < count; ++n) { all += Vec<T>::load_aligned(parts + n * part + i * lanes<T>); }
        sums[i] = lane_sum(all);
    }
}

/// dw, summed over all images, overwritten.
template <class T> void backward_weight(const Conv2dGeometry& g, const T* x, const T* dy, T* dw) {
    const Correlation c = forward_correlation(g);
    const Blocks blocks = weight_blocks(c);
    const std::size_t* offsets = tap_offsets<T>(g, c);
    const std::size_t row = tile_taps * g.Q * lanes<T>, rows = rows_in_cache<T>(row, g.P);
    const std::size_t packed_size = c.in * c.frame.size() * lanes<T>, sums_size = g.w_size() * lanes<T>;
    const Chunks chunks = chunks_of(registers_of_images<T>(g.N));
    T* memory = workspace<T>(chunks.count * (sums_size + packed_size + rows * row));
    T* packed_images = memory + chunks.count * sums_size;
    parallel_for(chunks.count, [&](std::size_t i) {
        T* sums = memory + i * sums_size;
        T* packed = packed_images + i * (packed_size + rows * row);
        T* dy_rows = packed + packed_size;
        std::fill_n(sums, sums_size, T(0));
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            const LaneImages images = lane_images<T>(n, g.N);
            for (std::size_t group = 0; group < g.groups; ++group) {
                pack_input(g, c, x, group, images, packed);
                for (std::size_t block = 0; block < blocks.count(); ++block) {
                    const std::size_t k0 = group * c.out + blocks.begin(block), channels = blocks.size(block);
                    for (std::size_t p = 0; p < g.P; p += rows) {
                        const std::size_t height = std::min(rows, g.P - p);
                        for (std::size_t k = 0; k < channels; ++k) {
                            pack_columns(dy + images.first * g.y_image() + ((k0 + k) * g.P + p) * g.Q, g.y_image(),
                                         images.count, height * g.Q, dy_rows + k * height * g.Q * lanes<T>, lanes<T>);
                        }
                        add_weight_rows(channels, c, packed, dy_rows, p, height, offsets,
                                        sums + k0 * g.taps() * lanes<T>);
                    }
                }
            }
        }
    });
    add_up(memory, chunks.count, sums_size, g.w_size(), dw);
}

} // namespace handgrad::cpu::direct
