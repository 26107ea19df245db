#pragma once
/// @file
/// Random numbers that are the same on every machine: NumPy's stream, and the library's own.
///
/// The engines are the Mersenne Twisters of the standard library, whose output the C++ standard specifies to the bit.
/// It does not specify the output of the distributions and of std::shuffle (libstdc++ and libc++ differ). So the
/// functions here compute uniform and normal numbers, and permutations, from 32 or 64 random bits themselves.

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "handgrad/tensor/tensor.hpp"

namespace handgrad {

/// NumPy's legacy stream: the same numbers in the same order as after np.random.seed(s). Normal numbers are equal bit
/// for bit if the log of the C library is.
///
/// With it the chapters on the spiral start from the points and weights of the lecture's NumPy program. Source: M.
/// Matsumoto and T. Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998); the transforms are those that NumPy keeps
/// frozen as numpy.random.RandomState.
class NumpyRandom {
public:
    /// np.random.seed(seed). @param seed 0 to 2^32 - 1, as NumPy demands. @throws ShapeError outside that range.
    explicit NumpyRandom(std::uint64_t seed);

    /// np.random.random(): uniform on [0, 1), a multiple of 2^-53 made of two 32-bit draws.
    double random();

    /// np.random.uniform(low, high): low + (high - low) * random().
    double uniform(double low, double high) { return low + (high - low) * random(); }

    /// np.random.randn(): standard normal, by Marsaglia's polar method. The method computes two numbers; the next call
    /// returns the second one.
    double normal();

    /// np.random.randn(*shape): standard normal numbers, in row-major order.
    Tensor<double> randn(const Shape& shape);

    /// np.random.permutation(n): the numbers 0 .. n-1 in random order, shape (n).
    Labels permutation(std::uint32_t n);

private:
    std::uint32_t up_to(std::uint32_t largest); // uniform on 0 .. largest, by masking and rejection

    std::mt19937 engine_;
    double spare_ = 0.0;
    bool has_spare_ = false;
};

/// The library's own stream, for initial weights and shuffling.
///
/// The pair (seed, stream) identifies a stream. The streams of one seed are independent, so the program can draw the
/// order of epoch 7 without the orders of epochs 0 to 6. A copy of a Random continues from the same position.
class Random {
public:
    /// @param seed any number
    /// @param stream number of the stream, one of the independent streams of this seed
    explicit Random(std::uint64_t seed, std::uint64_t stream = 0);

    /// 64 random bits.
    std::uint64_t bits() {
        ++draws_;
        return engine_();
    }

    /// Uniform on [0, 1): the upper 53 bits of a draw, times 2^-53.
    double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

    /// Uniform on [low, high): low + (high - low) u. (Rounding may reach `high` itself.)
    double uniform(double low, double high) { return low + (high - low) * uniform(); }

    /// Standard normal, by Marsaglia's polar method.
    double normal();

    /// Uniform on 0 .. n-1, each exactly equally likely. @throws ShapeError if n is 0.
    std::uint64_t below(std::uint64_t n);

    /// Puts the elements of [first, last) in random order, each order equally likely (Fisher and Yates; R. Durstenfeld,
    /// CACM 7 (1964), Algorithm 235). @param first, last random-access iterators
    template <class Iterator> void shuffle(Iterator first, Iterator last) {
        for (auto n = last - first; n > 1; --n) {
            const auto k = static_cast<decltype(n)>(below(static_cast<std::uint64_t>(n)));
            std::swap(first[k], first[n - 1]);
        }
    }

    /// The position in the stream as one line of text, for a checkpoint: seed, stream, number of draws so far, and the
    /// normal number that the next call returns, if there is one.
    std::string state() const;

    /// Moves to a position that state() has written: from there on all numbers repeat.
    /// @throws DataError if `state` is not a line that state() writes; this Random does not change then
    void set_state(std::string_view state);

private:
    std::mt19937_64 engine_;
    std::uint64_t seed_;
    std::uint64_t stream_;
    std::uint64_t draws_ = 0;
    double spare_ = 0.0;
    bool has_spare_ = false;
};

/// Fills `t` with numbers uniform on [low, high), in row-major order, for any scalar. It draws doubles and rounds them,
/// so float and double models of one seed start from the same weights.
template <class T> void uniform_(Tensor<T>& t, double low, double high, Random& random) {
    for (T& value : t.storage()) { value = static_cast<T>(random.uniform(low, high)); }
}

/// Fills `t` with normal numbers of this mean and standard deviation, in row-major order.
template <class T> void normal_(Tensor<T>& t, double mean, double std, Random& random) {
    for (T& value : t.storage()) { value = static_cast<T>(mean + std * random.normal()); }
}

/// 1/sqrt(fan_in). @throws ShapeError if fan_in is 0.
double fan_in_bound(std::size_t fan_in);

/// PyTorch's default for the weight and the bias of Linear and Conv2d: uniform within 1/sqrt(fan_in).
/// @param t the parameter, overwritten
/// @param fan_in number of inputs of one output: D_in for Linear, C_in R S for Conv2d
/// @param random the stream to draw from
/// @throws ShapeError if fan_in is 0
template <class T> void fan_in_uniform_(Tensor<T>& t, std::size_t fan_in, Random& random) {
    const double bound = fan_in_bound(fan_in);
    uniform_(t, -bound, bound, random);
}

} // namespace handgrad
