#pragma once
// The same product by OpenBLAS. BLAS has a name for each type of number, s for float and d for
// double. C++ overloads give both one name.

#include <cstddef>

#include <cblas.h>

// `gemm`, the general matrix-matrix product, computes alpha a b + beta c. Here alpha is 1 and beta
// is 0.
inline void multiply_blas(const float* a, const float* b, float* c,
                          std::size_t N, std::size_t D, std::size_t K) {
    const auto n = static_cast<blasint>(N), d = static_cast<blasint>(D);
    const auto k = static_cast<blasint>(K);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, k, d, 1.0F, a, d,
                b, k, 0.0F, c, k);
}
inline void multiply_blas(const double* a, const double* b, double* c,
                          std::size_t N, std::size_t D, std::size_t K) {
    const auto n = static_cast<blasint>(N), d = static_cast<blasint>(D);
    const auto k = static_cast<blasint>(K);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, k, d, 1.0, a, d,
                b, k, 0.0, c, k);
}

// `gemv`, the general matrix-vector product, computes $b^\top x$ for one vector x of length D.
inline void multiply_vector_blas(const float* x, const float* b, float* y,
                                 std::size_t D, std::size_t K) {
    const auto d = static_cast<blasint>(D), k = static_cast<blasint>(K);
    cblas_sgemv(CblasRowMajor, CblasTrans, d, k, 1.0F, b, k, x, 1, 0.0F, y, 1);
}
inline void multiply_vector_blas(const double* x, const double* b, double* y,
                                 std::size_t D, std::size_t K) {
    const auto d = static_cast<blasint>(D), k = static_cast<blasint>(K);
    cblas_dgemv(CblasRowMajor, CblasTrans, d, k, 1.0, b, k, x, 1, 0.0, y, 1);
}
