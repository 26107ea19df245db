#pragma once
// ## One source for all systems
//
// All functions of this chapter take the execution policy as their first argument. This class
// passes it: it is a System made of a `Where`, which has the policy and what Thrust does not
// provide: memory, waiting, and the name of the hardware. Each of the files system_cpp.cpp,
// system_omp.cpp, system_tbb.cpp and system_cuda.cu defines a `Where`, and nothing else.

#include <algorithm>
#include <cstddef>
#include <new>

#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>

#include "batch.hpp"
#include "classes.hpp"
#include "entrywise.hpp"
#include "fused.hpp"
#include "images.hpp"
#include "matrices.hpp"
#include "sums.hpp"
#include "system.hpp"

struct NextBatch {
    std::int32_t* first;
    const float* loss;
    float* losses;
    int n;
    ON_DEVICE void operator()(int) const {
        losses[*first / n] = *loss;
        *first += n;
    }
};

template <class Where> class ThrustSystem final : public System {
public:
    template <class... Arguments> explicit ThrustSystem(Arguments... arguments)
        : where_(arguments...) {}

    std::string name() const override { return where_.name(); }
    std::string hardware() const override { return where_.hardware(); }
    double at_a_time() const override { return where_.at_a_time(); }
    void* allocate(std::size_t bytes) override {
        return where_.allocate(bytes);
    }
    void release(void* memory) noexcept override { where_.release(memory); }
    void copy_in(const void* host, void* here, std::size_t bytes) override {
        where_.copy_in(host, here, bytes);
    }
    void copy_out(const void* here, void* host, std::size_t bytes) override {
        where_.copy_out(here, host, bytes);
    }
    void wait() override { where_.wait(); }
    std::size_t started() const override { return started_; }
    std::unique_ptr<Recording>
    record(const std::function<void()>& work) override {
        return where_.record(work);
    }
    std::vector<KernelUse> kernel_use() const override {
        return where_.kernel_use();
    }

    void relu_forward(const float* x, float* y, std::size_t n) override {
        ::relu_forward(policy(), x, y, n);
    }
    void relu_backward(const float* x, const float* dy, float* dx,
                       std::size_t n) override {
        ::relu_backward(policy(), x, dy, dx, n);
    }
    void sgd_step(float* w, const float* dw, float* v, std::size_t n, float lr,
                  float beta) override {
        ::sgd_step(policy(), w, dw, v, n, lr, beta);
    }
    float sum(const float* x, std::size_t n) override {
        return ::sum(policy(), x, n);
    }
    void sum_in_blocks(const float* x, std::size_t n, float* parts,
                       float* result) override {
        ::sum_in_blocks(policy(), x, n, parts, result);
    }
    void column_sums_by_key(const float* x, float* sums, int rows,
                            int columns) override {
        ::column_sums_by_key(policy(), x, sums, rows, columns);
    }
    void column_sums(const float* x, float* sums, int rows,
                     int columns) override {
        ::column_sums(policy(), x, sums, rows, columns);
    }
    void gather_batch(const std::uint8_t* bytes, const std::int32_t* all_labels,
                      const std::int32_t* order, const std::int32_t* first,
                      int n, int pixels, float* images,
                      std::int32_t* labels) override {
        ::gather_batch(policy(2), bytes, all_labels, order, first, n, pixels,
                       images, labels);
    }
    void linear_forward(const float* x, const float* w, const float* b,
                        float* y, int N, int D_in, int D_out) override {
        ::linear_forward(policy(), x, w, b, y, N, D_in, D_out);
    }
    void linear_backward_input(const float* dy, const float* w, float* dx,
                               int N, int D_in, int D_out) override {
        ::linear_backward_input(policy(), dy, w, dx, N, D_in, D_out);
    }
    void linear_backward_weight(const float* x, const float* dy, float* dw,
                                int N, int D_in, int D_out) override {
        ::linear_backward_weight(policy(), x, dy, dw, N, D_in, D_out);
    }
    void cross_entropy_forward(const float* z, const std::int32_t* y, float* p,
                               float* losses, float* mean, int N,
                               int K) override {
        ::cross_entropy_forward(policy(2), z, y, p, losses, mean, N, K);
    }
    void cross_entropy_backward(const float* p, const std::int32_t* y,
                                float* dz, int N, int K) override {
        ::cross_entropy_backward(policy(), p, y, dz, N, K);
    }
    void conv2d_forward(const ConvSizes& s, const float* x, const float* w,
                        const float* b, float* y) override {
        ::conv2d_forward(policy(), s, x, w, b, y);
    }
    void conv2d_backward_input(const ConvSizes& s, const float* dy,
                               const float* w, float* dx) override {
        ::conv2d_backward_input(policy(), s, dy, w, dx);
    }
    void conv2d_backward_weight(const ConvSizes& s, const float* x,
                                const float* dy, float* parts,
                                float* dw) override {
        ::conv2d_backward_weight(policy(2), s, x, dy, parts, dw);
    }
    void conv2d_backward_bias(const ConvSizes& s, const float* dy, float* parts,
                              float* db) override {
        ::conv2d_backward_bias(policy(2), s, dy, parts, db);
    }
    void max_pool2d_forward(const float* x, int maps, int H, int W, float* y,
                            std::int32_t* winners) override {
        ::max_pool2d_forward(policy(), x, maps, H, W, y, winners);
    }
    void max_pool2d_backward(const float* dy, const std::int32_t* winners,
                             int windows, float* dx, int pixels) override {
        ::max_pool2d_backward(policy(2), dy, winners, windows, dx, pixels);
    }
    void conv2d_relu_max_pool2d_forward(const ConvSizes& s, const float* x,
                                        const float* w, const float* b,
                                        float* y,
                                        std::int32_t* winners) override {
        ::conv2d_relu_max_pool2d_forward(policy(), s, x, w, b, y, winners);
    }
    void relu_max_pool2d_backward(const float* dy, const float* y,
                                  const std::int32_t* winners, int windows,
                                  float* dz, int pixels) override {
        ::relu_max_pool2d_backward(policy(2), dy, y, winners, windows, dz,
                                   pixels);
    }
    void next_batch(std::int32_t* first, const float* loss, float* losses,
                    int n) override {
        const auto item = thrust::make_counting_iterator(0);
        thrust::for_each(policy(), item, item + 1,
                         NextBatch{first, loss, losses, n});
    }

private:
    auto policy(std::size_t algorithms = 1) { // how many will be started
        started_ += algorithms;
        return where_.policy();
    }

    Where where_;
    std::size_t started_ = 0;
};

// What the systems on the host have in common: their memory is the program's, and an algorithm
// returns when it is done.
struct OnHost {
    static void* allocate(std::size_t bytes) { return ::operator new(bytes); }
    static void release(void* memory) noexcept { ::operator delete(memory); }
    static void copy_in(const void* from, void* to, std::size_t bytes) {
        // Not std::memcpy: an empty vector's null pointer must not be given to that.
        std::copy_n(static_cast<const std::byte*>(from), bytes,
                    static_cast<std::byte*>(to));
    }
    static void copy_out(const void* from, void* to, std::size_t bytes) {
        copy_in(from, to, bytes);
    }
    static void wait() {}
    static std::unique_ptr<Recording>
    record(const std::function<void()>& work) {
        work();
        return nullptr;
    }
    static std::vector<KernelUse> kernel_use() { return {}; }
};
