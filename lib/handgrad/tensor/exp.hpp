#pragma once
// exp and tanh of the lanes of a register. xsimd has both, but their last bits differ from one version to the next and
// between processors. The functions here consist of additions, multiplications and bit operations, without fused
// multiply-adds, so their results have the same bits on every machine.
//
// With k = round(x / log 2) and r = x - k log 2, where |r| <= log(2) / 2 = 0.35, exp(x) = 2^k exp(r). Bit operations
// write k into the exponent. exp(r) - 1 = r + r^2 / 2 + r^3 / 6 + ... is a Taylor series; it ends where the next term
// is less than a rounding error.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "handgrad/tensor/simd.hpp"

namespace handgrad::cpu {

namespace detail {

template <class T> struct Binary;
template <> struct Binary<float> {
    using Integer = std::int32_t;
    static constexpr int mantissa = 23, bias = 127;
    static constexpr float log2_high = 0x1.63p-1f;      // ten bits: its product with k is exact
    static constexpr float log2_low = -0x1.bd0106p-13f; // log 2 minus log2_high
    static constexpr float least = -104, greatest = 89; // exp is 0 below, infinite above
    static constexpr float saturated = 10;              // tanh is 1 above
    static constexpr float vanishing = 88;              // 2^k is 0 for exp(-88), where k = -bias
    static constexpr int terms = 8;                     // of the series
};
template <> struct Binary<double> {
    using Integer = std::int64_t;
    static constexpr int mantissa = 52, bias = 1023;
    static constexpr double log2_high = 0x1.62e42feep-1; // 32 bits
    static constexpr double log2_low = 0x1.a39ef35793c76p-33;
    static constexpr double least = -746, greatest = 710;
    static constexpr double saturated = 20;
    static constexpr double vanishing = 709;
    static constexpr int terms = 14;
};

template <class To, class From> To bits_as(const From& from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof(To));
    return to;
}

/// 1.5 * 2^mantissa. The sum of it and x is x rounded to the nearest integer, in the lowest bits of the mantissa.
template <class T> Vec<T> whole_numbers() {
    return Vec<T>(T(1.5) * static_cast<T>(std::int64_t(1) << Binary<T>::mantissa));
}
template <class T> Vec<T> rounded(Vec<T> x) { return (x + whole_numbers<T>()) - whole_numbers<T>(); }

/// 2^k for an integer k within the exponents of normal numbers.
template <class T> Vec<T> power_of_two(Vec<T> k) {
    using Integers = xsimd::batch<typename Binary<T>::Integer>;
    const auto bits = bits_as<Integers>(Vec<T>(k + whole_numbers<T>()));
    const Integers exponent = (bits + Integers(Binary<T>::bias)) << Binary<T>::mantissa;
    return bits_as<Vec<T>>(exponent);
}

/// k and exp(r) - 1 for x = k log 2 + r.
template <class T> struct Reduced {
    Vec<T> k, exp_r_minus_1;
    explicit Reduced(Vec<T> x) {
        k = rounded<T>(x * Vec<T>(T(1.4426950408889634074L))); // 1 / log 2
        const Vec<T> r = (x - k * Vec<T>(Binary<T>::log2_high)) - k * Vec<T>(Binary<T>::log2_low);
        Vec<T> series(factor(Binary<T>::terms));
        for (int n = Binary<T>::terms - 1; n >= 2; --n) { series = series * r + Vec<T>(factor(n)); }
        exp_r_minus_1 = r + r * r * series;
    }
    static constexpr T factor(int n) { // 1 / n!
        long double factorial = 1;
        for (int i = 2; i <= n; ++i) { factorial *= i; }
        return static_cast<T>(1 / factorial);
    }
};

} // namespace detail

/// exp(x) in every lane, to within one ulp, including denormal results, infinities and NaN.
template <class T> Vec<T> vector_exp(Vec<T> x) {
    using B = detail::Binary<T>;
    x = xsimd::select(x < Vec<T>(B::least), Vec<T>(B::least), x); // NaN stays NaN
    x = xsimd::select(x > Vec<T>(B::greatest), Vec<T>(B::greatest), x);
    const detail::Reduced<T> reduced(x);
    // 2^k as a product of two powers, because 2^k itself may be too small or too large for a normal number.
    const Vec<T> half = detail::rounded<T>(reduced.k * Vec<T>(T(0.5)));
    return (Vec<T>(1) + reduced.exp_r_minus_1) * detail::power_of_two<T>(half) *
           detail::power_of_two<T>(reduced.k - half);
}

/// tanh(x) in every lane, to within three ulps: (exp(2|x|) - 1) / (exp(2|x|) + 1) with the sign of x.
template <class T> Vec<T> vector_tanh(Vec<T> x) {
    using B = detail::Binary<T>;
    const Vec<T> magnitude = xsimd::abs(x);
    const Vec<T> y = xsimd::select(magnitude > Vec<T>(B::saturated), Vec<T>(B::saturated), magnitude);
    const detail::Reduced<T> reduced(y + y);
    const Vec<T> power = detail::power_of_two<T>(reduced.k);
    const Vec<T> e = power * reduced.exp_r_minus_1 + (power - Vec<T>(1)); // exp(2|x|) - 1, exact near 0
    return xsimd::copysign(e / (e + Vec<T>(2)), x);
}

/// 1 / (1 + exp(-x)) in every lane, to within three ulps: with e = exp(-|x|), which never overflows, 1 / (1 + e) for
/// x >= 0 and e / (1 + e) for x < 0. Where e would be less than 0.7 times the smallest normal number it is 0.
template <class T> Vec<T> vector_sigmoid(Vec<T> x) {
    using B = detail::Binary<T>;
    const Vec<T> magnitude = xsimd::abs(x);
    const Vec<T> y = xsimd::select(magnitude > Vec<T>(B::vanishing), Vec<T>(B::vanishing), magnitude); // NaN stays NaN
    const detail::Reduced<T> reduced(-y);
    const Vec<T> e = (Vec<T>(1) + reduced.exp_r_minus_1) * detail::power_of_two<T>(reduced.k);
    return xsimd::select(x < Vec<T>(0), e, Vec<T>(1)) / (Vec<T>(1) + e);
}

} // namespace handgrad::cpu
