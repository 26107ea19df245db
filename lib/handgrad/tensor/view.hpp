#pragma once
/// @file
/// Views, the arguments of a kernel: each is a pointer to row-major numbers and their extents. This header does not
/// include xtensor, so nvcc can compile it.
///
/// A contract checks the shapes and resizes the results; then it passes views to the kernel of the backend.

#include <complex>
#include <cstddef>

#include "handgrad/tensor/shape.hpp"

#if defined(__CUDACC__)
#define HANDGRAD_HOST_DEVICE __host__ __device__
#else
/// Marks a function that runs on the host and, with CUDA, on the GPU.
#define HANDGRAD_HOST_DEVICE
#endif

namespace handgrad {

/// Consecutive numbers: (size).
template <class T> struct VectorView {
    T* data;          ///< the first number
    std::size_t size; ///< number of entries
    /// Number i.
    HANDGRAD_HOST_DEVICE T& operator()(std::size_t i) const { return data[i]; }
};

/// A matrix, (rows, columns): a weight, or a tensor of any rank whose leading axes are folded into one. For a layer
/// that acts on features, a batch (N, D) and a batch of sequences (B, T, D) are both rows of D numbers.
template <class T> struct MatrixView {
    T* data;             ///< the first number
    std::size_t rows;    ///< number of rows
    std::size_t columns; ///< length of a row
    /// Number j of row i.
    HANDGRAD_HOST_DEVICE T& operator()(std::size_t i, std::size_t j) const { return data[i * columns + j]; }
};

/// Images, (N, C, H, W): N images of C channels with H rows of W pixels; or the weight of a convolution,
/// (C_out, C_in/groups, R, S).
template <class T> struct ImagesView {
    T* data;       ///< the first number
    std::size_t n; ///< number of images, or of output channels
    std::size_t c; ///< number of channels
    std::size_t h; ///< number of rows
    std::size_t w; ///< number of columns
    /// Pixel (i, j) of channel k of image m.
    HANDGRAD_HOST_DEVICE T& operator()(std::size_t m, std::size_t k, std::size_t i, std::size_t j) const {
        return data[((m * c + k) * h + i) * w + j];
    }
    /// The number of entries.
    HANDGRAD_HOST_DEVICE std::size_t size() const { return n * c * h * w; }
    /// All numbers as a vector.
    HANDGRAD_HOST_DEVICE VectorView<T> entries() const { return {data, size()}; }
};

// Views of a tensor of any backend. A view of a const tensor is const.

/// All numbers of a tensor of any rank, as a vector.
template <class Tensor> auto entries(Tensor& x) -> VectorView<std::remove_pointer_t<decltype(x.data())>> {
    return {x.data(), x.size()};
}
/// A tensor (..., D) as rows of D numbers.
template <class Tensor> auto rows(Tensor& x) -> MatrixView<std::remove_pointer_t<decltype(x.data())>> {
    const Shape& shape = x.shape();
    return {x.data(), count(without_last(shape)), shape.back()};
}
/// A tensor (N, C, H, W).
template <class Tensor> auto images(Tensor& x) -> ImagesView<std::remove_pointer_t<decltype(x.data())>> {
    const Shape& shape = x.shape();
    return {x.data(), shape[0], shape[1], shape[2], shape[3]};
}

/// Instantiates a kernel for float and double, without repeating its signature:
/// HANDGRAD_INSTANTIATE_KERNEL(LinearKernels<OnCpu>::forward).
#define HANDGRAD_INSTANTIATE_KERNEL(kernel)                                                                            \
    template decltype(kernel<float>) kernel<float>;                                                                    \
    template decltype(kernel<double>) kernel<double>;

/// Compiles a kernel of the reference once, in the library, for the scalars that are used most; for any other scalar it is
/// instantiated where it is used. Comes after the kernel in reference.hpp.
#if defined(HANDGRAD_COMPILES_REFERENCE) // backends/reference.cpp
#define HANDGRAD_REFERENCE_KERNEL(kernel)                                                                              \
    HANDGRAD_INSTANTIATE_KERNEL(kernel)                                                                                \
    template decltype(kernel<std::complex<double>>) kernel<std::complex<double>>;
#elif defined(__CUDACC__)
#define HANDGRAD_REFERENCE_KERNEL(kernel)
#else
#define HANDGRAD_REFERENCE_KERNEL(kernel)                                                                              \
    extern template decltype(kernel<float>) kernel<float>;                                                             \
    extern template decltype(kernel<double>) kernel<double>;                                                           \
    extern template decltype(kernel<std::complex<double>>) kernel<std::complex<double>>;
#endif

} // namespace handgrad
