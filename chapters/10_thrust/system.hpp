#pragma once
// One of Thrust's systems, as the rest of the program sees it: its memory and the functions of this
// chapter. This file does not include Thrust, so main.cpp need not know whether an ordinary
// compiler or CUDA's has compiled the implementation.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sizes.hpp"

// What the compiler and the GPU say about one kernel.
struct KernelUse {
    std::string name;
    int registers;    // that each thread needs
    int threads;      // in a block
    double occupancy; // share of a multiprocessor's threads that find room
};

// Work that a GPU has recorded and can replay.
class Recording {
public:
    virtual ~Recording() = default;
    virtual void replay() = 0;
};

// All pointers point into the system's memory. A function may return before its work is done;
// wait() waits.
class System {
public:
    virtual ~System() = default;
    virtual std::string name() const = 0;     // "OMP"
    virtual std::string hardware() const = 0; // "2 threads"
    virtual double at_a_time() const = 0;     // items in progress at a time

    virtual void* allocate(std::size_t bytes) = 0;
    virtual void release(void* memory) noexcept = 0;
    virtual void copy_in(const void* host, void* here, std::size_t bytes) = 0;
    virtual void copy_out(const void* here, void* host,
                          std::size_t bytes) = 0; // waits for all before it
    virtual void wait() = 0;
    virtual std::size_t started() const = 0; // algorithms so far

    // Does `work` once and returns a recording that repeats it with one start; null if the system
    // has none.
    virtual std::unique_ptr<Recording>
    record(const std::function<void()>& work) = 0;
    virtual std::vector<KernelUse>
    kernel_use() const = 0; // empty without a GPU

    virtual void relu_forward(const float* x, float* y, std::size_t n) = 0;
    virtual void relu_backward(const float* x, const float* dy, float* dx,
                               std::size_t n) = 0;
    virtual void sgd_step(float* w, const float* dw, float* v, std::size_t n,
                          float lr, float beta) = 0;
    virtual float sum(const float* x, std::size_t n) = 0;
    virtual void sum_in_blocks(const float* x, std::size_t n, float* parts,
                               float* result) = 0;
    virtual void column_sums_by_key(const float* x, float* sums, int rows,
                                    int columns) = 0;
    virtual void column_sums(const float* x, float* sums, int rows,
                             int columns) = 0;
    virtual void gather_batch(const std::uint8_t* bytes,
                              const std::int32_t* all_labels,
                              const std::int32_t* order,
                              const std::int32_t* first, int n, int pixels,
                              float* images, std::int32_t* labels) = 0;
    virtual void linear_forward(const float* x, const float* w, const float* b,
                                float* y, int N, int D_in, int D_out) = 0;
    virtual void linear_backward_input(const float* dy, const float* w,
                                       float* dx, int N, int D_in,
                                       int D_out) = 0;
    virtual void linear_backward_weight(const float* x, const float* dy,
                                        float* dw, int N, int D_in,
                                        int D_out) = 0;
    virtual void cross_entropy_forward(const float* z, const std::int32_t* y,
                                       float* p, float* losses, float* mean,
                                       int N, int K) = 0;
    virtual void cross_entropy_backward(const float* p, const std::int32_t* y,
                                        float* dz, int N, int K) = 0;
    virtual void conv2d_forward(const ConvSizes& s, const float* x,
                                const float* w, const float* b, float* y) = 0;
    virtual void conv2d_backward_input(const ConvSizes& s, const float* dy,
                                       const float* w, float* dx) = 0;
    virtual void conv2d_backward_weight(const ConvSizes& s, const float* x,
                                        const float* dy, float* parts,
                                        float* dw) = 0;
    virtual void conv2d_backward_bias(const ConvSizes& s, const float* dy,
                                      float* parts, float* db) = 0;
    virtual void max_pool2d_forward(const float* x, int maps, int H, int W,
                                    float* y, std::int32_t* winners) = 0;
    virtual void max_pool2d_backward(const float* dy,
                                     const std::int32_t* winners, int windows,
                                     float* dx, int pixels) = 0;
    virtual void conv2d_relu_max_pool2d_forward(const ConvSizes& s,
                                                const float* x, const float* w,
                                                const float* b, float* y,
                                                std::int32_t* winners) = 0;
    virtual void relu_max_pool2d_backward(const float* dy, const float* y,
                                          const std::int32_t* winners,
                                          int windows, float* dz,
                                          int pixels) = 0;
    // The end of a training step: stores its loss, losses[*first / n] = *loss, and moves to the
    // next batch, *first += n.
    virtual void next_batch(std::int32_t* first, const float* loss,
                            float* losses, int n) = 0;
};

// The systems, each compiled in a file of its own.
std::unique_ptr<System> make_cpp();
std::unique_ptr<System> make_omp(int threads);
std::unique_ptr<System> make_tbb(int threads);
std::unique_ptr<System> make_cuda(); // null if there is no GPU
