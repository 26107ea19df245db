#pragma once
// Many products at once.

#include <cstddef>

#include <handgrad/tensor/tensor.hpp>

// Any of our products: c (M x N) = a (M x K) b (K x N).
template <class T> using Kernel = void (*)(const T* a, const T* b, T* c, std::size_t M, std::size_t K, std::size_t N);

// ### The batched product
//
// (B, M, K) times (B, K, N) is (B, M, N): product number n of the batch is made of the n-th matrix of each. Row-major
// tensors hold one matrix after another, so the n-th begins at n times the size of one.
template <class T> void multiply_batched(Kernel<T> multiply, const handgrad::Tensor<T>& a, const handgrad::Tensor<T>& b,
                                         handgrad::Tensor<T>& c) {
    const std::size_t B = a.shape(0), M = a.shape(1), K = a.shape(2), N = b.shape(2);
    handgrad::require_shape("multiply_batched", "b", b.shape(), {B, K, N});
    handgrad::resize(c, {B, M, N});
    for (std::size_t n = 0; n < B; ++n) {
        multiply(a.data() + n * M * K, b.data() + n * K * N, c.data() + n * M * N, M, K, N);
    }
}

// ### One right-hand side for all
//
// (B, M, K) times (K, N): all matrices of the batch meet the same b, as all digits meet the same weights. The rows of
// all matrices, one below the other, are a matrix with B M rows, and in memory that is what they are already. So this is
// *one* product; nothing is copied. A shared left-hand side does not work like that: the results would have to stand
// side by side, (M, B N), and our tensors have them one below the other.
template <class T> void multiply_shared(Kernel<T> multiply, const handgrad::Tensor<T>& a, const handgrad::Tensor<T>& b,
                                        handgrad::Tensor<T>& c) {
    const std::size_t B = a.shape(0), M = a.shape(1), K = a.shape(2), N = b.shape(1);
    handgrad::require_shape("multiply_shared", "b", b.shape(), {K, N});
    handgrad::resize(c, {B, M, N});
    multiply(a.data(), b.data(), c.data(), B * M, K, N);
}
