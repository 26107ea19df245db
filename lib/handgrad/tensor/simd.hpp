#pragma once
// SIMD registers, and the two loops over registers that all entrywise kernels use.

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <xsimd/xsimd.hpp>

namespace handgrad::cpu {

template <class T> using Vec = xsimd::batch<T>;
template <class T> inline constexpr std::size_t lanes = Vec<T>::size;

/// x y + z for a register or a number, rounded once if the processor has a fused multiply-add (AVX2 with FMA, AVX-512,
/// ARM). xsimd 8 compiles it to two instructions on AVX-512, so this file calls the intrinsic there.
#if defined(__AVX512F__)
inline Vec<float> multiply_add(Vec<float> x, Vec<float> y, Vec<float> z) { return _mm512_fmadd_ps(x, y, z); }
inline Vec<double> multiply_add(Vec<double> x, Vec<double> y, Vec<double> z) { return _mm512_fmadd_pd(x, y, z); }
#else
template <class T> Vec<T> multiply_add(Vec<T> x, Vec<T> y, Vec<T> z) { return xsimd::fma(x, y, z); }
#endif
#if defined(__FMA__) || defined(__AVX512F__) || defined(__aarch64__)
inline constexpr bool fuses = true; ///< whether this build uses fused multiply-adds
template <class T> T multiply_add(T x, T y, T z) { return std::fma(x, y, z); }
#else
inline constexpr bool fuses = false;
template <class T> T multiply_add(T x, T y, T z) { return x * y + z; }
#endif

/// The sum of the lanes of a register, in a fixed order; the order of xsimd, and with it the last bits, changes from
/// version to version. It adds the upper half to the lower half until 128 bits remain, then it adds neighbours.
template <class T> T lane_sum(Vec<T> v) {
    T x[lanes<T>];
    v.store_unaligned(x);
    for (std::size_t half = lanes<T> / 2; half * sizeof(T) >= 16; half /= 2) {
        for (std::size_t l = 0; l < half; ++l) { x[l] += x[l + half]; }
    }
    if constexpr (sizeof(T) == 4) { return (x[0] + x[1]) + (x[2] + x[3]); }
    return x[0] + x[1];
}

/// Whether all n numbers are finite. x - x is NaN for NaN and infinity, and 0 for all other numbers.
template <class T> bool all_finite(const T* x, std::size_t n) {
    constexpr std::size_t at_once = 4; // independent sums: no addition waits for the previous one
    Vec<T> sums[at_once] = {Vec<T>(T(0)), Vec<T>(T(0)), Vec<T>(T(0)), Vec<T>(T(0))};
    std::size_t i = 0;
    for (; i + at_once * lanes<T> <= n; i += at_once * lanes<T>) {
        for (std::size_t r = 0; r < at_once; ++r) {
            const auto v = Vec<T>::load_unaligned(x + i + r * lanes<T>);
            sums[r] += v - v;
        }
    }
    T rest = lane_sum<T>((sums[0] + sums[1]) + (sums[2] + sums[3]));
    for (; i < n; ++i) { rest += x[i] - x[i]; }
    return rest == T(0);
}

/// y_i = f(x_i), i < n, for a function f of registers. The last entries, which do not fill a register, go through a
/// buffer; so the same instructions compute every entry.
template <class T, class F> void transform(const T* x, T* y, std::size_t n, F f) {
    std::size_t i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) { f(Vec<T>::load_unaligned(x + i)).store_unaligned(y + i); }
    if (i < n) {
        T buffer[lanes<T>] = {};
        std::copy(x + i, x + n, buffer);
        f(Vec<T>::load_unaligned(buffer)).store_unaligned(buffer);
        std::copy(buffer, buffer + (n - i), y + i);
    }
}

/// z_i = f(x_i, y_i), i < n.
template <class T, class F> void transform(const T* x, const T* y, T* z, std::size_t n, F f) {
    std::size_t i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) {
        f(Vec<T>::load_unaligned(x + i), Vec<T>::load_unaligned(y + i)).store_unaligned(z + i);
    }
    if (i < n) {
        T a[lanes<T>] = {}, b[lanes<T>] = {};
        std::copy(x + i, x + n, a);
        std::copy(y + i, y + n, b);
        f(Vec<T>::load_unaligned(a), Vec<T>::load_unaligned(b)).store_unaligned(a);
        std::copy(a, a + (n - i), z + i);
    }
}

} // namespace handgrad::cpu
