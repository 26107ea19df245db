#pragma once
// Matrix products on a GPU. The matrices need not be in memory: functions of a problem return entry (i, l) of a and
// entry (l, j) of b.
//
// A block of threads computes one tile of c, Rows x Columns, in steps along the depth. In each step its threads load
// `depth_step` columns of a and rows of b into shared memory and read each number from there Rows or Columns times.
// Each thread keeps 4 x 4 entries of the tile in registers. A thread makes 16 multiplications for 8 reads of shared
// memory, and the kernel reads global memory Rows or Columns times less often than the plain kernel. Every sum runs in
// order.

#include "handgrad/tensor/view.hpp"
#if defined(__CUDACC__)
#include "handgrad/device/cuda_check.hpp"
#else
#include "handgrad/device/cuda_on_host.hpp"
#endif

namespace handgrad::device::tiles {

constexpr int depth_step = 16, side = 4; ///< side: rows and columns of one thread

/// c[z](i, j) = sum over l < problem.depth(z) of problem.a(z, i, l) problem.b(z, l, j), for all z.
template <class T, int Rows, int Columns, class Problem> __global__ void multiply(Problem problem) {
    constexpr int threads = Rows / side * (Columns / side);
    __shared__ T a[depth_step][Rows];
    __shared__ T b[depth_step][Columns];
    const int thread = static_cast<int>(threadIdx.x), z = static_cast<int>(blockIdx.z);
    const int first_row = static_cast<int>(blockIdx.x) * Rows, first_column = static_cast<int>(blockIdx.y) * Columns;
    // Neighbouring threads compute neighbouring rows: pixels that are neighbours in memory.
    const int row = thread % (Rows / side), column = thread / (Rows / side);
    const int depth = problem.depth(z);
    T sum[side][side] = {};
    for (int l0 = 0; l0 < depth; l0 += depth_step) {
        for (int i = thread; i < depth_step * Rows; i += threads) {
            const int l = l0 + i / Rows, r = first_row + i % Rows;
            a[i / Rows][i % Rows] = l < depth && r < problem.rows() ? problem.a(z, r, l) : T(0);
        }
        for (int i = thread; i < depth_step * Columns; i += threads) {
            const int l = l0 + i % depth_step, c = first_column + i / depth_step;
            b[i % depth_step][i / depth_step] = l < depth && c < problem.columns() ? problem.b(z, l, c) : T(0);
        }
        __syncthreads();
        for (int l = 0; l < depth_step; ++l) {
            for (int i = 0; i < side; ++i) {
                for (int j = 0; j < side; ++j) {
                    sum[i][j] += a[l][row + i * (Rows / side)] * b[l][column + j * (Columns / side)];
                }
            }
        }
        __syncthreads();
    }
    for (int j = 0; j < side; ++j) {
        for (int i = 0; i < side; ++i) {
            const int r = first_row + row + i * (Rows / side), c = first_column + column + j * (Columns / side);
            if (r < problem.rows() && c < problem.columns()) { problem.store(z, r, c, sum[i][j]); }
        }
    }
}

template <class T, int Columns, class Problem> void launch(const Problem& problem, int batch) {
    constexpr int rows = 64;
    const dim3 blocks(static_cast<unsigned>((problem.rows() + rows - 1) / rows),
                      static_cast<unsigned>((problem.columns() + Columns - 1) / Columns), static_cast<unsigned>(batch));
    if (blocks.x == 0 || blocks.y == 0 || blocks.z == 0) { return; }
    constexpr int threads = rows / side * (Columns / side);
#if defined(__CUDACC__)
    multiply<T, rows, Columns><<<blocks, threads>>>(problem);
    check_cuda(cudaGetLastError(), "a matrix product");
#else // tests and chapter 10
    launch_on_host(blocks, threads, [&] { multiply<T, rows, Columns>(problem); });
#endif
}

/// Computes c[z] for all z < batch of the problem. The number of columns determines the width of the tiles.
template <class T, class Problem> void multiply_all(const Problem& problem, int batch) {
    if (problem.columns() <= 16) {
        launch<T, 16>(problem, batch);
    } else if (problem.columns() <= 32) {
        launch<T, 32>(problem, batch);
    } else {
        launch<T, 64>(problem, batch);
    }
}

} // namespace handgrad::device::tiles
