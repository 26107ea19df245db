#pragma once
// How an operation becomes a benchmark: its name, its work, and a function that does it.

#include <string>

#include <benchmark/benchmark.h>

#include "handgrad/tensor/random.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::benchmarks {

/// Registers f as a benchmark; a call of it does so many operations and moves so many bytes. 0 where not counted.
template <class F> void add(const std::string& name, double flops, double bytes, F f) {
    using Rate = benchmark::Counter;
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) mutable {
        for (auto _ : state) {
            f();
            benchmark::ClobberMemory();
        }
        if (flops > 0) { state.counters["FLOP/s"] = Rate(flops, Rate::kIsIterationInvariantRate); }
        if (bytes > 0) { state.counters["bytes/s"] = Rate(bytes, Rate::kIsIterationInvariantRate); }
    });
}

/// Uniform on [-1, 1).
template <class T> Tensor<T> random_tensor(const Shape& shape) {
    Random random(0);
    auto t = zeros<T>(shape);
    uniform_(t, -1.0, 1.0, random);
    return t;
}

/// What bounds everything else: copying what the second-level cache holds, and what only the memory does.
void add_copies();

/// The operations of chapter 09's CNN at batch 64, in float; their names begin with "cnn: ". Bytes are those that
/// must be read and written if every tensor is touched once.
void add_cnn();

} // namespace handgrad::benchmarks
