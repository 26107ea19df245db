#pragma once
/// @file
/// Random numbers from a counter, for what happens inside training: dropout, augmentation, sampling.
///
/// Each number is a function of (seed, purpose, step, index) alone; there is no state. So all backends, and any number
/// of threads or processes, draw the same numbers in any order, and a resumed run needs only its step. Initial weights
/// and shuffling have streams of their own (random.hpp).
///
/// The function is Philox 4x32-10. Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as
/// 1, 2, 3", SC 2011. This header includes no xtensor: kernels use it as well.

#include <cstdint>

#include "handgrad/tensor/view.hpp"

namespace handgrad {

/// Four words: a counter of Philox, or the 128 random bits that Philox computes from it.
struct PhiloxBlock {
    std::uint32_t word[4]; ///< least significant first
};

/// Philox 4x32 with ten rounds: a bijection of the counter for each key. Each round multiplies two of the words and
/// exchanges the halves of the products; the key changes by a constant between two rounds.
HANDGRAD_HOST_DEVICE inline PhiloxBlock philox_4x32_10(PhiloxBlock counter, std::uint64_t key) {
    auto key0 = static_cast<std::uint32_t>(key), key1 = static_cast<std::uint32_t>(key >> 32);
    std::uint32_t(&c)[4] = counter.word;
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c[0], p1 = std::uint64_t{0xCD9E8D57} * c[2];
        c[0] = static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ key0;
        c[1] = static_cast<std::uint32_t>(p1);
        c[2] = static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ key1;
        c[3] = static_cast<std::uint32_t>(p0);
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    return counter;
}

/// Four numbers at once: random_bits() for the indices 4 block to 4 block + 3.
HANDGRAD_HOST_DEVICE inline PhiloxBlock random_block(std::uint64_t seed, std::uint32_t purpose, std::uint32_t step,
                                                     std::uint64_t block) {
    return philox_4x32_10({{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), step, purpose}},
                          seed);
}

/// 32 random bits.
/// @param seed of the run
/// @param purpose what the bits are for: each dropout layer, for example, has a number of its own
/// @param step training step, or another count of events
/// @param index which number of this step, for example the entry of a tensor
HANDGRAD_HOST_DEVICE inline std::uint32_t random_bits(std::uint64_t seed, std::uint32_t purpose, std::uint32_t step,
                                                      std::uint64_t index) {
    return random_block(seed, purpose, step, index / 4).word[index % 4];
}

/// The upper 24 of 32 random bits as a number in [0, 1), a multiple of 2^-24. It is exact in float and in double, so
/// that models of both types draw the same numbers.
HANDGRAD_HOST_DEVICE inline float uniform_from_bits(std::uint32_t bits) {
    return static_cast<float>(bits >> 8) * (1.0F / 16777216.0F);
}

/// uniform_from_bits() of random_bits(): uniform on [0, 1).
HANDGRAD_HOST_DEVICE inline float random_uniform(std::uint64_t seed, std::uint32_t purpose, std::uint32_t step,
                                                 std::uint64_t index) {
    return uniform_from_bits(random_bits(seed, purpose, step, index));
}

} // namespace handgrad
