#pragma once
// Times single operations, for a table beside PyTorch's (torch_table.hpp).

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "handgrad/tensor/parallel.hpp"
#include "handgrad/tensor/random.hpp"
#include "handgrad/tensor/tensor.hpp"

namespace handgrad::benchmarks {

/// How a step of training uses an operation.
struct Use {
    std::size_t calls = 0; ///< number of calls in a step
    double flops = 0;      ///< floating-point operations of a call; 0 if they are not counted
};

/// The fastest of several calls of each operation. timing.py does the same.
class Times {
public:
    /// Each operation is called for about `at_least` seconds.
    explicit Times(double at_least) : at_least_(at_least) {}

    /// Times f.
    template <class F> void add(const std::string& name, F f) { add(name, Use{}, f); }
    /// The same, with more to say about a call.
    template <class F> void add(const std::string& name, const Use& use, F f) {
        lines_.push_back(fmt::format("{{\"name\": \"{}\", \"seconds\": {}, \"calls\": {}, \"flops\": {}}}", name,
                                     fastest(f), use.calls, use.flops));
    }
    /// The seconds of the fastest call of f.
    template <class F> double fastest(F f) const {
        f(); // for warming up
        double least = 1e9;
        const double begin = seconds();
        for (double start = begin; start - begin < at_least_;) {
            f();
            const double end = seconds();
            least = std::min(least, end - start);
            start = end;
        }
        return least;
    }
    /// All times as JSON.
    std::string text() const { return fmt::format("[{}]", fmt::join(lines_, ",\n")); }

private:
    /// On one thread the time of the processor, which other programs disturb less.
    static double seconds() {
        timespec time{};
        ::clock_gettime(num_threads() == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
        return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
    }

    double at_least_;
    std::vector<std::string> lines_;
};

/// Numbers between -1 and 1.
inline Tensor<float> random_numbers(const Shape& shape) {
    Random random(0);
    auto t = zeros<float>(shape);
    uniform_(t, -1.0, 1.0, random);
    return t;
}

} // namespace handgrad::benchmarks
