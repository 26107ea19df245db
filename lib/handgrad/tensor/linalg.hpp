#pragma once
/// @file
/// xtensor-blas, for programs that write mathematics as expressions: xt::linalg::dot and the other functions of
/// xt::linalg accept a Tensor and compute with OpenBLAS. The library's own operations do not use it.

#include "handgrad/tensor/tensor.hpp"
#if __has_include(<xtensor-blas/xlinalg.hpp>)
#include <xtensor-blas/xlinalg.hpp>
#else
#error "handgrad/linalg.hpp needs xtensor-blas (Debian: libxtensor-blas-dev)"
#endif
