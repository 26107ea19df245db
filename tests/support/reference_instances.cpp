// The reference's loops, optimised where the tests that run them are not (HANDGRAD_FUZZ): tests/CMakeLists.txt.

#include <complex>

#include "handgrad/backends/reference.hpp"

namespace handgrad::reference {

#define HANDGRAD_INSTANTIATE(T)                                                                                        \
    template void linear_forward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&, Tensor<T>&);                    \
    template void linear_backward_input(const Tensor<T>&, const Tensor<T>&, Tensor<T>&);                               \
    template void linear_backward_weight(const Tensor<T>&, const Tensor<T>&, Tensor<T>&, Accumulate);                  \
    template void linear_backward_bias(const Tensor<T>&, Tensor<T>&, Accumulate);                                      \
    template void conv2d_forward(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&, const Conv2dOptions&,           \
                                 Tensor<T>&);                                                                          \
    template void conv2d_backward_input(const Tensor<T>&, const Tensor<T>&, const Shape&, const Conv2dOptions&,        \
                                        Tensor<T>&);                                                                   \
    template void conv2d_backward_weight(const Tensor<T>&, const Tensor<T>&, const Shape&, const Conv2dOptions&,       \
                                         Tensor<T>&, Accumulate);                                                      \
    template void conv2d_backward_bias(const Tensor<T>&, Tensor<T>&, Accumulate);                                      \
    template void avg_pool2d_forward(const Tensor<T>&, const AvgPool2dOptions&, Tensor<T>&);                           \
    template void avg_pool2d_backward(const Tensor<T>&, const Shape&, const AvgPool2dOptions&, Tensor<T>&);            \
    template void max_pool2d_forward(const Tensor<T>&, const MaxPool2dOptions&, Tensor<T>&, Indices&);                 \
    template void max_pool2d_backward(const Tensor<T>&, const Indices&, const Shape&, Tensor<T>&);                     \
    template void relu_forward(const Tensor<T>&, Tensor<T>&);                                                          \
    template void relu_backward(const Tensor<T>&, const Tensor<T>&, Tensor<T>&);                                       \
    template void sigmoid_forward(const Tensor<T>&, Tensor<T>&);                                                       \
    template void sigmoid_backward(const Tensor<T>&, const Tensor<T>&, Tensor<T>&);                                    \
    template void tanh_forward(const Tensor<T>&, Tensor<T>&);                                                          \
    template void tanh_backward(const Tensor<T>&, const Tensor<T>&, Tensor<T>&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)
HANDGRAD_INSTANTIATE(std::complex<double>)

} // namespace handgrad::reference
