// The loops of the reference, compiled with optimisation although the tests are not (HANDGRAD_FUZZ): see
// tests/CMakeLists.txt.

#include <complex>

#include "handgrad/backends/reference.hpp"

namespace handgrad {

#define HANDGRAD_REFERENCE(kernel)                                                                                     \
    HANDGRAD_INSTANTIATE_KERNEL(kernel)                                                                                \
    template decltype(kernel<std::complex<double>>) kernel<std::complex<double>>;
HANDGRAD_REFERENCE(LinearKernels<OnReference>::forward)
HANDGRAD_REFERENCE(LinearKernels<OnReference>::backward_input)
HANDGRAD_REFERENCE(LinearKernels<OnReference>::backward_weight)
HANDGRAD_REFERENCE(LinearKernels<OnReference>::backward_bias)
HANDGRAD_REFERENCE(Conv2dKernels<OnReference>::forward)
HANDGRAD_REFERENCE(Conv2dKernels<OnReference>::backward_input)
HANDGRAD_REFERENCE(Conv2dKernels<OnReference>::backward_weight)
HANDGRAD_REFERENCE(Conv2dKernels<OnReference>::backward_bias)
HANDGRAD_REFERENCE(Pool2dKernels<OnReference>::max_forward)
HANDGRAD_REFERENCE(Pool2dKernels<OnReference>::max_backward)
HANDGRAD_REFERENCE(Pool2dKernels<OnReference>::avg_forward)
HANDGRAD_REFERENCE(Pool2dKernels<OnReference>::avg_backward)

} // namespace handgrad
