#include "handgrad/tensor/random.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <numeric>

#include <fmt/format.h>

#include "handgrad/error.hpp"

namespace handgrad {
namespace {

// The smallest 2^k - 1 that is at least n.
std::uint64_t mask_for(std::uint64_t n) {
    std::uint64_t mask = n;
    for (int shift = 1; shift < 64; shift *= 2) { mask |= mask >> shift; }
    return mask;
}

// A point uniform in the unit disc without its centre; s = u^2 + v^2 is then uniform on (0, 1) and independent of the
// direction, and u sqrt(-2 log(s) / s), v sqrt(-2 log(s) / s) are independent standard normals (Marsaglia and Bray,
// SIAM Review 6, 1964).
struct NormalPair {
    double first, second;
};

template <class Uniform> NormalPair polar_normals(Uniform&& uniform) {
    double u, v, s;
    do {
        u = 2.0 * uniform() - 1.0;
        v = 2.0 * uniform() - 1.0;
        s = u * u + v * v;
    } while (s >= 1.0 || s == 0.0);
    const double factor = std::sqrt(-2.0 * std::log(s) / s);
    return {factor * v, factor * u}; // NumPy returns the second coordinate first
}

// state() writes the number of draws, and set_state() repeats them. This maximum takes some seconds and is more than
// thousands of epochs need; without it, a damaged checkpoint could occupy the program for a year.
constexpr std::uint64_t most_draws = 1'000'000'000;

std::mt19937_64 engine_for(std::uint64_t seed, std::uint64_t stream) {
    std::seed_seq words{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                        static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)};
    return std::mt19937_64(words);
}

} // namespace

NumpyRandom::NumpyRandom(std::uint64_t seed) : engine_(static_cast<std::uint32_t>(seed)) {
    if (seed > 0xffffffffU) { throw ShapeError(fmt::format("NumpyRandom: seed is {}, expected 0 to 2^32 - 1", seed)); }
}

double NumpyRandom::random() {
    const auto high = static_cast<double>(engine_() >> 5); // 27 bits
    const auto low = static_cast<double>(engine_() >> 6);  // 26 bits
    return (high * 67108864.0 + low) / 9007199254740992.0; // (high 2^26 + low) / 2^53
}

double NumpyRandom::normal() {
    if (has_spare_) {
        has_spare_ = false;
        return spare_;
    }
    const NormalPair pair = polar_normals([this] { return random(); });
    spare_ = pair.second;
    has_spare_ = true;
    return pair.first;
}

Tensor<double> NumpyRandom::randn(const Shape& shape) {
    Tensor<double> result(shape);
    for (double& value : result.storage()) { value = normal(); }
    return result;
}

std::uint32_t NumpyRandom::up_to(std::uint32_t largest) {
    const auto mask = static_cast<std::uint32_t>(mask_for(largest));
    std::uint32_t value;
    do { value = static_cast<std::uint32_t>(engine_()) & mask; } while (value > largest);
    return value;
}

Labels NumpyRandom::permutation(std::uint32_t n) {
    Labels order(Shape{n});
    std::iota(order.storage().begin(), order.storage().end(), std::int64_t{0});
    for (std::uint32_t i = n; i-- > 1;) { std::swap(order.storage()[i], order.storage()[up_to(i)]); }
    return order;
}

Random::Random(std::uint64_t seed, std::uint64_t stream)
    : engine_(engine_for(seed, stream)), seed_(seed), stream_(stream) {}

double Random::normal() {
    if (has_spare_) {
        has_spare_ = false;
        return spare_;
    }
    const NormalPair pair = polar_normals([this] { return uniform(); });
    spare_ = pair.second;
    has_spare_ = true;
    return pair.first;
}

std::uint64_t Random::below(std::uint64_t n) {
    if (n == 0) { throw ShapeError("Random::below: n is 0, expected at least 1"); }
    const std::uint64_t mask = mask_for(n - 1);
    std::uint64_t value;
    do { value = bits() & mask; } while (value >= n);
    return value;
}

std::string Random::state() const {
    std::uint64_t spare_bits = 0;
    std::memcpy(&spare_bits, &spare_, sizeof spare_);
    return fmt::format("handgrad-random-1 {} {} {} {}", seed_, stream_, draws_,
                       has_spare_ ? fmt::format("{:016x}", spare_bits) : "-");
}

void Random::set_state(std::string_view state) {
    const auto refuse = [&](std::string_view why) {
        throw DataError(fmt::format("Random::set_state: {} in \"{}\", expected \"handgrad-random-1 SEED STREAM DRAWS "
                                    "SPARE\"",
                                    why, state.substr(0, 100)));
    };
    std::string_view rest = state;
    const auto next_word = [&] {
        const std::string_view word = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(rest.size(), word.size() + 1));
        return word;
    };
    const auto number = [&](std::string_view word, int base) {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
        if (error != std::errc() || end != word.data() + word.size()) { refuse("a number is missing or malformed"); }
        return value;
    };

    if (next_word() != "handgrad-random-1") { refuse("unknown format"); }
    const std::uint64_t seed = number(next_word(), 10);
    const std::uint64_t stream = number(next_word(), 10);
    const std::uint64_t draws = number(next_word(), 10);
    if (draws > most_draws) { refuse("too many draws"); }
    const std::string_view spare = next_word();

    Random restored(seed, stream);
    if (spare != "-") {
        const std::uint64_t spare_bits = number(spare, 16);
        std::memcpy(&restored.spare_, &spare_bits, sizeof spare_bits);
        if (!std::isfinite(restored.spare_)) { refuse("a number that is not finite"); }
        restored.has_spare_ = true;
    }
    restored.engine_.discard(draws);
    restored.draws_ = draws;
    if (restored.state() != state) { refuse("something is too much"); } // spaces, leading zeros, text after the end
    *this = restored;
}

double fan_in_bound(std::size_t fan_in) {
    require_at_least("fan_in_uniform_", "fan_in", fan_in, 1);
    return 1.0 / std::sqrt(static_cast<double>(fan_in));
}

} // namespace handgrad
