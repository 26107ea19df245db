#pragma once
// The softmax of rows, for softmax and cross-entropy.

#include <algorithm>
#include <cstddef>

#include "handgrad/tensor/exp.hpp"

namespace handgrad::cpu {

/// The largest of z_0 .. z_{k-1}; NaN if one of them is NaN.
template <class T> T row_maximum(const T* z, std::size_t k) {
    T m = z[0];
    for (std::size_t j = 1; j < k; ++j) { m = z[j] > m || z[j] != z[j] ? z[j] : m; }
    return m;
}

/// p = softmax of the `rows` rows of z, each of k entries. Calls at_row(n, maximum, sum of exponentials) for each row.
template <class T, class AtRow>
void softmax_rows(const T* z, T* p, std::size_t rows, std::size_t k, const AtRow& at_row) {
    // Computes the exponentials of many rows at once, so that registers are full even for three or ten classes.
    const std::size_t block = std::max<std::size_t>(1, 512 / k);
    T maximum[512];
    for (std::size_t begin = 0; begin < rows; begin += block) {
        const std::size_t end = std::min(rows, begin + block);
        for (std::size_t n = begin; n < end; ++n) {
            const T m = row_maximum(z + n * k, k);
            maximum[n - begin] = m;
            for (std::size_t j = 0; j < k; ++j) { p[n * k + j] = z[n * k + j] - m; }
        }
        transform(p + begin * k, p + begin * k, (end - begin) * k, [](auto v) { return vector_exp(v); });
        for (std::size_t n = begin; n < end; ++n) {
            T sum(0);
            for (std::size_t j = 0; j < k; ++j) { sum += p[n * k + j]; }
            for (std::size_t j = 0; j < k; ++j) { p[n * k + j] /= sum; }
            at_row(n, maximum[n - begin], sum);
        }
    }
}

/// Number of rows in a chunk: about 16,384 entries.
inline std::size_t softmax_grain(std::size_t k) { return std::max<std::size_t>(1, 16384 / k); }

} // namespace handgrad::cpu
