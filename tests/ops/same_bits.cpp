// exp and tanh on the cpu backend: the same bits on every processor, with every compiler and version of the libraries.
// The numbers below were the same for SSE2, AVX2 and AVX-512, xsimd 8, 13 and 14, GCC 12 and 14.
#include <cstdint>
#include <cstring>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"

using namespace handgrad;

namespace {

/// FNV-1a of the entries' bytes.
template <class T> std::uint64_t hash_of(const Tensor<T>& t) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (std::size_t i = 0; i < t.size(); ++i) {
        unsigned char bytes[sizeof(T)];
        std::memcpy(bytes, t.data() + i, sizeof(T));
        for (const unsigned char byte : bytes) { hash = (hash ^ byte) * 0x100000001b3; }
    }
    return hash;
}

/// n numbers from -limit up, in steps that are exact.
template <class T> Tensor<T> steps(T limit, std::size_t n) {
    Tensor<T> x(Shape{n});
    for (std::size_t i = 0; i < n; ++i) { x.data()[i] = limit * (static_cast<T>(2 * i) / static_cast<T>(n) - 1); }
    return x;
}

} // namespace

TEST_CASE("sigmoid, tanh and softmax have these bits on every machine", "[ops][activation][softmax]") {
    const auto x = steps<float>(128, 1 << 16);
    const auto d = steps<double>(1024, 1 << 16);
    CHECK(hash_of(cpu::sigmoid_forward(x)) == 0x92858a8e59ea873f);
    CHECK(hash_of(cpu::sigmoid_forward(d)) == 0x5345ae3366113e3c);
    CHECK(hash_of(cpu::tanh_forward(steps<float>(16, 1 << 16))) == 0xfc60e75b6898cd88);
    CHECK(hash_of(cpu::tanh_forward(steps<double>(32, 1 << 16))) == 0x826ee1692a5e055c);
    Tensor<float> rows = x;
    rows.reshape({1 << 13, 8});
    CHECK(hash_of(cpu::softmax_forward(rows)) == 0x26a86701d1262325);
    Tensor<double> double_rows = d;
    double_rows.reshape({1 << 13, 8});
    CHECK(hash_of(cpu::softmax_forward(double_rows)) == 0xe24e154ea5e82325);
}
