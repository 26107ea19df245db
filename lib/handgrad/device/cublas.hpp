#pragma once
// cuBLAS for row-major matrices. cuBLAS expects column-major matrices, and a row-major matrix is the transpose of a
// column-major one; so these functions compute c^T = b^T a^T.

#include <cublas_v2.h>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace handgrad::device {

inline void check_cublas(cublasStatus_t status) {
    if (status != CUBLAS_STATUS_SUCCESS) {
        throw std::runtime_error(std::string("cuBLAS: ") + cublasGetStatusString(status));
    }
}

inline cublasHandle_t cublas() {
    static const cublasHandle_t handle = [] {
        cublasHandle_t made = nullptr;
        check_cublas(cublasCreate(&made));
        return made;
    }(); // never destroyed: at exit CUDA may end before it
    return handle;
}

inline cublasStatus_t gemm(cublasOperation_t a, cublasOperation_t b, int m, int n, int k, const float* one,
                           const float* x, int ldx, const float* y, int ldy, const float* beta, float* z, int ldz) {
    return cublasSgemm(cublas(), a, b, m, n, k, one, x, ldx, y, ldy, beta, z, ldz);
}
inline cublasStatus_t gemm(cublasOperation_t a, cublasOperation_t b, int m, int n, int k, const double* one,
                           const double* x, int ldx, const double* y, int ldy, const double* beta, double* z, int ldz) {
    return cublasDgemm(cublas(), a, b, m, n, k, one, x, ldx, y, ldy, beta, z, ldz);
}

/// c (m, n) = op(a) op(b) + beta c, where op is the transpose if the flag is set; op(a) is (m, k), op(b) is (k, n).
template <class T> void row_major_gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k,
                                       const T* a, const T* b, T beta, T* c) {
    if (m == 0 || n == 0) { return; }
    const T one(1);
    const auto number = [](std::size_t i) { return static_cast<int>(i > 0 ? i : 1); }; // a leading dimension is not 0
    check_cublas(gemm(transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N, transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N,
                      static_cast<int>(n), static_cast<int>(m), static_cast<int>(k), &one, b,
                      number(transpose_b ? k : n), a, number(transpose_a ? m : k), &beta, c, number(n)));
}

} // namespace handgrad::device
