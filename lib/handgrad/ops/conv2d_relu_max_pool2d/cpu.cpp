#include "handgrad/ops/conv2d_relu_max_pool2d/cpu.hpp"

#include "handgrad/ops/conv2d/fast/batch.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/small_batch.hpp"

namespace handgrad::cpu {
namespace {

using direct::Correlation;
using direct::Images;
using direct::Pieces;

/// The places of a window, in row-major order.
constexpr std::size_t places = 4;

/// The convolution without the last row and column where no window of the pooling reaches them.
Conv2dGeometry whole_windows(const Shape& x, const Shape& w, const Shape& z, const Conv2dOptions& options) {
    return Conv2dGeometry(x, w, {z[0], z[1], z[2] / 2 * 2, z[3] / 2 * 2}, options);
}

/// Whether so few images would leave more than half of a register's lanes idle.
template <class T> bool too_few(std::size_t images) { return 2 * images < lanes<T>; }

/// winners' shape: a register of images, channel, window, lane; or y's, for few images.
template <class T> Shape winners_shape(const Shape& y) {
    if (too_few<T>(y[0])) { return y; }
    return {direct::registers_of_images<T>(y[0]), y[1], y[2] * y[3], lanes<T>};
}

/// Where in winners the winner of a window is, `window` counted through all images.
template <class T> auto place_of_winner(const Shape& y) {
    const std::size_t windows = y[1] * y[2] * y[3];
    return [few = too_few<T>(y[0]), windows](std::size_t window) {
        if (few) { return window; }
        const std::size_t image = window / windows;
        return (image / lanes<T> * windows + window % windows) * lanes<T> + image % lanes<T>;
    };
}

/// Output row p of the pooling for K channels: y and winners [k * Q/2 + q], registers, the latter `step` apart from one
/// channel to the next. A window's four sums are in registers when they are compared.
template <std::size_t K, class T> void pooled_row(const Correlation& c, const T* x, const T* w, const T* bias,
                                                  std::size_t p, T* y, T* winners, std::size_t step) {
    const std::size_t columns = c.Q / 2, right = c.stride.w * lanes<T>;
    const std::size_t below = c.stride.h * c.frame.columns * lanes<T>;
    const T* start = x + 2 * p * below;
    const Inside rows = c.kernel_rows(2 * p); // all of them: the padding is stored
    for (std::size_t q = 0; q < columns; ++q) {
        Vec<T> sum[K][places];
        for (std::size_t k = 0; k < K; ++k) {
            for (auto& v : sum[k]) { v = Vec<T>(bias ? bias[k] : T(0)); }
        }
        const Inside kernel_columns = c.kernel_columns(2 * q, 2);
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

/// dz of one channel, for some rows of windows: every dy goes to the place that won, zeros to the three others.
/// @param dy, winners the windows, rows x columns registers @param frame where the convolution's pixels go in dz
/// @returns the sum of dz
template <class T>
Vec<T> spread(const T* dy, const T* winners, std::size_t rows, std::size_t columns, const Frame& frame, T* dz) {
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

} // namespace

template <class T> void conv2d_relu_max_pool2d_forward(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b,
                                                       const Conv2dOptions& options, Tensor<T>& y, Tensor<T>& winners) {
    const auto shapes = check_conv2d_relu_max_pool2d_forward(x, w, b, options, y, winners);
    resize(y, shapes.y);
    resize(winners, winners_shape<T>(shapes.y));
    // The padding is stored as zeros, which times an infinity are NaN.
    if (too_few<T>(x.shape()[0]) || (options.padding != Size2d(0) && !all_finite(w.data(), w.size()))) {
        return few::forward(x, w, b, options, y, winners, place_of_winner<T>(y.shape()));
    }
    const Conv2dGeometry g = whole_windows(x.shape(), w.shape(), shapes.z, options);
    const Correlation c = direct::forward_correlation(g);
    const T* bias = b.size() == 0 ? nullptr : b.data();
    const Pieces pieces(c.out, direct::tile_channels(places));
    const std::size_t weight = direct::whole_registers<T>(g.group_out() * g.taps());
    const std::size_t packed = c.in * c.frame.size() * lanes<T>, columns = g.Q / 2, windows = g.P / 2 * columns;
    const std::size_t line = direct::tile_channels(places) * columns * lanes<T>;
    const Chunks chunks = direct::cut(direct::registers_of_images<T>(g.N));
    T* memory = direct::scratch<T>(g.groups * weight + chunks.count * (packed + line));
    const auto at = direct::forward_weight(g, w.data());
    for (std::size_t group = 0; group < g.groups; ++group) {
        direct::pack_weight(
            c, pieces, [&](auto k, auto ci, auto r, auto s) { return at(group, k, ci, r, s); },
            memory + group * weight);
    }
    parallel_for(chunks.count, [&](std::size_t i) {
        T* mine = memory + g.groups * weight + i * (packed + line);
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            const Images some(n, lanes<T>, g.N);
            for (std::size_t group = 0; group < g.groups; ++group) {
                pack(x.data() + some.first * g.x_image() + group * c.in * g.H * g.W, g.x_image(), some.count, c.in, g.H,
                     g.W, c.frame, mine);
                for (std::size_t piece = 0; piece < pieces.count(); ++piece) {
                    const std::size_t k0 = group * c.out + pieces.begin(piece);
                    const T* piece_weight = memory + group * weight + pieces.begin(piece) * g.taps();
                    with_constant(pieces.size(piece), [&](auto k) {
                        if constexpr (k() <= direct::tile_channels(places)) {
                            for (std::size_t p = 0; p < g.P / 2; ++p) {
                                pooled_row<k()>(c, mine, piece_weight, bias ? bias + k0 : nullptr, p, mine + packed,
                                                winners.data() + ((n * g.K + k0) * windows + p * columns) * lanes<T>,
                                                windows * lanes<T>);
                                for (std::size_t j = 0; j < k(); ++j) {
                                    unpack_columns(mine + packed + j * columns * lanes<T>, columns, g.K * windows,
                                                   some.count,
                                                   y.data() + (some.first * g.K + k0 + j) * windows + p * columns);
                                }
                            }
                        }
                    });
                }
            }
        }
    });
}

template <class T> void conv2d_relu_max_pool2d_backward_input(const Tensor<T>& dy, const Tensor<T>& winners,
                                                              const Tensor<T>& w, const Shape& shape_of_x,
                                                              const Conv2dOptions& options, Tensor<T>& dx) {
    const auto where = "conv2d_relu_max_pool2d_backward_input";
    const auto shapes = check_conv2d_relu_max_pool2d_backward_input(where, dy, winners, w, shape_of_x, options, dx);
    require_shape(where, "winners", winners.shape(), winners_shape<T>(dy.shape()));
    if (too_few<T>(shape_of_x[0]) || !all_finite(w.data(), w.size())) { // as in conv2d_backward_input
        const Tensor<T>& dz = few::spread(dy, winners, shapes.z, place_of_winner<T>(dy.shape()));
        return conv2d_backward_input(dz, w, shape_of_x, options, dx);
    }
    resize(dx, shape_of_x);
    const Conv2dGeometry g = whole_windows(shape_of_x, w.shape(), shapes.z, options);
    const Correlation c = direct::backward_correlation(g);
    const std::size_t columns = g.Q / 2, windows = g.P / 2 * columns;
    const auto put = [&](std::size_t group, Images some, T* packed) {
        std::fill_n(packed, c.in * c.frame.size() * lanes<T>, T(0));
        for (std::size_t k = 0; k < c.in; ++k) {
            const std::size_t channel = group * c.in + k;
            T* line = packed + c.in * c.frame.size() * lanes<T>; // behind the frame
            pack_columns(dy.data() + (some.first * g.K + channel) * windows, g.K * windows, some.count, windows, line,
                         lanes<T>);
            spread(line, winners.data() + (some.first / lanes<T> * g.K + channel) * windows * lanes<T>, g.P / 2,
                   columns, c.frame, packed + k * c.frame.size() * lanes<T>);
        }
    };
    const T* no_bias = nullptr;
    direct::correlate_all(c, g.groups, g.N, put, direct::backward_weight(g, w.data()), no_bias, dx.data(),
                          windows * lanes<T>);
}

template <class T> void conv2d_relu_max_pool2d_backward_parameters(const Tensor<T>& x, const Tensor<T>& dy,
                                                                   const Tensor<T>& winners, const Shape& shape_of_w,
                                                                   const Conv2dOptions& options, Tensor<T>& dw,
                                                                   Tensor<T>& db, Accumulate mode) {
    const auto where = "conv2d_relu_max_pool2d_backward_parameters";
    const auto shapes =
        check_conv2d_relu_max_pool2d_backward_parameters(where, x, dy, winners, shape_of_w, options, dw, db);
    require_shape(where, "winners", winners.shape(), winners_shape<T>(dy.shape()));
    prepare_gradient(where, "dw", dw, shape_of_w, mode);
    prepare_gradient(where, "db", db, {shape_of_w[0]}, mode);
    const auto one_after_another = [&] {
        const Tensor<T>& dz = few::spread(dy, winners, shapes.z, place_of_winner<T>(dy.shape()));
        conv2d_backward_weight(x, dz, shape_of_w, options, dw, mode);
        conv2d_backward_bias(dz, db, mode);
    };
    if (too_few<T>(x.shape()[0])) { return one_after_another(); }
    // A last row or column that no window reaches has a dz of 0. It is left out below; but 0 times infinity is NaN.
    const bool leaves_out = shapes.z[2] % 2 != 0 || shapes.z[3] % 2 != 0;
    if (leaves_out && !all_finite(x.data(), x.size())) { return one_after_another(); }
    const Conv2dGeometry g = whole_windows(x.shape(), shape_of_w, shapes.z, options);
    const Correlation c = direct::forward_correlation(g);
    const Pieces pieces = direct::weight_pieces(c);
    const std::size_t* offsets = direct::tap_offsets<T>(g, c);
    const std::size_t columns = g.Q / 2, windows = g.P / 2 * columns;
    // A row of windows is two rows of dz, and one of dy that is packed before it is spread.
    const std::size_t row = direct::tile_taps * 2 * g.Q * lanes<T>, rows = direct::rows_in_cache<T>(row, g.P / 2);
    const std::size_t packed = c.in * c.frame.size() * lanes<T>, line = rows * columns * lanes<T>;
    const std::size_t sums = (g.w_size() + g.K) * lanes<T>; // dw's, then db's
    const Chunks chunks = direct::cut(direct::registers_of_images<T>(g.N));
    T* memory = direct::scratch<T>(chunks.count * (sums + packed + rows * row + line));
    T* others = memory + chunks.count * sums;
    parallel_for(chunks.count, [&](std::size_t i) {
        T* sum = memory + i * sums;
        T* mine = others + i * (packed + rows * row + line);
        T* tile = mine + packed;
        T* dy_line = tile + rows * row;
        std::fill_n(sum, sums, T(0));
        for (std::size_t n = chunks.begin(i); n < chunks.begin(i) + chunks.length(i); ++n) {
            const Images some(n, lanes<T>, g.N);
            for (std::size_t group = 0; group < g.groups; ++group) {
                pack(x.data() + some.first * g.x_image() + group * c.in * g.H * g.W, g.x_image(), some.count, c.in, g.H,
                     g.W, c.frame, mine);
                for (std::size_t piece = 0; piece < pieces.count(); ++piece) {
                    const std::size_t k0 = group * c.out + pieces.begin(piece), size = pieces.size(piece);
                    for (std::size_t p = 0; p < g.P / 2; p += rows) {
                        const std::size_t now = std::min(rows, g.P / 2 - p);
                        for (std::size_t k = k0; k < k0 + size; ++k) {
                            pack_columns(dy.data() + (some.first * g.K + k) * windows + p * columns, g.K * windows,
                                         some.count, now * columns, dy_line, lanes<T>);
                            T* bias = sum + (g.w_size() + k) * lanes<T>;
                            const Frame rows_of_dz{2 * now, g.Q};
                            const auto added =
                                spread(dy_line, winners.data() + ((n * g.K + k) * windows + p * columns) * lanes<T>,
                                       now, columns, rows_of_dz, tile + (k - k0) * rows_of_dz.size() * lanes<T>);
                            (Vec<T>::load_aligned(bias) + added).store_aligned(bias);
                        }
                        direct::add_weight_rows(size, c, mine, tile, 2 * p, 2 * now, offsets,
                                                sum + k0 * g.taps() * lanes<T>);
                    }
                }
            }
        }
    });
    const bool add = mode == Accumulate::yes;
    T* bias_parts = memory + g.w_size() * lanes<T>;
    T* weight_sums = add ? memory : dw.data();
    T* bias_sums = add ? bias_parts : db.data();
    const bool has_nan = direct::add_up<true>(memory, chunks.count, sums, g.w_size(), weight_sums);
    if (has_nan && g.padding != Size2d(0)) { return one_after_another(); } // because of zeros of the padding, perhaps
    direct::add_up<true>(bias_parts, chunks.count, sums, g.K, bias_sums);
    direct::add_to_gradient(weight_sums, g.w_size(), dw.data());
    direct::add_to_gradient(bias_sums, g.K, db.data());
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void conv2d_relu_max_pool2d_forward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&,                 \
                                                 const Conv2dOptions&, Tensor<T>&, Tensor<T>&);                        \
    template void conv2d_relu_max_pool2d_backward_input(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&,          \
                                                        const Shape&, const Conv2dOptions&, Tensor<T>&);               \
    template void conv2d_relu_max_pool2d_backward_parameters(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&,     \
                                                             const Shape&, const Conv2dOptions&, Tensor<T>&,           \
                                                             Tensor<T>&, Accumulate);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::cpu
