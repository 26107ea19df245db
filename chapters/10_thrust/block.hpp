#pragma once
// ## Inside a block
//
// On a GPU the convolutions of the device backend do not use Thrust. Work items cannot share what
// they have read, and no algorithm of Thrust changes that; a *kernel* of CUDA can. Its threads are
// grouped into *blocks*, and the threads of a block have two things in common: a small *shared
// memory*, and a *barrier*, `__syncthreads()`, at which each thread waits for all others. The
// kernel `multiply` in `handgrad/device/cuda_tiles.hpp` computes a matrix product $c = ab$ with
// them, one tile of $c$ for each block. It goes along the depth in steps. In each step the threads
//
// 1. load a piece of $a$ and a piece of $b$ into shared memory,
// 2. wait at the barrier, since each thread needs numbers that others have loaded,
// 3. add the products of this piece to their sums, which they keep in registers,
// 4. wait again, since no thread may load the next piece while another still reads this one.
//
// No GPU is needed to watch a block. If nvcc does not compile the kernel, the threads of a block
// are ordinary threads of this computer. They are slow, but they run the same lines. The kernel
// asks a *problem* for every number, so our problem can record which thread has asked.
#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <handgrad/device/cuda_tiles.hpp>

namespace block {

// The block has 4 threads and its tile 8 x 8 entries; each thread owns 4 x 4 of them. Our c has 7
// rows and 6 columns, so the tile extends beyond both edges. A step has 16 products (`depth_step`),
// and our sums have 18, so the second step is nearly empty.
constexpr int rows = 7, columns = 6, depth = 18, tile = 8, threads = 4,
              no_thread = -1;

struct Notes { // the thread that loaded a number, or stored an entry of c
    std::vector<int> of_a = std::vector<int>(rows * depth, no_thread);
    std::vector<int> of_b = std::vector<int>(depth * columns, no_thread);
    std::vector<int> of_c = std::vector<int>(rows * columns, no_thread);
    std::vector<float> c = std::vector<float>(rows * columns);
    std::vector<int> reads =
        std::vector<int>(threads); // how many numbers each thread has asked for
};

inline std::size_t place(int i, int j, int width) {
    return static_cast<std::size_t>(i * width + j);
}

// Row i of a holds i + 1, and b holds 1: after l products every sum in row i is l (i + 1).
struct NotedProduct {
    Notes* notes;
    int products; // the depth, or as much of it as we want to see

