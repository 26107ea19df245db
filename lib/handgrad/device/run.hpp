#pragma once
// The loops of the device. Only this file includes Thrust. The device.cpp of an operation defines a work item; the
// functions below run all items with the Thrust system that this file is compiled for: HANDGRAD_THRUST_CUDA, _OMP, _TBB
// or _CPP. With HANDGRAD_THRUST_OFF they throw.

#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

#include "handgrad/device/system.hpp"
#include "handgrad/tensor/parallel.hpp"
#include "handgrad/tensor/view.hpp"

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
#elif !defined(HANDGRAD_THRUST_OFF)
#error "define HANDGRAD_THRUST_CUDA, _OMP, _TBB, _CPP or _OFF"
#endif
#if !defined(HANDGRAD_THRUST_OFF)
#include <thrust/execution_policy.h>
#include <thrust/for_each.h>
#include <thrust/functional.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/tabulate.h>
#include <thrust/transform_reduce.h>
#endif

namespace handgrad::device {

/// A number of entries as the index type of the kernels, int. A GPU divides ints several times as fast as std::size_t.
/// @throws ShapeError for more than 2^31 - 1 numbers: "conv2d_forward: x has 4294967296 numbers, expected at most ..."
inline int countable(std::string_view where, std::string_view what, std::size_t numbers) {
    if (numbers > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
        throw ShapeError(std::string(where) + ": " + std::string(what) + " has " + std::to_string(numbers) +
                         " numbers, expected at most 2^31 - 1");
    }
    return static_cast<int>(numbers);
}

#if defined(HANDGRAD_THRUST_OFF)

template <class T, class Item> void tabulate(T*, std::size_t, std::size_t, const Item&) { require_available(); }
template <class Item> void for_each_item(std::size_t, std::size_t, const Item&) { require_available(); }
template <class Item> std::size_t count_items(std::size_t, std::size_t, const Item&) { return require_available(), 0; }
template <class Item> std::size_t first_item(std::size_t, std::size_t, const Item&) { return require_available(), 0; }

#else

/// On the host, the number of operations below which one thread is faster than several: waking the others takes 10 us.
constexpr std::size_t operations_worth_threads = 100'000;

/// Calls body(policy) with the execution policy for a kernel of about `operations` operations. On a GPU this may return
/// before the kernel has run: kernels run one after another, and only copies to the host wait for them.
template <class Body> void run(std::size_t operations, const Body& body) {
#if defined(HANDGRAD_THRUST_CUDA)
    static_cast<void>(operations);
    body(thrust::cuda::par_nosync);
    check_cuda(cudaGetLastError(), "a kernel");
#else
    if (operations < operations_worth_threads || num_threads() == 1) {
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

/// y[i] = item(i) for i < count. Each item takes about `each` operations.
template <class T, class Item> void tabulate(T* y, std::size_t count, std::size_t each, const Item& item) {
    run(count * each, [&](const auto& policy) { thrust::tabulate(policy, y, y + count, item); });
}

/// Calls item(i) for i < count. Each item takes about `each` operations. No two items may write to the same number.
template <class Item> void for_each_item(std::size_t count, std::size_t each, const Item& item) {
    run(count * each, [&](const auto& policy) {
        thrust::for_each_n(policy, thrust::counting_iterator<std::size_t>(0), count, item);
    });
}

/// The number of i < count with item(i) = 1; for all others item(i) = 0. Integers may be added in any order.
template <class Item> std::size_t count_items(std::size_t count, std::size_t each, const Item& item) {
    int found = 0;
    run(count * each, [&](const auto& policy) {
        const thrust::counting_iterator<std::size_t> first(0);
        found = thrust::transform_reduce(policy, first, first + static_cast<std::ptrdiff_t>(count), item, 0,
                                         thrust::plus<int>());
    });
    return static_cast<std::size_t>(found);
}

/// The item of first_item(): its number if the condition is true, else `none`.
template <class Item> struct IfTrue {
    Item item;
    std::size_t none;
    HANDGRAD_HOST_DEVICE std::size_t operator()(std::size_t i) const { return item(i) ? i : none; }
};

/// The smallest i < count for which item(i) is true, or count.
template <class Item> std::size_t first_item(std::size_t count, std::size_t each, const Item& item) {
    std::size_t found = count;
    run(count * each, [&](const auto& policy) {
        const thrust::counting_iterator<std::size_t> first(0);
        found = thrust::transform_reduce(policy, first, first + static_cast<std::ptrdiff_t>(count),
                                         IfTrue<Item>{item, count}, count, thrust::minimum<std::size_t>());
    });
    return found;
}

#endif

/// Parts of a batch, for sums over the batch in two steps: a partial sum over the rows of each part, then the sum of
/// the partial sums. The parts depend on the batch size alone, and every sum runs in order; so the bits are the same on
/// any number of threads.
struct BatchParts {
    int rows, each, count;
    explicit BatchParts(std::size_t n)
        : rows(static_cast<int>(n)), each((rows + 63) / 64), count(each ? (rows + each - 1) / each : 0) {}
    HANDGRAD_HOST_DEVICE int begin(int part) const { return part * each; }
    HANDGRAD_HOST_DEVICE int end(int part) const { return part + 1 < count ? (part + 1) * each : rows; }
};

} // namespace handgrad::device
