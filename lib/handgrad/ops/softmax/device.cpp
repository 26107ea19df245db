// softmax, one item for each row: about 25 operations for 2 numbers of memory for each entry. Rows are short (ten
// classes) and numerous, so one thread for each row is parallel enough. Formulas: softmax.hpp.

#include "handgrad/device/run.hpp"
#include "handgrad/ops/softmax/device_row.hpp"
#include "handgrad/ops/softmax/softmax.hpp"

namespace handgrad {
namespace {

template <class T> struct Forward {
    MatrixView<const T> z;
    MatrixView<T> p;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t n) const { device::SoftmaxRow<T>(&z(n, 0), &p(n, 0), z.columns); }
};

template <class T> struct Backward {
    MatrixView<const T> p, dp;
    MatrixView<T> dz;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t n) const {
        T mean(0); // mean of dp with the weights p
        for (std::size_t k = 0; k < p.columns; ++k) { mean += dp(n, k) * p(n, k); }
        for (std::size_t k = 0; k < p.columns; ++k) { dz(n, k) = p(n, k) * (dp(n, k) - mean); }
    }
};

} // namespace

template <> template <class T> void SoftmaxKernels<OnDevice>::forward(MatrixView<const T> z, MatrixView<T> p) {
    device::for_each_item(z.rows, 25 * z.columns, Forward<T>{z, p});
}

template <> template <class T>
void SoftmaxKernels<OnDevice>::backward(MatrixView<const T> p, MatrixView<const T> dp, MatrixView<T> dz) {
    device::for_each_item(p.rows, 4 * p.columns, Backward<T>{p, dp, dz});
}

HANDGRAD_INSTANTIATE_KERNEL(SoftmaxKernels<OnDevice>::forward)
HANDGRAD_INSTANTIATE_KERNEL(SoftmaxKernels<OnDevice>::backward)

} // namespace handgrad
