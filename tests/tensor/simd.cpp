// Functions of SIMD registers that the kernels of the cpu backend share.

#include <algorithm>
#include <limits>
#include <vector>

#include "../../lib/handgrad/tensor/narrow_matmul.hpp"
#include "catch.hpp"
#include "handgrad/tensor/simd.hpp"

using namespace handgrad;

TEMPLATE_TEST_CASE("lane_sum: upper half to lower half, then neighbours", "[tensor][simd]", float, double) {
    using T = TestType;
    constexpr std::size_t n = cpu::lanes<T>;
    std::vector<T> x(n), sums;
    for (std::size_t i = 0; i < n; ++i) { x[i] = T(1) / static_cast<T>(3 * i + 1); }
    sums = x;
    while (sums.size() * sizeof(T) > 16) {
        const std::size_t half = sums.size() / 2;
        for (std::size_t i = 0; i < half; ++i) { sums[i] += sums[half + i]; }
        sums.resize(half);
    }
    while (sums.size() > 1) {
        for (std::size_t i = 0; 2 * i < sums.size(); ++i) { sums[i] = sums[2 * i] + sums[2 * i + 1]; }
        sums.resize(sums.size() / 2);
    }
    CHECK(cpu::lane_sum<T>(cpu::Vec<T>::load_unaligned(x.data())) == sums[0]);

    // One and three halves of its last place: from left to right each of them would be rounded off.
    const T half_place = std::numeric_limits<T>::epsilon() / 2;
    std::vector<T> y(n, T(0));
    std::fill_n(y.begin(), std::min<std::size_t>(n, 4), half_place);
    y[0] = 1;
    const T expected = n >= 4 ? 1 + 2 * half_place : 1;
    CHECK(cpu::lane_sum<T>(cpu::Vec<T>::load_unaligned(y.data())) == expected);
}

TEMPLATE_TEST_CASE("all_finite: one NaN or infinity anywhere is seen", "[tensor][simd]", float, double) {
    using T = TestType;
    const T infinity = std::numeric_limits<T>::infinity();
    for (std::size_t n = 0; n < 9 * cpu::lanes<T>; ++n) {
        std::vector<T> x(n, std::numeric_limits<T>::max());
        REQUIRE(cpu::all_finite(x.data(), n));
        for (std::size_t i = 0; i < n; ++i) {
            for (const T bad : {infinity, -infinity, std::numeric_limits<T>::quiet_NaN()}) {
                x[i] = bad;
                REQUIRE_FALSE(cpu::all_finite(x.data(), n));
            }
            x[i] = -1;
        }
    }
}

TEMPLATE_TEST_CASE("column_sums: every column, and nothing behind the last", "[tensor][simd]", float, double) {
    using T = TestType;
    constexpr std::size_t m = 3, most = 20 * cpu::lanes<T> + 1;
    for (std::size_t n = 0; n <= most; ++n) {
        INFO(n << " columns");
        std::vector<T> b(m * n), sums(n + 10 * cpu::lanes<T>, T(-1)), expected(sums);
        for (std::size_t i = 0; i < m * n; ++i) { b[i] = static_cast<T>(i); }
        for (std::size_t j = 0; j < n; ++j) { expected[j] = b[j] + b[n + j] + b[2 * n + j]; }
        cpu::column_sums(b.data(), sums.data(), m, n);
        CHECK(sums == expected);
    }
}
