#pragma once
// cblas_sgemm and cblas_dgemm under one name.

#include <cblas.h>

#include "handgrad/tensor/blas_buffer.hpp"

namespace handgrad::cpu {

/// C = alpha op(A) op(B) + beta C, all row-major. op(A) is m x k, op(B) is k x n, C is m x n; lda, ldb and ldc are the
/// distances between two rows in memory.
inline void gemm(CBLAS_TRANSPOSE op_a, CBLAS_TRANSPOSE op_b, std::size_t m, std::size_t n, std::size_t k, float alpha,
                 const float* a, std::size_t lda, const float* b, std::size_t ldb, float beta, float* c,
                 std::size_t ldc) {
    const BlasBuffer buffer;
    cblas_sgemm(CblasRowMajor, op_a, op_b, static_cast<blasint>(m), static_cast<blasint>(n), static_cast<blasint>(k),
                alpha, a, static_cast<blasint>(lda), b, static_cast<blasint>(ldb), beta, c, static_cast<blasint>(ldc));
}

inline void gemm(CBLAS_TRANSPOSE op_a, CBLAS_TRANSPOSE op_b, std::size_t m, std::size_t n, std::size_t k, double alpha,
                 const double* a, std::size_t lda, const double* b, std::size_t ldb, double beta, double* c,
                 std::size_t ldc) {
    const BlasBuffer buffer;
    cblas_dgemm(CblasRowMajor, op_a, op_b, static_cast<blasint>(m), static_cast<blasint>(n), static_cast<blasint>(k),
                alpha, a, static_cast<blasint>(lda), b, static_cast<blasint>(ldb), beta, c, static_cast<blasint>(ldc));
}

} // namespace handgrad::cpu
