#include "handgrad/ops/cross_entropy/device.hpp"

#include <fmt/format.h>

#include "handgrad/device/launch.hpp"

namespace handgrad::device {

namespace {

/// Shapes, and each label. On a GPU that means to wait for it.
void check(std::string_view where, const Shape& z, const Labels& y) {
    check_cross_entropy_shapes(where, z, y.shape());
    const std::size_t bad = kernels::first_bad_label(y.data(), z[0], z[1]);
    if (bad < z[0]) { check_cross_entropy(where, z, to_host(y)); } // which says what is wrong
}

/// Shapes; labels only where that costs nothing: a step of training does not wait for a GPU.
void check_in_step(std::string_view where, const Shape& z, const Labels& y) {
    if (is_gpu()) {
        check_cross_entropy_shapes(where, z, y.shape());
    } else {
        check(where, z, y);
    }
}

} // namespace

template <class T> void cross_entropy_forward(const Tensor<T>& z, const Labels& y, Tensor<T>& p, Tensor<T>& loss) {
    check_in_step("cross_entropy_forward", z.shape(), y);
    require_cross_entropy_apart(z, p);
    require_apart("cross_entropy_forward", {"loss", loss}, {{"z", z}, {"p", p}});
    require_countable("cross_entropy_forward", "z", z.shape());
    resize(p, z.shape());
    resize(loss, {1});
    kernels::cross_entropy_forward(z.data(), y.data(), p.data(), z.shape(0), z.shape(1),
                                   scratch<double>(z.shape(0) + 64), loss.data());
}

template <class T> T cross_entropy_forward(const Tensor<T>& z, const Labels& y, Tensor<T>& p) {
    check("cross_entropy_forward", z.shape(), y);
    thread_local Tensor<T> loss;
    cross_entropy_forward(z, y, p, loss);
    return item(loss);
}

template <class T> void cross_entropy_backward(const Tensor<T>& p, const Labels& y, Tensor<T>& dz) {
    check_in_step("cross_entropy_backward", p.shape(), y);
    resize(dz, p.shape());
    kernels::cross_entropy_backward(p.data(), y.data(), dz.data(), p.shape(0), p.shape(1));
}

template <class T> T cross_entropy_forward(const Tensor<T>& z, const Labels& y) {
    Tensor<T> p;
    return cross_entropy_forward(z, y, p);
}

template <class T> Tensor<T> cross_entropy_backward(const Tensor<T>& p, const Labels& y) {
    Tensor<T> dz;
    cross_entropy_backward(p, y, dz);
    return dz;
}

template <class T> std::size_t count_correct(const Tensor<T>& z, const Labels& y) {
    check("count_correct", z.shape(), y);
    return kernels::count_correct(z.data(), y.data(), z.shape(0), z.shape(1));
}

template <class T>
void add_to_tally(const Tensor<T>& loss, const Tensor<T>& z, const Labels& y, Tensor<double>& tally) {
    check_in_step("add_to_tally", z.shape(), y);
    require_shape("add_to_tally", "loss", loss.shape(), {1});
    require_shape("add_to_tally", "tally", tally.shape(), {2});
    kernels::add_to_tally(loss.data(), z.data(), y.data(), z.shape(0), z.shape(1), scratch<double>(z.shape(0) + 64),
                          tally.data());
}

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void cross_entropy_forward(const Tensor<T>&, const Labels&, Tensor<T>&, Tensor<T>&);                      \
    template T cross_entropy_forward(const Tensor<T>&, const Labels&, Tensor<T>&);                                     \
    template void cross_entropy_backward(const Tensor<T>&, const Labels&, Tensor<T>&);                                 \
    template T cross_entropy_forward(const Tensor<T>&, const Labels&);                                                 \
    template Tensor<T> cross_entropy_backward(const Tensor<T>&, const Labels&);                                        \
    template std::size_t count_correct(const Tensor<T>&, const Labels&);                                               \
    template void add_to_tally(const Tensor<T>&, const Tensor<T>&, const Labels&, Tensor<double>&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device
