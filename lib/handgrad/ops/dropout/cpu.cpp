// Dropout for several blocks of random numbers at once, whose rounds the compiler computes in SIMD registers. Threads
// share the chunks. Formulas: dropout.hpp.

#include <algorithm>
#include <cmath>

#include "handgrad/ops/dropout/dropout.hpp"
#include "handgrad/tensor/parallel_for.hpp"

namespace handgrad {
namespace {

constexpr std::size_t blocks = 16; ///< blocks of four numbers at once: a register of AVX-512 for each of the words

/// words[j][b] is word j of random_block(seed, purpose, step, first + b): the function of philox.hpp, block by block
/// in the inner loops.
void random_blocks(const DropoutCounter& counter, std::uint64_t first, std::uint32_t (&words)[4][blocks]) {
    for (std::size_t b = 0; b < blocks; ++b) {
        words[0][b] = static_cast<std::uint32_t>(first + b);
        words[1][b] = static_cast<std::uint32_t>((first + b) >> 32);
        words[2][b] = counter.step;
        words[3][b] = counter.purpose;
    }
    auto key0 = static_cast<std::uint32_t>(counter.seed), key1 = static_cast<std::uint32_t>(counter.seed >> 32);
    for (int round = 0; round < 10; ++round) {
        for (std::size_t b = 0; b < blocks; ++b) {
            const std::uint64_t p0 = std::uint64_t{0xD2511F53} * words[0][b];
            const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * words[2][b];
            words[0][b] = static_cast<std::uint32_t>(p1 >> 32) ^ words[1][b] ^ key0;
            words[1][b] = static_cast<std::uint32_t>(p1);
            words[2][b] = static_cast<std::uint32_t>(p0 >> 32) ^ words[3][b] ^ key1;
            words[3][b] = static_cast<std::uint32_t>(p0);
        }
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
}

} // namespace

template <> template <class T>
void DropoutKernels<OnCpu>::apply(VectorView<const T> x, double p, const DropoutCounter& counter, VectorView<T> y) {
    constexpr std::size_t at_once = 4 * blocks;
    // u >= p for u = n / 2^24 with a whole number n, the upper 24 bits: n >= p 2^24, rounded up to a whole number.
    const auto least = static_cast<std::uint32_t>(std::ceil(p * 16777216));
    const T scale = static_cast<T>(1 / (1 - p));
    const Chunks chunks(x.size, 16384, at_once);
    parallel_for(chunks.count, [&](std::size_t chunk) {
        const std::size_t end = chunks.begin(chunk) + chunks.length(chunk);
        for (std::size_t i = chunks.begin(chunk); i < end; i += at_once) {
            std::uint32_t words[4][blocks];
            random_blocks(counter, i / 4, words);
            T factors[at_once];
            for (std::size_t b = 0; b < blocks; ++b) {
                for (std::size_t j = 0; j < 4; ++j) { factors[4 * b + j] = words[j][b] >> 8 >= least ? scale : T(0); }
            }
            const std::size_t count = std::min(at_once, end - i);
            for (std::size_t k = 0; k < count; ++k) { y(i + k) = x(i + k) * factors[k]; }
        }
    });
}

HANDGRAD_INSTANTIATE_KERNEL(DropoutKernels<OnCpu>::apply)

} // namespace handgrad
