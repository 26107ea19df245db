#pragma once
// Many products at once.

#include <cstddef>

#include <handgrad/tensor/tensor.hpp>

// Any of our products: c (N x K) = a (N x D) b (D x K).
template <class T> using Kernel = void (*)(const T* a, const T* b, T* c,
                                           std::size_t N, std::size_t D,
                                           std::size_t K);

// ### The batched product
//
// (B, T, D) times (B, D, K) is (B, T, K): each of the B products multiplies a matrix of T rows by a
// matrix of its own. Row-major tensors hold one matrix after another, so matrix m begins at m times
// the size of one.
template <class Number> void multiply_batched(Kernel<Number> multiply,
                                              const handgrad::Tensor<Number>& a,
                                              const handgrad::Tensor<Number>& b,
                                              handgrad::Tensor<Number>& c) {
    const std::size_t B = a.shape(0), T = a.shape(1), D = a.shape(2);
    const std::size_t K = b.shape(2);
    handgrad::require_shape("multiply_batched", "b", b.shape(), {B, D, K});
    handgrad::resize(c, {B, T, K});
    for (std::size_t m = 0; m < B; ++m) {
        multiply(a.data() + m * T * D, b.data() + m * D * K,
                 c.data() + m * T * K, T, D, K);
    }
}

// ### One right-hand side for all
//
// (B, T, D) times (D, K): all matrices of the batch are multiplied by the same b, as all digits are
// multiplied by the same weights. The rows of all matrices, one below the other, are a matrix with
// B T rows, and that is how they lie in memory already. So this is *one* product, and nothing is
// copied. A shared left-hand side does not work like that: the results would have to stand side by
// side, and our tensors have them one below the other.
template <class Number> void multiply_shared(Kernel<Number> multiply,
                                             const handgrad::Tensor<Number>& a,
                                             const handgrad::Tensor<Number>& b,
                                             handgrad::Tensor<Number>& c) {
    const std::size_t B = a.shape(0), T = a.shape(1), D = a.shape(2);
    const std::size_t K = b.shape(1);
    handgrad::require_shape("multiply_shared", "b", b.shape(), {D, K});
    handgrad::resize(c, {B, T, K});
    multiply(a.data(), b.data(), c.data(), B * T, D, K);
}
