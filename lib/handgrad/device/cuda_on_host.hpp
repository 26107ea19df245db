#pragma once
// Runs a CUDA kernel on the CPU, for chapter 10 and for the tests: a block is a set of threads with a barrier. A kernel's
// file includes this header where nvcc does not compile it. The index arithmetic can then be tested at every size, and
// ThreadSanitizer reports a missing __syncthreads(). A barrier takes up to a millisecond: kernels run on the CPU only to
// be tested and explained.

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

/// Extents of a grid, or indices in one. The names in this header that have no namespace are CUDA's.
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

inline thread_local dim3 threadIdx(0, 0, 0); ///< the thread's number in its block
inline thread_local dim3 blockIdx(0, 0, 0);  ///< the block's number in the grid

#define __global__
#define __shared__ static // the blocks run one after another, in the same memory

namespace handgrad::device {

/// Threads wait here until all of them have arrived.
class Barrier {
public:
    explicit Barrier(unsigned threads) : threads_(threads), missing_(threads) {}

    void wait() {
        std::unique_lock<std::mutex> lock(mutex_);
        if (--missing_ == 0) {
            missing_ = threads_;
            ++round_;
            lock.unlock();
            arrived_.notify_all();
        } else {
            arrived_.wait(lock, [this, round = round_] { return round != round_; });
        }
    }

private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    const unsigned threads_;
    unsigned missing_, round_ = 0;
};

/// The threads of a block. They wait for the next launch until the program ends.
class BlockOnHost {
public:
    explicit BlockOnHost(unsigned threads) : gate_(threads + 1), barrier_(threads) {
        for (unsigned thread = 0; thread < threads; ++thread) {
            threads_.emplace_back([this, thread] { work(thread); });
        }
    }
    BlockOnHost(const BlockOnHost&) = delete;
    BlockOnHost& operator=(const BlockOnHost&) = delete;
    ~BlockOnHost() {
        body_ = nullptr;
        gate_.wait();
        for (std::thread& thread : threads_) { thread.join(); }
    }

    /// Calls body() on every thread, for one block of the grid after another.
    void run(dim3 blocks, const std::function<void()>& body) {
        blocks_ = blocks;
        body_ = &body;
        gate_.wait(); // the threads start
        gate_.wait(); // all of them have run all blocks
    }

    /// The barrier of the block in which the calling thread is.
    static Barrier*& barrier_here() {
        static thread_local Barrier* barrier = nullptr;
        return barrier;
    }

private:
    void work(unsigned thread) {
        threadIdx = dim3(thread, 0, 0);
        barrier_here() = &barrier_;
        for (gate_.wait(); body_ != nullptr; gate_.wait()) {
            for (unsigned i = 0; i < blocks_.x * blocks_.y * blocks_.z; ++i) {
                blockIdx = dim3(i % blocks_.x, i / blocks_.x % blocks_.y, i / blocks_.x / blocks_.y);
                (*body_)();
                barrier_.wait(); // the next block uses the same shared memory
            }
            gate_.wait();
        }
    }

    Barrier gate_, barrier_;
    dim3 blocks_;
    const std::function<void()>* body_ = nullptr; ///< the kernel; null ends the threads
    std::vector<std::thread> threads_;
};

/// Runs a kernel, body(), on `blocks` blocks of `threads` threads.
inline void launch_on_host(dim3 blocks, int threads, const std::function<void()>& body) {
    static std::mutex one_at_a_time;
    static std::map<int, std::unique_ptr<BlockOnHost>> blocks_of; // by their number of threads
    const std::lock_guard<std::mutex> lock(one_at_a_time);
    auto& block = blocks_of[threads];
    if (!block) { block = std::make_unique<BlockOnHost>(static_cast<unsigned>(threads)); }
    block->run(blocks, body);
}

} // namespace handgrad::device

/// Waits until all threads of the block have come here.
inline void __syncthreads() { handgrad::device::BlockOnHost::barrier_here()->wait(); }
