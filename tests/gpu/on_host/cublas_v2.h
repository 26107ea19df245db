#pragma once
// A stand-in for cuBLAS: column-major matrix products by plain loops, after a check of every argument. Unlike cuBLAS it
// refuses a matrix that is not in the memory of the device with all its columns, and a result that shares memory with an
// argument. As in BLAS, c is not read if beta is 0, and c = beta c if k is 0.

#include <algorithm>
#include <cstdint>

#include "cuda_runtime.hpp"

enum cublasStatus_t {
    CUBLAS_STATUS_SUCCESS = 0,
    CUBLAS_STATUS_NOT_INITIALIZED = 1,
    CUBLAS_STATUS_INVALID_VALUE = 7,
    CUBLAS_STATUS_MAPPING_ERROR = 11
};
enum cublasOperation_t { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1, CUBLAS_OP_C = 2 };
struct cublasContext {};
using cublasHandle_t = cublasContext*;

namespace handgrad_stand_in {

inline cublasContext* cublas_context() {
    static cublasContext context;
    return &context;
}

/// A column-major matrix, and whether it is transposed.
template <class T> struct ColumnMajor {
    T* data;
    int rows, columns, leading; ///< extents in memory
    bool transposed = false;

    T& operator()(int i, int j) const {
        const std::ptrdiff_t row = transposed ? j : i, column = transposed ? i : j;
        return data[column * leading + row];
    }
    std::size_t size() const { ///< from the first entry to the last
        if (rows == 0 || columns == 0) { return 0; }
        return static_cast<std::size_t>(columns - 1) * static_cast<std::size_t>(leading) +
               static_cast<std::size_t>(rows);
    }
    bool has_leading() const { return leading >= std::max(1, rows); }
    bool is_on_device() const { return memory().owns(data, size() * sizeof(T)); }
    template <class U> bool overlaps(const ColumnMajor<U>& other) const {
        const auto first = reinterpret_cast<std::uintptr_t>(data), last = first + size() * sizeof(T);
        const auto begin = reinterpret_cast<std::uintptr_t>(other.data), end = begin + other.size() * sizeof(T);
        return first < end && begin < last;
    }
};

template <class T>
ColumnMajor<const T> operand(cublasOperation_t operation, int rows, int columns, const T* data, int leading) {
    const bool transposed = operation != CUBLAS_OP_N;
    return {data, transposed ? columns : rows, transposed ? rows : columns, leading, transposed};
}

template <class T> cublasStatus_t gemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m,
                                       int n, int k, const T* alpha, const T* a_data, int lda, const T* b_data, int ldb,
                                       const T* beta, T* c_data, int ldc) {
    if (handle != cublas_context()) { return CUBLAS_STATUS_NOT_INITIALIZED; }
    if (m < 0 || n < 0 || k < 0 || alpha == nullptr || beta == nullptr) { return CUBLAS_STATUS_INVALID_VALUE; }
    const auto a = operand(op_a, m, k, a_data, lda), b = operand(op_b, k, n, b_data, ldb);
    const ColumnMajor<T> c{c_data, m, n, ldc};
    if (!a.has_leading() || !b.has_leading() || !c.has_leading()) { return CUBLAS_STATUS_INVALID_VALUE; }
    if (!a.is_on_device() || !b.is_on_device() || !c.is_on_device()) { return CUBLAS_STATUS_MAPPING_ERROR; }
    if (c.overlaps(a) || c.overlaps(b)) { return CUBLAS_STATUS_INVALID_VALUE; }
    for (int j = 0; j < n; ++j) {
        for (int i = 0; i < m; ++i) {
            T sum(0);
            for (int l = 0; l < k; ++l) { sum += a(i, l) * b(l, j); }
            c(i, j) = *beta == T(0) ? *alpha * sum : *alpha * sum + *beta * c(i, j);
        }
    }
    return CUBLAS_STATUS_SUCCESS;
}

} // namespace handgrad_stand_in

inline cublasStatus_t cublasCreate(cublasHandle_t* handle) {
    *handle = handgrad_stand_in::cublas_context();
    return CUBLAS_STATUS_SUCCESS;
}
inline const char* cublasGetStatusString(cublasStatus_t status) {
    switch (status) {
    case CUBLAS_STATUS_SUCCESS:
        return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
        return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_INVALID_VALUE:
        return "CUBLAS_STATUS_INVALID_VALUE";
    default:
        return "CUBLAS_STATUS_MAPPING_ERROR";
    }
}

inline cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n,
                                  int k, const float* alpha, const float* a, int lda, const float* b, int ldb,
                                  const float* beta, float* c, int ldc) {
    return handgrad_stand_in::gemm(handle, op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
inline cublasStatus_t cublasDgemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n,
                                  int k, const double* alpha, const double* a, int lda, const double* b, int ldb,
                                  const double* beta, double* c, int ldc) {
    return handgrad_stand_in::gemm(handle, op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
