#include "blas_buffer.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stdexcept>
#include <vector>

#include <cblas.h>

#include "memory_limit.hpp"
#include "parallel.hpp"

// OpenBLAS's own functions for its buffers, if this build of it has them. They are not part of its documented interface.
extern "C" {
[[gnu::weak]] void* blas_memory_alloc(int position);
[[gnu::weak]] void blas_memory_free(void* buffer);
}

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
    /// Has OpenBLAS take its buffers now, and returns their number. Later, the program's data may need the memory.
    static int allocate() {
        if (!memory_is_limited()) { return most_buffers; }
        const bool several = blas_memory_alloc != nullptr && blas_memory_free != nullptr;
        int count = several ? std::min(num_threads(), most_buffers) : 1;
        while (count > 1 && !memory_is_left(4 * static_cast<std::size_t>(count) * blas_buffer_size)) { --count; }
        if (!memory_is_left(blas_buffer_size)) {
            throw std::runtime_error(
                "out of memory: OpenBLAS needs 128 MiB for a matrix product, and the limit of memory "
                "(ulimit) leaves less");
        }
        std::vector<void*> buffers;
        for (int i = 0; several && i < count; ++i) { buffers.push_back(blas_memory_alloc(0)); }
        for (void* buffer : buffers) { blas_memory_free(buffer); }
        if (!several) {
            const double one = 1;
            double product = 0;
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 1, 1, 1, 1, &one, 1, &one, 1, 0, &product, 1);
        }
        return count;
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
