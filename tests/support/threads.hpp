#pragma once
// Checks that results do not depend on the number of threads.

#include "support/tensors.hpp"

namespace support {

/// Whether all results of `compute` have the same bits on 1 thread and on several.
template <class Compute> bool same_on_any_number_of_threads(const Compute& compute) {
    const auto on = [&](int threads) {
        const Threads guard(threads);
        return compute();
    };
    const auto one = on(1);
    for (const int threads : {1, 2, 3, 4}) {
        const auto more = on(threads);
        for (std::size_t i = 0; i < one.size(); ++i) {
            if (!same_bits(one[i], more[i])) { return false; }
        }
    }
    return true;
}

} // namespace support
