#pragma once
/// @file
/// xtensor-blas, for programs that write mathematics out as expressions: xt::linalg::dot and the rest of xt::linalg work
/// on Tensor and compute with OpenBLAS. The library's own operations do not need it.

#include "handgrad/tensor/tensor.hpp"
#if __has_include(<xtensor-blas/xlinalg.hpp>)
#include <xtensor-blas/xlinalg.hpp>
#else
#error "handgrad/linalg.hpp needs xtensor-blas (Debian: libxtensor-blas-dev)"
#endif
