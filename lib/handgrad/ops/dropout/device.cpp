// Dropout, one item for each block of four numbers, whose random bits one call of Philox computes: about 40 operations
// for 8 numbers of memory. Formulas: dropout.hpp.

#include "handgrad/device/run.hpp"
#include "handgrad/ops/dropout/dropout.hpp"
#include "handgrad/tensor/philox.hpp"

namespace handgrad {
namespace {

template <class T> struct Block {
    VectorView<const T> x;
    double p;
    DropoutCounter counter;
    T scale;
    VectorView<T> y;
    HANDGRAD_HOST_DEVICE void operator()(std::size_t block) const {
        const PhiloxBlock bits = random_block(counter.seed, counter.purpose, counter.step, block);
        for (std::size_t j = 0; j < 4 && 4 * block + j < x.size; ++j) {
            const bool is_kept = static_cast<double>(uniform_from_bits(bits.word[j])) >= p;
            y(4 * block + j) = x(4 * block + j) * (is_kept ? scale : T(0));
        }
    }
};

} // namespace

template <> template <class T>
void DropoutKernels<OnDevice>::apply(VectorView<const T> x, double p, const DropoutCounter& counter, VectorView<T> y) {
    device::for_each_item((x.size + 3) / 4, 60, Block<T>{x, p, counter, static_cast<T>(1 / (1 - p)), y});
}

HANDGRAD_INSTANTIATE_KERNEL(DropoutKernels<OnDevice>::apply)

} // namespace handgrad
