// conv2d_relu_max_pool2d, fast: fused with the direct convolution (fast/fused.hpp), or one after another (unfused.hpp).
// ConvAlgorithm chooses only the convolution of the latter. Formulas: conv2d_relu_max_pool2d.hpp.

#include "handgrad/ops/conv2d_relu_max_pool2d/conv2d_relu_max_pool2d.hpp"

#include "handgrad/ops/conv2d_relu_max_pool2d/fast/fused.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/unfused.hpp"

namespace handgrad {

using namespace cpu; // both algorithms

namespace {

/// Chooses the algorithm, fused or not; only this function does. A batch must fill at least half of a register's lanes.
/// @param differs whether the fused kernel has products of zeros and `factor` that the formula does not have, or leaves
/// some out: then all of `factor` must be finite
template <class T> bool is_fused(std::size_t images, bool differs, ImagesView<const T> factor) {
    return !leaves_lanes_idle<T>(images) && (!differs || all_finite(factor.data, factor.size()));
}

/// The convolution without the last row or column if no window of the pooling contains it.
template <class A, class B, class Y>
Conv2dGeometry whole_windows(ImagesView<A> x, ImagesView<B> w, const Conv2dOptions& options, ImagesView<Y> y) {
    return Conv2dGeometry(x, w, {2 * y.h, 2 * y.w}, options);
}

} // namespace

template <> template <class T> Shape Conv2dReluMaxPool2dKernels<OnCpu>::winners_shape(const Shape& y) {
    if (leaves_lanes_idle<T>(y[0])) { return y; }
    return {registers_of_images<T>(y[0]), y[1], y[2] * y[3], lanes<T>};
}

template <> template <class T>
void Conv2dReluMaxPool2dKernels<OnCpu>::forward(ImagesView<const T> x, ImagesView<const T> w, VectorView<const T> b,
                                                const Conv2dOptions& options, Size2d z, ImagesView<T> y,
                                                VectorView<T> winners) {
    const Conv2dGeometry g = whole_windows(x, w, options, y);
    if (!is_fused(x.n, g.is_padded(), w)) { return unfused::forward(x, w, b, options, z, y, winners); }
    fused::forward(g, x.data, w.data, b.size == 0 ? nullptr : b.data, y.data, winners.data);
}

template <> template <class T>
void Conv2dReluMaxPool2dKernels<OnCpu>::backward_input(ImagesView<const T> dy, VectorView<const T> winners,
                                                       ImagesView<const T> w, const Conv2dOptions& options, Size2d z,
                                                       ImagesView<T> dx) {
    const bool has_zeros_around_dz = true;
    if (!is_fused(dx.n, has_zeros_around_dz, w)) {
        return Conv2dKernels<OnCpu>::backward_input(unfused::unpooled(dy, winners, z), w, options, dx);
    }
    fused::backward_input(whole_windows(dx, w, options, dy), dy.data, winners.data, w.data, dx.data);
}

template <> template <class T>
void Conv2dReluMaxPool2dKernels<OnCpu>::backward_parameters(ImagesView<const T> x, ImagesView<const T> dy,
                                                            VectorView<const T> winners, const Conv2dOptions& options,
                                                            Size2d z, ImagesView<T> dw, VectorView<T> db,
                                                            Accumulate mode) {
    const bool leaves_out_a_line = z.h % 2 != 0 || z.w % 2 != 0; // where dz is 0
    if (is_fused(x.n, leaves_out_a_line, x)) {
        const Conv2dGeometry g = whole_windows(x, dw, options, dy);
        const bool add = mode == Accumulate::yes;
        T* dw_sums = add ? scratch<T, struct ParameterSums>(dw.size() + db.size) : dw.data;
        T* db_sums = add ? dw_sums + dw.size() : db.data;
        fused::backward_parameters(g, x.data, dy.data, winners.data, dw_sums, db_sums);
        // If a sum is NaN, the cause may be a zero of the padding times infinity, a product that the formula does not
        // have.
        const bool is_formula = !g.is_padded() || !has_nan(dw_sums, dw.size());
        if (is_formula && add) {
            add_to_gradient(dw_sums, dw.size(), dw.data);
            add_to_gradient(db_sums, db.size, db.data);
        }
        if (is_formula) { return; }
    }
    const ImagesView<const T> dz = unfused::unpooled(dy, winners, z);
    Conv2dKernels<OnCpu>::backward_weight(x, dz, options, dw, mode);
    Conv2dKernels<OnCpu>::backward_bias(dz, db, mode);
}

HANDGRAD_INSTANTIATE_KERNEL(Conv2dReluMaxPool2dKernels<OnCpu>::winners_shape)
HANDGRAD_INSTANTIATE_KERNEL(Conv2dReluMaxPool2dKernels<OnCpu>::forward)
HANDGRAD_INSTANTIATE_KERNEL(Conv2dReluMaxPool2dKernels<OnCpu>::backward_input)
HANDGRAD_INSTANTIATE_KERNEL(Conv2dReluMaxPool2dKernels<OnCpu>::backward_parameters)

} // namespace handgrad
