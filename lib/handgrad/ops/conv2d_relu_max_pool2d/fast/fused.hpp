#pragma once
// The direct convolution with ReLU and pooling. Forward compares the four sums of a window while they are in registers;
// backward packs the images of dz with each gradient at its winner.

#include "handgrad/ops/conv2d/fast/batch.hpp"

namespace handgrad::cpu::fused {

using direct::Blocks;
using direct::Correlation;

/// The places of a window, in row-major order.
constexpr std::size_t places = 4;

/// Output row p of the pooling for K channels: y and winners [k * Q/2 + q], registers, those of winners `step` numbers
/// apart from one channel to the next.
template <std::size_t K, class T> void pooled_row(const Correlation& c, const T* x, const T* w, const T* bias,
                                                  std::size_t p, T* y, T* winners, std::size_t step) {
    const std::size_t columns = c.Q / 2, right = c.stride.w * lanes<T>;
    const std::size_t below = c.stride.h * c.frame.columns * lanes<T>;
    const T* start = x + 2 * p * below;
    const Range rows = c.kernel_rows(2 * p); // all kernel rows: the padding is stored
    for (std::size_t q = 0; q < columns; ++q) {
        Vec<T> sum[K][places];
        for (std::size_t k = 0; k < K; ++k) {
            for (auto& v : sum[k]) { v = Vec<T>(bias ? bias[k] : T(0)); }
        }
        const Range kernel_columns = c.kernel_columns(2 * q, 2);
        const T* first = start + 2 * q * right + kernel_columns.begin * c.dilation.w * lanes<T>;
        direct::add_tile<K, places>(c, first, {0, right, below, below + right}, w, rows, kernel_columns, sum);
        const Vec<T> zero(T(0));
        for (std::size_t k = 0; k < K; ++k) {
            Vec<T> best, place(T(0));
            for (std::size_t t = 0; t < places; ++t) {
                const auto v = xsimd::select(sum[k][t] < zero, zero, sum[k][t]); // NaN and -0 pass
                if (t == 0) {
                    best = v;
                } else {
                    const auto takes = (v > best) | xsimd::isnan(v); // a NaN always wins
                    best = xsimd::select(takes, v, best);
                    place = xsimd::select(takes, Vec<T>(static_cast<T>(t)), place);
                }
            }
            best.store_aligned(y + (k * columns + q) * lanes<T>);
            const auto dead = Vec<T>(static_cast<T>(places));
            xsimd::select(best <= zero, dead, place).store_aligned(winners + k * step + q * lanes<T>);
        }
    }
}

/// y and the winners of all images. @param g P and Q are even @param b null for no bias
template <class T> void forward(const Conv2dGeometry& g, const T* x, const T* w, const T* b, T* y, T* winners) {
    const Correlation c = direct::forward_correlation(g);
    const Blocks blocks(c.out, direct::tile_channels(places));
    const std::size_t weight_size = direct::packed_weight_size<T>(c);
    const std::size_t packed_size = c.in * c.frame.size() * lanes<T>, columns = g.Q / 2, windows = g.P / 2 * columns;
    const std::size_t row_size = direct::tile_channels(places) * columns * lanes<T>;
    const Chunks chunks = chunks_of(registers_of_images<T>(g.N));
    T* weights = workspace<T>(g.groups * weight_size + chunks.count * (packed_size + row_size));
    direct::pack_weights(c, blocks, g.groups, direct::forward_weight(g, w), weights);
    parallel_for(chunks.count, [&](std::size_t i) {
        T* packed = weights + g.groups * weight_size + i * (packed_size + row_size);
        T* row = packed + packed_size;
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            const LaneImages images = lane_images<T>(n, g.N);
            for (std::size_t group = 0; group < g.groups; ++group) {
                direct::pack_input(g, c, x, group, images, packed);
                for (std::size_t block = 0; block < blocks.count(); ++block) {
                    const std::size_t k0 = group * c.out + blocks.begin(block);
                    const T* weight = weights + group * weight_size + blocks.begin(block) * g.taps();
                    const T* bias = b ? b + k0 : nullptr;
                    with_constant(blocks.size(block), [&](auto k) {
                        if constexpr (k() <= direct::tile_channels(places)) {
                            for (std::size_t p = 0; p < g.P / 2; ++p) {
                                T* winner = winners + ((n * g.K + k0) * windows + p * columns) * lanes<T>;
                                pooled_row<k()>(c, packed, weight, bias, p, row, winner, windows * lanes<T>);
                                for (std::size_t j = 0; j < k(); ++j) {
                                    unpack_columns(row + j * columns * lanes<T>, columns, g.K * windows, images.count,
                                                   y + (images.first * g.K + k0 + j) * windows + p * columns);
                                }
                            }
                        }
                    });
                }
            }
        }
    });
}

