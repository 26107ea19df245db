// The L2 penalty. Forward is a reduction: one item for each block of 256 entries; the host adds the sums of the blocks,
// because it needs the result anyway. thrust::reduce would be shorter, but its parts, and so the last bits, depend on
// the number of threads. Forward takes 2 operations for each number; backward takes 2 operations for 2 or 3 numbers of
// memory. Formulas: l2_penalty.hpp.

#include <vector>

#include "handgrad/device/memory.hpp"
#include "handgrad/device/run.hpp"
#include "handgrad/ops/l2_penalty/l2_penalty.hpp"

namespace handgrad {
namespace {

constexpr std::size_t l2_block = 256;

template <class T> struct SumOfSquares {
    VectorView<const T> w;
    HANDGRAD_HOST_DEVICE T operator()(std::size_t block) const {
        const std::size_t begin = block * l2_block, end = begin + l2_block < w.size ? begin + l2_block : w.size;
        T sum(0);
        for (std::size_t i = begin; i < end; ++i) { sum += w(i) * w(i); }
        return sum;
    }
};

template <class T> struct Scaled {
    VectorView<const T> w;
    T lambda;
    const T* before; ///< the numbers to add to, or null
    HANDGRAD_HOST_DEVICE T operator()(std::size_t i) const {
        return before ? before[i] + lambda * w(i) : lambda * w(i);
    }
};

} // namespace

template <> template <class T> T L2PenaltyKernels<OnDevice>::forward(VectorView<const T> w, double lambda) {
    const std::size_t count = (w.size + l2_block - 1) / l2_block;
    T* parts = device::scratch<T>(count);
    device::tabulate(parts, count, 2 * l2_block, SumOfSquares<T>{w});
    std::vector<T> sums(count);
    device::copy_to_host(parts, sums.data(), count * sizeof(T));
    T total(0);
    for (const T sum : sums) { total += sum; }
    return static_cast<T>(0.5 * lambda) * total;
}

template <> template <class T>
void L2PenaltyKernels<OnDevice>::backward(VectorView<const T> w, double lambda, VectorView<T> dw, Accumulate mode) {
    const T* before = mode == Accumulate::yes ? dw.data : nullptr;
    device::tabulate(dw.data, dw.size, 2, Scaled<T>{w, static_cast<T>(lambda), before});
}

HANDGRAD_INSTANTIATE_KERNEL(L2PenaltyKernels<OnDevice>::forward)
HANDGRAD_INSTANTIATE_KERNEL(L2PenaltyKernels<OnDevice>::backward)

} // namespace handgrad
