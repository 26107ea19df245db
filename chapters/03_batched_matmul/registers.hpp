#pragma once
// SIMD registers, and the one instruction that matters.

#include <cstddef>

#include <xsimd/xsimd.hpp>

// A register holds several numbers: 4 floats with SSE, 8 with AVX, 16 with AVX-512. Each place in
// it is a lane. xsimd takes the widest registers that we compile for.
template <class T> using Vec = xsimd::batch<T>;
template <class T> inline constexpr std::size_t lanes = Vec<T>::size;

// The fused multiply-add computes x y + z in each lane and rounds once. Processors are built around
// it: one instruction, two operations in each lane. xsimd has it, except that its version 8 makes
// two instructions of it on AVX-512; there we name the instruction ourselves.
#ifdef __AVX512F__
inline Vec<float> multiply_add(const Vec<float>& x, const Vec<float>& y,
                               const Vec<float>& z) {
    return _mm512_fmadd_ps(x, y, z);
}
inline Vec<double> multiply_add(const Vec<double>& x, const Vec<double>& y,
                                const Vec<double>& z) {
    return _mm512_fmadd_pd(x, y, z);
}
#else
template <class T>
Vec<T> multiply_add(const Vec<T>& x, const Vec<T>& y, const Vec<T>& z) {
    return xsimd::fma(x, y, z);
}
#endif
