#pragma once
// The same product by OpenBLAS. BLAS has a name for each type of number, s for float and d for double; overloading makes
// one of the two.

#include <cstddef>

#include <cblas.h>

// C = alpha A B + beta C with alpha = 1 and beta = 0: `gemm`, general matrix-matrix product.
inline void multiply_blas(const float* a, const float* b, float* c, std::size_t M, std::size_t K, std::size_t N) {
    const auto m = static_cast<blasint>(M), k = static_cast<blasint>(K), n = static_cast<blasint>(N);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1.0F, a, k, b, n, 0.0F, c, n);
}
inline void multiply_blas(const double* a, const double* b, double* c, std::size_t M, std::size_t K, std::size_t N) {
    const auto m = static_cast<blasint>(M), k = static_cast<blasint>(K), n = static_cast<blasint>(N);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1.0, a, k, b, n, 0.0, c, n);
}

// y = B' x for one vector x of length K: `gemv`, general matrix-vector product.
inline void multiply_vector_blas(const float* x, const float* b, float* y, std::size_t K, std::size_t N) {
    const auto k = static_cast<blasint>(K), n = static_cast<blasint>(N);
    cblas_sgemv(CblasRowMajor, CblasTrans, k, n, 1.0F, b, n, x, 1, 0.0F, y, 1);
}
inline void multiply_vector_blas(const double* x, const double* b, double* y, std::size_t K, std::size_t N) {
    const auto k = static_cast<blasint>(K), n = static_cast<blasint>(N);
    cblas_dgemv(CblasRowMajor, CblasTrans, k, n, 1.0, b, n, x, 1, 0.0, y, 1);
}
