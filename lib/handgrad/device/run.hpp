#pragma once
// Where a kernel runs: the execution policy of the Thrust system that this file is compiled for, one of
// HANDGRAD_THRUST_CUDA, _OMP, _TBB, _CPP. Only files of this folder include Thrust.

#include <cstddef>

#if defined(HANDGRAD_THRUST_CUDA)
#include <thrust/system/cuda/execution_policy.h>

#include "handgrad/device/cuda_check.hpp"
#elif defined(HANDGRAD_THRUST_OMP)
#include <omp.h>
#include <thrust/system/omp/execution_policy.h>
#elif defined(HANDGRAD_THRUST_TBB)
#include <tbb/task_arena.h>
#include <thrust/system/tbb/execution_policy.h>
#elif defined(HANDGRAD_THRUST_CPP)
#include <thrust/system/cpp/execution_policy.h>
#else
#error "define HANDGRAD_THRUST_CUDA, _OMP, _TBB or _CPP"
#endif
#include <thrust/execution_policy.h>
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/zip_iterator.h>
#include <thrust/tabulate.h>
#include <thrust/transform.h>
#include <thrust/tuple.h>

#include "handgrad/device/host_device.hpp"
#include "handgrad/tensor/parallel.hpp"

namespace handgrad::device::kernels {

/// On the host, operations below which one thread is faster than waking others, which takes some 10 us.
constexpr std::size_t few_operations = 100'000;

/// Calls body(policy) with the execution policy for a kernel of about so many operations. On a GPU the kernel may not
/// have run yet when this returns: kernels run one after another, so nobody needs to wait but for copies to the host.
template <class Body> void run(std::size_t operations, const Body& body) {
#if defined(HANDGRAD_THRUST_CUDA)
    static_cast<void>(operations);
    body(thrust::cuda::par_nosync);
    check_cuda(cudaGetLastError(), "a kernel");
#else
    if (operations < few_operations || num_threads() == 1) {
        body(thrust::seq);
        return;
    }
#if defined(HANDGRAD_THRUST_OMP)
    omp_set_num_threads(num_threads());
    body(thrust::omp::par);
#elif defined(HANDGRAD_THRUST_TBB)
    tbb::task_arena(num_threads()).execute([&] { body(thrust::tbb::par); });
#else
    body(thrust::cpp::par);
#endif
#endif
}

/// y[i] = item(i) for i < count; `each` operations an item.
template <class T, class Item> void tabulate(T* y, std::size_t count, std::size_t each, const Item& item) {
    run(count * each, [&](const auto& policy) { thrust::tabulate(policy, y, y + count, item); });
}

/// item(i) for i < count; `each` operations an item. No two items may write to the same place.
template <class Item> void for_each_item(std::size_t count, std::size_t each, const Item& item) {
    run(count * each, [&](const auto& policy) {
        thrust::for_each_n(policy, thrust::counting_iterator<int>(0), static_cast<int>(count), item);
    });
}

/// Sums over the batch in two steps: partial sums over a few rows each, then their sum. The cuts depend on the batch alone,
/// and every sum runs in order: so the bits are the same on any number of threads.
struct BatchParts {
    int rows, each, count;
    explicit BatchParts(std::size_t n)
        : rows(static_cast<int>(n)), each((rows + 63) / 64), count(each ? (rows + each - 1) / each : 0) {}
    HANDGRAD_HOST_DEVICE int begin(int part) const { return part * each; }
    HANDGRAD_HOST_DEVICE int end(int part) const { return part + 1 < count ? (part + 1) * each : rows; }
};

} // namespace handgrad::device::kernels