/// dz of one channel, for rows x columns windows: every dy goes to its winner, zeros to the other three places.
/// @param dy, winners the windows, rows x columns registers @param frame of dz
/// @returns the sum of dz
template <class T>
Vec<T> unpool(const T* dy, const T* winners, std::size_t rows, std::size_t columns, const Frame& frame, T* dz) {
    Vec<T> sum(T(0));
    const std::size_t right = frame.step_w * lanes<T>, below = frame.step_h * frame.columns * lanes<T>;
    const std::size_t place[places] = {0, right, below, below + right};
    for (std::size_t p = 0; p < rows; ++p) {
        T* to = dz + (frame.top * frame.columns + frame.left) * lanes<T> + 2 * p * below;
        for (std::size_t q = 0; q < columns; ++q, to += 2 * right, dy += lanes<T>, winners += lanes<T>) {
            const auto d = Vec<T>::load_aligned(dy), winner = Vec<T>::load_aligned(winners);
            for (std::size_t t = 0; t < places; ++t) {
                const auto here = xsimd::select(winner == Vec<T>(static_cast<T>(t)), d, Vec<T>(T(0)));
                here.store_aligned(to + place[t]);
                sum += here;
            }
        }
    }
    return sum;
}

/// dx of all images, overwritten. @param g P and Q are even
template <class T> void backward_input(const Conv2dGeometry& g, const T* dy, const T* winners, const T* w, T* dx) {
    const Correlation c = direct::backward_correlation(g);
    const std::size_t columns = g.Q / 2, windows = g.P / 2 * columns;
    const std::size_t plane = c.frame.size() * lanes<T>;
    const auto pack_group = [&](std::size_t group, LaneImages images, T* packed) {
        std::fill_n(packed, c.in * plane, T(0));
        T* dy_channel = packed + c.in * plane; // after the frame
        for (std::size_t k = 0; k < c.in; ++k) {
            const std::size_t channel = group * c.in + k;
            pack_columns(dy + (images.first * g.K + channel) * windows, g.K * windows, images.count, windows,
                         dy_channel, lanes<T>);
            unpool(dy_channel, winners + (images.first / lanes<T> * g.K + channel) * windows * lanes<T>, g.P / 2,
                   columns, c.frame, packed + k * plane);
        }
    };
    const T* no_bias = nullptr;
    direct::correlate_all(c, g.groups, g.N, pack_group, direct::flipped_weight(g, w), no_bias, dx, windows * lanes<T>);
}

/// dw and db, summed over all images, overwritten. @param g P and Q are even
template <class T>
void backward_parameters(const Conv2dGeometry& g, const T* x, const T* dy, const T* winners, T* dw, T* db) {
    const Correlation c = direct::forward_correlation(g);
    const Blocks blocks = direct::weight_blocks(c);
    const std::size_t* offsets = direct::tap_offsets<T>(g, c);
    const std::size_t columns = g.Q / 2, windows = g.P / 2 * columns;
    // A row of windows is two rows of dz, and one of dy that is packed first.
    const std::size_t row = direct::tile_taps * 2 * g.Q * lanes<T>, rows = direct::rows_in_cache<T>(row, g.P / 2);
    const std::size_t packed_size = c.in * c.frame.size() * lanes<T>, dy_size = rows * columns * lanes<T>;
    const std::size_t sums_size = (g.w_size() + g.K) * lanes<T>; // those of dw, then those of db
    const Chunks chunks = chunks_of(registers_of_images<T>(g.N));
    T* memory = workspace<T>(chunks.count * (sums_size + packed_size + rows * row + dy_size));
    T* packed_images = memory + chunks.count * sums_size;
    parallel_for(chunks.count, [&](std::size_t i) {
        T* sums = memory + i * sums_size;
        T* packed = packed_images + i * (packed_size + rows * row + dy_size);
        T* dz_rows = packed + packed_size;
        T* dy_rows = dz_rows + rows * row;
        std::fill_n(sums, sums_size, T(0));
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            const LaneImages images = lane_images<T>(n, g.N);
            for (std::size_t group = 0; group < g.groups; ++group) {
                direct::pack_input(g, c, x, group, images, packed);
                for (std::size_t block = 0; block < blocks.count(); ++block) {
                    const std::size_t k0 = group * c.out + blocks.begin(block), channels = blocks.size(block);
                    for (std::size_t p = 0; p < g.P / 2; p += rows) {
                        const std::size_t height = std::min(rows, g.P / 2 - p);
                        const Frame frame{2 * height, g.Q}; // of these rows of dz
                        for (std::size_t k = k0; k < k0 + channels; ++k) {
                            pack_columns(dy + (images.first * g.K + k) * windows + p * columns, g.K * windows,
                                         images.count, height * columns, dy_rows, lanes<T>);
                            const T* winner = winners + ((n * g.K + k) * windows + p * columns) * lanes<T>;
                            const auto sum = unpool(dy_rows, winner, height, columns, frame,
                                                    dz_rows + (k - k0) * frame.size() * lanes<T>);
                            T* bias = sums + (g.w_size() + k) * lanes<T>;
                            (Vec<T>::load_aligned(bias) + sum).store_aligned(bias);
                        }
                        direct::add_weight_rows(channels, c, packed, dz_rows, 2 * p, 2 * height, offsets,
                                                sums + k0 * g.taps() * lanes<T>);
                    }
                }
            }
        }
    });
    direct::add_up(memory, chunks.count, sums_size, g.w_size(), dw);
    direct::add_up(memory + g.w_size() * lanes<T>, chunks.count, sums_size, g.K, db);
}

} // namespace handgrad::cpu::fused
