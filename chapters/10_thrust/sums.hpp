#pragma once
// ## Sums: reduce, and what it does to the last bits
//
// In a sum the result depends on every entry. But for real numbers $(a + b) + (c + d)$ equals
// $((a + b) + c) + d$, so each thread can add up a part, and then the parts are added.
// Floating-point numbers are rounded after each addition, so the last bits depend on where the
// parts begin.

#include <algorithm>
#include <cstddef>

#include <thrust/functional.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/discard_iterator.h>
#include <thrust/iterator/permutation_iterator.h>
#include <thrust/iterator/transform_iterator.h>
#include <thrust/reduce.h>
#include <thrust/tabulate.h>

#include "sizes.hpp"

// `thrust::reduce` chooses the parts: by the number of threads or, with TBB, by which thread
// happens to be idle.
template <class Policy>
float sum(const Policy& policy, const float* x, std::size_t n) {
    return thrust::reduce(policy, x, x + n, 0.0f, thrust::plus<float>());
}

// If the bits are to be the same everywhere, we have to choose the parts ourselves. One thread adds
// up each block of 256 numbers, in order. Then the sums of 256 blocks are added up in the same way,
// until one number is left. The number of threads makes no difference.
//
// `thrust::tabulate` is the algorithm for "entry i of the result is a function of i". The function
// finds its data itself.
inline constexpr std::size_t block = 256;

struct SumOfBlock {
    const float* x;
    std::size_t n;
    ON_DEVICE float operator()(std::size_t i) const {
        const std::size_t end = (i + 1) * block < n ? (i + 1) * block : n;
        float sum = 0;
        for (std::size_t j = i * block; j < end; ++j) { sum += x[j]; }
        return sum;
    }
};

// The sum is stored in `result`. `parts` is memory for n / 100 numbers.
template <class Policy> void sum_in_blocks(const Policy& policy, const float* x,
                                           std::size_t n, float* parts,
                                           float* result) {
    while (n > block) {
        const std::size_t count = (n + block - 1) / block;
        thrust::tabulate(policy, parts, parts + count, SumOfBlock{x, n});
        x = parts;
        n = count;
        parts += count;
    }
    thrust::tabulate(policy, result, result + 1, SumOfBlock{x, n});
}

// ### Many sums at once: reduce_by_key and computed ranges
//
// The gradient of a bias is the sum of each column of dy (N, K). `reduce_by_key` adds up neighbours
// with equal keys. If the rows of a matrix are to be added up, the keys are 0 0 0 1 1 1 2 2 2 and
// so on. They need not be in memory. A `counting_iterator` is the range 0, 1, 2, ...; a
// `transform_iterator` is a range to which a function is applied when it is read; and a
// `permutation_iterator` is a range in another order, which turns columns into rows.
struct RowOf {
    int columns;
    ON_DEVICE int operator()(int i) const { return i / columns; }
};
// The place in a matrix of (rows, columns) of the i-th number of its transpose.
struct Transposed {
    int rows, columns;
    ON_DEVICE int operator()(int i) const {
        return i % rows * columns + i / rows;
    }
};

template <class Policy> void column_sums_by_key(const Policy& policy,
                                                const float* x, float* sums,
                                                int rows, int columns) {
    const auto count = thrust::make_counting_iterator(0);
    const auto keys = thrust::make_transform_iterator(count, RowOf{rows});
    const auto order =
        thrust::make_transform_iterator(count, Transposed{rows, columns});
    const auto values = thrust::make_permutation_iterator(x, order);
    thrust::reduce_by_key(policy, keys, keys + rows * columns, values,
                          thrust::make_discard_iterator(), sums);
}

// Again the library may choose the parts, and may begin one in the middle of a column. The version
// below has one work item per column and adds in order. But it has no more parallel work than
// columns: with ten classes, ten threads. Which is better depends on the shape.
struct ColumnSum {
    const float* x;
    int rows, columns;
    ON_DEVICE float operator()(int column) const {
        float sum = 0;
        for (int row = 0; row < rows; ++row) {
            sum += x[row * columns + column];
        }
        return sum;
    }
};

template <class Policy> void column_sums(const Policy& policy, const float* x,
                                         float* sums, int rows, int columns) {
    thrust::tabulate(policy, sums, sums + columns, ColumnSum{x, rows, columns});
}
