#include "blas_buffer.hpp"

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <vector>

#include <cblas.h>

#include "memory_limit.hpp"
#include "parallel.hpp"

namespace handgrad::cpu {
namespace {

constexpr int most_buffers = 128; // of Debian's 256, threads of OpenBLAS may hold 127

class Buffers {
public:
    void take() {
        std::unique_lock<std::mutex> lock(mutex_);
        free_condition_.wait(lock, [this] { return free_ > 0; });
        --free_;
    }
    void give_back() {
        const std::lock_guard<std::mutex> lock(mutex_);
        ++free_;
        free_condition_.notify_one();
    }

private:
    /// Returns the number of buffers. If memory is limited, OpenBLAS takes its only one now: later, the program's data may
    /// need the memory.
    static int allocate() {
        if (!memory_is_limited()) { return most_buffers; }
        num_threads(); // its first call limits OpenBLAS to one thread
        if (!memory_is_left(blas_buffer_size)) {
            throw std::runtime_error("out of memory: OpenBLAS needs 128 MiB for a matrix product, and the memory limit "
                                     "(ulimit) leaves less");
        }
        // Measured with OpenBLAS 0.3.21: for AVX-512, a product of 64 x 64 takes no buffer, one of 128 x 128 does.
        constexpr int n = 256;
        const std::vector<float> x(n * n);
        std::vector<float> y(n * n);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, x.data(), n, x.data(), n, 0, y.data(), n);
        return 1;
    }

    std::mutex mutex_;
    std::condition_variable free_condition_;
    int free_ = allocate();
};

Buffers& buffers() {
    static Buffers all;
    return all;
}

} // namespace

BlasBuffer::BlasBuffer() : counted_(memory_is_limited() || num_threads() > most_buffers) {
    if (counted_) { buffers().take(); }
}

BlasBuffer::~BlasBuffer() {
    if (counted_) { buffers().give_back(); }
}

} // namespace handgrad::cpu
