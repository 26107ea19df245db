#pragma once
// Entrywise kernels over whole tensors: threads share the chunks, and SIMD registers the entries of a chunk.

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "handgrad/tensor/simd.hpp"
#include "parallel_for.hpp"

namespace handgrad::cpu {

/// Number of entries in a chunk. Smaller chunks take less time than waking a thread. A multiple of every number of
/// lanes.
inline constexpr std::size_t entrywise_grain = 262144;
/// The same for functions of dozens of operations, such as an exponential.
inline constexpr std::size_t costly_grain = 32768;

/// Calls f(0, 1, ..., n - 1) with the numbers as types.
template <class F, std::size_t... I> void call_with_indices(const F& f, std::index_sequence<I...>) {
    f(std::integral_constant<std::size_t, I>()...);
}

/// y_i = f(x_i) for all i < n.
template <class T, class F> void entrywise(const T* x, T* y, std::size_t n, F f, std::size_t grain = entrywise_grain) {
    const Chunks chunks(n, grain);
    parallel_for(chunks.count, [&](std::size_t i) {
        const std::size_t begin = chunks.begin(i);
        transform(x + begin, y + begin, chunks.length(i), f);
    });
}

/// z_i = f(x_i, y_i) for all i < n.
template <class T, class F>
void entrywise(const T* x, const T* y, T* z, std::size_t n, F f, std::size_t grain = entrywise_grain) {
    const Chunks chunks(n, grain);
    parallel_for(chunks.count, [&](std::size_t i) {
        const std::size_t begin = chunks.begin(i);
        transform(x + begin, y + begin, z + begin, chunks.length(i), f);
    });
}

/// Calls f(x_i, y_i...) for all i < n with a register of x and a register of each of the arrays y, which f changes.
template <class T, class F, class... Arrays> void update(const T* x, std::size_t n, const F& f, Arrays*... y) {
    const auto one = [&](const T* xi, auto*... yi) {
        [&](Vec<T> v, auto... registers) {
            f(v, registers...);
            (registers.store_unaligned(yi), ...);
        }(Vec<T>::load_unaligned(xi), Vec<T>::load_unaligned(yi)...);
    };
    // The last entries, which do not fill a register, go through buffers.
    const auto rest = [&](std::size_t count, const T* xi, auto*... yi) {
        T buffers[1 + sizeof...(yi)][lanes<T>] = {};
        std::copy_n(xi, count, buffers[0]);
        std::size_t k = 0;
        (std::copy_n(yi, count, buffers[++k]), ...);
        const auto on_buffers = [&](auto... index) { one(buffers[0], buffers[1 + decltype(index)::value]...); };
        call_with_indices(on_buffers, std::make_index_sequence<sizeof...(yi)>());
        k = 0;
        (std::copy_n(buffers[++k], count, yi), ...);
    };
    const Chunks chunks(n, entrywise_grain);
    parallel_for(chunks.count, [&](std::size_t c) {
        std::size_t i = chunks.begin(c);
        const std::size_t end = i + chunks.length(c);
        for (; i + lanes<T> <= end; i += lanes<T>) { one(x + i, (y + i)...); }
        if (i < end) { rest(end - i, x + i, (y + i)...); }
    });
}

} // namespace handgrad::cpu
