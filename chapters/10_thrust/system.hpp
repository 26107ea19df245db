#pragma once
// One of Thrust's systems, as the rest of the program sees it: memory, and the functions of this chapter on it. Here is no
// Thrust, so main.cpp need not know whether an ordinary compiler or CUDA's has compiled what is behind it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sizes.hpp"

// What a GPU's compiler and a GPU say about one kernel.
struct KernelUse {
    std::string name;
    int registers;    // that each thread needs
    int threads;      // in a block
    double occupancy; // threads that fit into a multiprocessor at a time, of those that it has room for
};

// Work that a GPU has been shown once and does again when told to.
class Recording {
public:
    virtual ~Recording() = default;
    virtual void replay() = 0;
};

// All pointers point into the system's memory. What a function does may not be done when it returns: wait() waits.
class System {
public:
    virtual ~System() = default;
    virtual std::string name() const = 0;     // "OMP"
    virtual std::string hardware() const = 0; // "2 threads"
    virtual double at_a_time() const = 0;     // how many items it can work at, at one moment

    virtual void* allocate(std::size_t bytes) = 0;
    virtual void release(void* memory) noexcept = 0;
    virtual void copy_in(const void* host, void* here, std::size_t bytes) = 0;
    virtual void copy_out(const void* here, void* host, std::size_t bytes) = 0; // waits for all before it
    virtual void wait() = 0;
    virtual std::size_t started() const = 0; // algorithms so far

    // Does `work` once, and returns how to do the same again with one start; null where there is no such thing.
    virtual std::unique_ptr<Recording> record(const std::function<void()>& work) = 0;
    virtual std::vector<KernelUse> kernel_use() const = 0; // empty where the question makes no sense

    virtual void relu_forward(const float* x, float* y, std::size_t n) = 0;
    virtual void relu_backward(const float* x, const float* dy, float* dx, std::size_t n) = 0;
    virtual void sgd_step(float* p, const float* g, float* v, std::size_t n, float lr, float momentum) = 0;
    virtual float sum(const float* x, std::size_t n) = 0;
    virtual void sum_in_blocks(const float* x, std::size_t n, float* parts, float* result) = 0;
    virtual void column_sums_by_key(const float* x, float* sums, int rows, int columns) = 0;
    virtual void column_sums(const float* x, float* sums, int rows, int columns) = 0;
    virtual void gather_batch(const std::uint8_t* bytes, const std::int32_t* all_labels, const std::int32_t* order,
                              const std::int32_t* first, int n, int pixels, float* images, std::int32_t* labels) = 0;
    virtual void linear_forward(const float* x, const float* w, const float* b, float* y, int N, int in, int out) = 0;
    virtual void linear_backward_input(const float* dy, const float* w, float* dx, int N, int in, int out) = 0;
    virtual void linear_backward_weight(const float* x, const float* dy, float* dw, int N, int in, int out) = 0;
    virtual void cross_entropy_forward(const float* z, const std::int32_t* y, float* p, float* losses, float* mean,
                                       int N, int K) = 0;
    virtual void cross_entropy_backward(const float* p, const std::int32_t* y, float* dz, int N, int K) = 0;
    virtual void conv2d_forward(const ConvSizes& s, const float* x, const float* w, const float* b, float* y) = 0;
    virtual void conv2d_backward_input(const ConvSizes& s, const float* dy, const float* w, float* dx) = 0;
    virtual void conv2d_backward_weight(const ConvSizes& s, const float* x, const float* dy, float* parts,
                                        float* dw) = 0;
    virtual void conv2d_backward_bias(const ConvSizes& s, const float* dy, float* parts, float* db) = 0;
    virtual void max_pool2d_forward(const float* x, int maps, int H, int W, float* y, std::int32_t* winners) = 0;
    virtual void max_pool2d_backward(const float* dy, const std::int32_t* winners, int windows, float* dx,
                                     int pixels) = 0;
    virtual void conv2d_relu_max_pool2d_forward(const ConvSizes& s, const float* x, const float* w, const float* b,
                                                float* y, std::int32_t* winners) = 0;
    virtual void relu_max_pool2d_backward(const float* dy, const float* y, const std::int32_t* winners, int windows,
                                          float* dz, int pixels) = 0;
    // The end of a training step: notes its loss, losses[*first / n] = *loss, and goes on to the next batch, *first += n.
    virtual void next_batch(std::int32_t* first, const float* loss, float* losses, int n) = 0;
};

// Those that were compiled, each in a file of its own. `threads`: for the systems that have them.
std::unique_ptr<System> make_cpp();
std::unique_ptr<System> make_omp(int threads);
std::unique_ptr<System> make_tbb(int threads);
std::unique_ptr<System> make_cuda(); // null if there is no GPU
