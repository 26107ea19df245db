// Random numbers from a counter: Random123's known answers, independence of the order of evaluation, and statistics.

#include <cmath>
#include <set>
#include <vector>

#include "catch.hpp"
#include "handgrad/tensor/philox.hpp"
#if __has_include(<Random123/philox.h>) // Debian: librandom123-dev
#include <Random123/philox.h>
#define HANDGRAD_RANDOM123
#endif

using namespace handgrad;

namespace {

bool same_block(const PhiloxBlock& a, const PhiloxBlock& b) {
    return std::equal(std::begin(a.word), std::end(a.word), std::begin(b.word));
}

/// Mean and variance of the numbers, and their covariance with others. For independent uniform numbers each of the three
/// has a standard deviation below 0.3 / sqrt(n).
struct Moments {
    double mean = 0, variance = 0, covariance = 0;
};
template <class F, class G> Moments moments(std::uint64_t n, const F& x, const G& y) {
    Moments m;
    for (std::uint64_t i = 0; i < n; ++i) {
        const double a = static_cast<double>(x(i)) - 0.5, b = static_cast<double>(y(i)) - 0.5;
        m.mean += a;
        m.variance += a * a;
        m.covariance += a * b;
    }
    const auto count = static_cast<double>(n);
    return {0.5 + m.mean / count, m.variance / count, m.covariance / count};
}

} // namespace

TEST_CASE("Philox 4x32-10 gives Random123's known answers", "[random][philox]") {
    // tests/kat_vectors of Random123 (github.com/DEShawResearch/random123): counter, key, result.
    struct Answer {
        PhiloxBlock counter;
        std::uint64_t key;
        PhiloxBlock result;
    };
    const Answer answers[] = {{{{0, 0, 0, 0}}, 0, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
                              {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
                               0xffffffffffffffff,
                               {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
                              {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
                               0x299f31d0a4093822, // the first word is the lower half
                               {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}}};
    for (const Answer& answer : answers) {
        CHECK(same_block(philox_4x32_10(answer.counter, answer.key), answer.result));
    }
}

#ifdef HANDGRAD_RANDOM123
TEST_CASE("Philox 4x32-10 is Random123's", "[random][philox]") {
    const r123::Philox4x32 theirs;
    PhiloxBlock x{{1, 2, 3, 4}};
    for (int i = 0; i < 10000; ++i) { // each result is the next counter, and its first half the next key
        const std::uint64_t key = x.word[0] | std::uint64_t{x.word[1]} << 32;
        const auto expected = theirs({{x.word[0], x.word[1], x.word[2], x.word[3]}}, {{x.word[0], x.word[1]}});
        x = philox_4x32_10(x, key);
        REQUIRE(std::equal(std::begin(x.word), std::end(x.word), expected.begin()));
    }
}
#endif

TEST_CASE("random bits depend on seed, purpose, step and index, in any order of evaluation", "[random][philox]") {
    const std::uint64_t n = 1003, far = std::uint64_t{1} << 40;
    std::vector<std::uint32_t> forward(n), backward(n), in_blocks;
    for (std::uint64_t i = 0; i < n; ++i) { forward[i] = random_bits(7, 2, 9, far + i); }
    for (std::uint64_t i = n; i-- > 0;) { backward[i] = random_bits(7, 2, 9, far + i); }
    for (std::uint64_t block = 0; in_blocks.size() < n; ++block) {
        for (const std::uint32_t word : random_block(7, 2, 9, far / 4 + block).word) { in_blocks.push_back(word); }
    }
    in_blocks.resize(n);
    CHECK(forward == backward);
    CHECK(forward == in_blocks);
    // Known for ever: a checkpoint says no more than the step.
    CHECK(random_bits(1, 2, 3, 4) == philox_4x32_10({{1, 0, 3, 2}}, 1).word[0]);
    CHECK(random_bits(1, 2, 3, 7) == philox_4x32_10({{1, 0, 3, 2}}, 1).word[3]);

    std::set<std::uint32_t> different; // of 32 bits, 600 drawn at random coincide with a probability of 4e-5
    for (std::uint32_t i = 0; i < 100; ++i) {
        different.insert({random_bits(i, 0, 0, 1000), random_bits(std::uint64_t{i + 1} << 32, 0, 0, 1000),
                          random_bits(1000, i + 1, 0, 0), random_bits(1000, 0, i + 1, 0),
                          random_bits(1000, 0, 0, i + 1), random_bits(1000, 0, 0, std::uint64_t{i + 1} << 34)});
    }
    CHECK(different.size() == 600);
}

TEST_CASE("uniform numbers lie between 0 and 1 and have the right mean and variance", "[random][philox]") {
    CHECK(uniform_from_bits(0) == 0);
    CHECK(uniform_from_bits(0x80000000) == 0.5F);
    CHECK(uniform_from_bits(0xffffffff) == 1.0F - 0x1p-24F);
    CHECK(uniform_from_bits(0x000001ff) == 0x1p-24F); // the lower 8 bits are not used

    const std::uint64_t n = 1000000;
    const double bound = 5 * 0.3 / std::sqrt(static_cast<double>(n)); // five standard deviations
    const auto numbers = [](std::uint64_t seed, std::uint32_t purpose, std::uint32_t step, std::uint64_t shift) {
        return [=](std::uint64_t i) { return random_uniform(seed, purpose, step, i + shift); };
    };
    const auto plain = numbers(1, 0, 0, 0);
    const auto check = [&](const char* what, const auto& others) {
        INFO(what);
        const Moments m = moments(n, others, plain);
        CHECK(std::abs(m.mean - 0.5) < bound);
        CHECK(std::abs(m.variance - 1.0 / 12) < bound);
        CHECK(std::abs(m.covariance) < bound);
    };
    check("another purpose", numbers(1, 1, 0, 0));
    check("another step", numbers(1, 0, 1, 0));
    check("another seed", numbers(2, 0, 0, 0));
    check("the neighbour", numbers(1, 0, 0, 1));
    check("the neighbouring block", numbers(1, 0, 0, 4));
    CHECK(std::abs(moments(n, plain, plain).covariance - 1.0 / 12) < bound); // what is not independent shows
}