    int thread() const { return static_cast<int>(threadIdx.x); }
    int rows() const { return block::rows; }
    int columns() const { return block::columns; }
    int depth(int) const { return products; }
    float a(int, int i, int l) const {
        notes->of_a[place(i, l, block::depth)] = thread();
        ++notes->reads[threadIdx.x];
        return static_cast<float>(i + 1);
    }
    float b(int, int l, int j) const {
        notes->of_b[place(l, j, block::columns)] = thread();
        ++notes->reads[threadIdx.x];
        return 1;
    }
    void store(int, int i, int j, float sum) const {
        notes->of_c[place(i, j, block::columns)] = thread();
        notes->c[place(i, j, block::columns)] = sum;
    }
};

inline Notes run(int products) {
    using handgrad::device::tiles::multiply;
    Notes notes;
    const NotedProduct product{&notes, products};
    handgrad::device::launch_on_host(
        1, threads, [&] { multiply<float, tile, tile>(product); });
    return notes;
}

// A thread's number, or a dot for a place of the tile outside the matrix. The kernel has stored a
// zero there, and no thread has asked for a number.
inline std::string who(int thread) {
    return thread == no_thread ? " ." : fmt::format(" {}", thread);
}

// ### Which thread loads which number
//
// The numbers of a piece are dealt out like cards: number 0 to thread 0, number 1 to thread 1, and
// number 4 to thread 0 again. A line of a's piece has 8 numbers, so each thread always gets the
// same rows.
//
// <details class="predict"><summary>Predict: how many numbers does thread 0 load in the first step, and how many does thread 3?</summary>
//
// Thread 0 loads 2 rows of a with 16 numbers each, and a quarter of b's $16 \cdot 6$ numbers: 56.
// One of thread 3's rows is row 7, which our matrix does not have: 16 fewer, 40.
//
// </details>
inline void print_loads(const Notes& notes) {
    fmt::print("\nA block of {} threads: c = a b, ({}, {}) times ({}, {}), in "
               "a tile of {} x {}\n",
               threads, rows, depth, depth, columns, tile, tile);
    fmt::print("\nThe thread that loads each number\n\n{:>5}   {:<19}{}\n",
               "depth", "row of a 0 to 7", "column of b 0 to 7");
    for (int l = 0; l < depth; ++l) {
        if (l == handgrad::device::tiles::depth_step) {
            fmt::print("second step\n");
        }
        std::string of_a, of_b;
        for (int i = 0; i < tile; ++i) {
            of_a += who(i < rows ? notes.of_a[place(i, l, depth)] : no_thread);
            of_b +=
                who(i < columns ? notes.of_b[place(l, i, columns)] : no_thread);
        }
        fmt::print("{:>5}  {:<19}{}\n", l, of_a, of_b);
    }
}

// @output to "17"
//
// ### Which thread computes which entry
//
// Neighbouring threads compute neighbouring rows. Each thread reads 4 numbers of a and 4 of b from
// shared memory for 16 products.
inline void print_entries(const Notes& notes) {
    fmt::print("\nThe thread that computes each entry of c\n\n");
    for (int i = 0; i < tile; ++i) {
        fmt::print("{:>5}  ", i);
        for (int j = 0; j < tile; ++j) {
            fmt::print("{}", who(i < rows && j < columns
                                     ? notes.of_c[place(i, j, columns)]
                                     : no_thread));
        }
        fmt::print("\n");
    }
}

// @output to "7   . ."
//
// ### From barrier to barrier
//
// Now the same block in time: what do the threads have in their registers at the end of each step?
// The first entry of thread 0 is in row 0 of c and that of thread 1 in row 1. So we expect 16 and
// 32 after the first step, and 18 and 36 after the second. In the second step threads 2 and 3 load
// nothing of b, and yet they must come to the barrier: without them the others would wait for ever.
inline std::vector<int> loads(const Notes& notes, int thread, int first,
                              int last) {
    int of_a = 0, of_b = 0;
    for (int l = first; l < last; ++l) {
        for (int i = 0; i < rows; ++i) {
            of_a += notes.of_a[place(i, l, depth)] == thread;
        }
        for (int j = 0; j < columns; ++j) {
            of_b += notes.of_b[place(l, j, columns)] == thread;
        }
    }
    return {of_a, of_b};
}

template <class F>
void print_line(const std::string& what, const F& of_thread) {
    fmt::print("{:<24}", what);
    for (int thread = 0; thread < threads; ++thread) {
        fmt::print("{:>10}", of_thread(thread));
    }
    fmt::print("\n");
}

inline void print_step(const Notes& all, int first, int last) {
    const Notes so_far = run(last);
    print_line("  loads of a",
               [&](int thread) { return loads(all, thread, first, last)[0]; });
    print_line("  loads of b",
               [&](int thread) { return loads(all, thread, first, last)[1]; });
    fmt::print("  -- barrier --\n");
    print_line("  sum of its first entry", [&](int thread) {
        const auto entry =
            std::find(so_far.of_c.begin(), so_far.of_c.end(), thread);
        return so_far.c[static_cast<std::size_t>(entry - so_far.of_c.begin())];
    });
    fmt::print("  -- barrier --\n");
}

// ### What the tile saves
//
// The block reads every number of a and b once: $7 \cdot 18 + 18 \cdot 6 = 234$ numbers.
// Independent threads, one for each entry of c, would read $2 \cdot 18$ numbers each:
// $7 \cdot 6 \cdot 36 = 1512$. The library's tiles have 64 rows and up to 64 columns. There a
// number that has been read once takes part in up to 64 sums.
inline void lesson() {
    constexpr int step = handgrad::device::tiles::depth_step;
    const Notes notes = run(depth);
    for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < columns; ++j) {
            if (notes.c[place(i, j, columns)] !=
                static_cast<float>(depth * (i + 1))) {
                throw std::runtime_error(
                    fmt::format("c[{}, {}] of the block is wrong", i, j));
            }
        }
    }
    print_loads(notes);
    print_entries(notes);
    fmt::print("\n");
    print_line("", [](int thread) { return fmt::format("thread {}", thread); });
    fmt::print("first step\n");
    print_step(notes, 0, step);
    fmt::print("second step\n");
    print_step(notes, step, depth);
    print_line("stores", [&](int thread) {
        return std::count(notes.of_c.begin(), notes.of_c.end(), thread);
    });
    fmt::print("\nThe block reads {} numbers of a and b; one thread for each "
               "entry reads {}\n",
               std::accumulate(notes.reads.begin(), notes.reads.end(), 0),
               rows * columns * 2 * depth);
}

} // namespace block

// @output to end
//
// Both barriers of a step are needed. Without the first, a thread multiplies numbers that are not
// there yet. Without the second, it finds those of the next step.
