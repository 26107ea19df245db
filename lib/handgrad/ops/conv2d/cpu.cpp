// conv2d, fast: by matrix products (im2col.hpp); or directly, with an image or a channel in each lane of a SIMD
// register, or with fewer multiplications (fast/).
// Formulas: conv2d.hpp.

#include "handgrad/ops/conv2d/conv2d.hpp"

#include "handgrad/ops/conv2d/fast/batch.hpp"
#include "handgrad/ops/conv2d/fast/winograd.hpp"
#include "handgrad/ops/conv2d/formula.hpp"
#include "handgrad/ops/conv2d/im2col.hpp"

namespace handgrad {

using namespace cpu; // the algorithms

namespace {

enum class Pass { forward, backward_input, backward_weight };
enum class Algorithm { im2col, direct, channels_last, winograd, formula };

/// The algorithm that is fastest for these shapes. Its name is in the option: `automatic` never is the answer.
template <class T> ConvAlgorithm fastest(Pass pass, const Conv2dGeometry& g) {
    // Channels fill whole registers from 16 on, whatever the processor's: so the same algorithm is chosen on each.
    if (g.C >= 16 && g.K >= 16) {
        if (winograd::suits(g)) { return ConvAlgorithm::winograd; }
        if (channels_last::suits(g)) { return ConvAlgorithm::channels_last; }
    }
    // A direct convolution needs half of the lanes filled, and the packed images of a register in the cache.
    const std::size_t bytes = sizeof(T) * lanes<T> * (g.x_image() + g.w_size());
    const bool suits_direct = fuses && g.N >= lanes<T> / 2 && bytes <= (std::size_t(1) << 20);
    // For dx with a stride most of the spread dy would be zeros.
    if (!suits_direct || (pass == Pass::backward_input && g.stride != Size2d(1))) { return ConvAlgorithm::im2col; }
    return ConvAlgorithm::direct;
}

/// Chooses the algorithm; only this function does. im2col and the kernels of fast/ multiply the zeros of the padding,
/// and the direct convolution those around and between the numbers of dy. The formula has no such products; they add 0
/// only if the other factor is finite.
/// @param w null for backward_weight, which checks its result instead
template <class T> Algorithm choose(Pass pass, const Conv2dGeometry& g, const Conv2dOptions& options, const T* w) {
    if (pass == Pass::forward && g.is_padded() && !all_finite(w, g.w_size())) { return Algorithm::formula; }
    const bool automatic = options.algorithm == ConvAlgorithm::automatic;
    switch (automatic ? fastest<T>(pass, g) : options.algorithm) {
    case ConvAlgorithm::winograd:
        if (winograd::suits(g)) { return Algorithm::winograd; }
        [[fallthrough]];
    case ConvAlgorithm::channels_last:
        if (channels_last::suits(g)) { return Algorithm::channels_last; }
        break;
    case ConvAlgorithm::direct:
        if (pass != Pass::backward_input || all_finite(w, g.w_size())) { return Algorithm::direct; }
        break;
    case ConvAlgorithm::im2col:
    case ConvAlgorithm::automatic:
        break;
    }
    return Algorithm::im2col;
}

} // namespace

template <> template <class T> void Conv2dKernels<OnCpu>::forward(ImagesView<const T> x, ImagesView<const T> w,
                                                                  VectorView<const T> b, const Conv2dOptions& options,
                                                                  ImagesView<T> y) {
    const Conv2dGeometry g(x, w, {y.h, y.w}, options);
    const T* bias = b.size == 0 ? nullptr : b.data;
    if (y.size() == 0) { return; }
    switch (choose(Pass::forward, g, options, w.data)) {
    case Algorithm::im2col:
        return im2col::forward(g, x.data, w.data, bias, y.data);
    case Algorithm::direct:
        return direct::forward(g, x.data, w.data, bias, y.data);
    case Algorithm::channels_last:
        return channels_last::forward(g, x.data, w.data, bias, y.data);
    case Algorithm::winograd:
        return winograd::forward(g, x.data, w.data, bias, y.data);
    case Algorithm::formula:
        return formula::forward(g, x.data, w.data, bias, y.data);
    }
}

template <> template <class T> void Conv2dKernels<OnCpu>::backward_input(ImagesView<const T> dy, ImagesView<const T> w,
                                                                         const Conv2dOptions& options,
                                                                         ImagesView<T> dx) {
    const Conv2dGeometry g(dx, w, {dy.h, dy.w}, options);
    if (dy.size() == 0) {
        std::fill_n(dx.data, dx.size(), T(0));
        return;
    }
    switch (choose(Pass::backward_input, g, options, w.data)) {
    case Algorithm::direct:
        return direct::backward_input(g, dy.data, w.data, dx.data);
    case Algorithm::channels_last:
        return channels_last::backward_input(g, dy.data, w.data, dx.data);
    case Algorithm::winograd:
        return winograd::backward_input(g, dy.data, w.data, dx.data);
    default:
        return im2col::backward_input(g, dy.data, w.data, dx.data);
    }
}

template <> template <class T> void Conv2dKernels<OnCpu>::backward_weight(ImagesView<const T> x, ImagesView<const T> dy,
                                                                          const Conv2dOptions& options,
                                                                          ImagesView<T> dw, Accumulate mode) {
    const Conv2dGeometry g(x, dw, {dy.h, dy.w}, options);
    const bool add = mode == Accumulate::yes;
    if (dy.size() == 0) {
        if (!add) { std::fill_n(dw.data, dw.size(), T(0)); }
        return;
    }
    T* sums = add ? scratch<T, struct WeightSums>(dw.size()) : dw.data;
    const T* no_weight = nullptr;
    const Algorithm algorithm = choose(Pass::backward_weight, g, options, no_weight);
    bool found = false; // whether the sums are those of the formula
    if (algorithm == Algorithm::winograd) {
        winograd::backward_weight(g, x.data, dy.data, sums);
        found = all_finite(sums, dw.size()); // infinity in one product of a tile reaches all
    } else if (algorithm == Algorithm::direct) {
        direct::backward_weight(g, x.data, dy.data, sums);
        found = true;
    } else if (algorithm == Algorithm::channels_last) {
        channels_last::backward_weight(g, x.data, dy.data, sums);
        found = true;
    }
    if (!found) { im2col::backward_weight(g, x.data, dy.data, sums); }
    // If a sum is NaN, the cause may be a zero times infinity, a product that the formula does not have: of the padding,
    // or of the zeros between the rows of dy.
    const bool has_zeros = g.is_padded() || algorithm == Algorithm::channels_last;
    if (has_zeros && has_nan(sums, dw.size())) { formula::backward_weight(g, x.data, dy.data, sums); }
    if (add) { add_to_gradient(sums, dw.size(), dw.data); }
}

template <> template <class T>
void Conv2dKernels<OnCpu>::backward_bias(ImagesView<const T> dy, VectorView<T> db, Accumulate mode) {
    const std::size_t plane = dy.h * dy.w;
    for (std::size_t k = 0; k < dy.c; ++k) {
        Vec<T> sums(T(0));
        T rest(0);
        for (std::size_t n = 0; n < dy.n; ++n) {
            const T* d = dy.data + (n * dy.c + k) * plane;
            std::size_t i = 0;
            for (; i + lanes<T> <= plane; i += lanes<T>) { sums += Vec<T>::load_unaligned(d + i); }
            for (; i < plane; ++i) { rest += d[i]; }
        }
        alignas(64) T each[lanes<T>];
        sums.store_aligned(each);
        for (const T v : each) { rest += v; }
        db(k) = mode == Accumulate::yes ? db(k) + rest : rest;
    }
}

HANDGRAD_INSTANTIATE_KERNEL(Conv2dKernels<OnCpu>::forward)
HANDGRAD_INSTANTIATE_KERNEL(Conv2dKernels<OnCpu>::backward_input)
HANDGRAD_INSTANTIATE_KERNEL(Conv2dKernels<OnCpu>::backward_weight)
HANDGRAD_INSTANTIATE_KERNEL(Conv2dKernels<OnCpu>::backward_bias)

} // namespace handgrad
