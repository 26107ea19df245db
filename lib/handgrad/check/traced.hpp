#pragma once
/// @file
/// A scalar that records the outcome of every comparison, which shows that a function has taken another branch.

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace handgrad::check {

/// A digest, one number, of the outcomes of all comparisons since the last restart. Each thread has its own.
class Decisions {
public:
    /// Starts a new digest.
    static void restart() { digest_ = 0; }

    /// Adds one outcome to the digest, and returns it.
    static bool note(bool outcome) {
        // Each step is a bijection of 64 bits. Two different sequences have equal digests with probability 2^-64.
        digest_ = (digest_ ^ (outcome ? 0xD6E8FEB86659FD93u : 0xA5A5C3C3F00F1E1Eu)) * 0x9E3779B97F4A7C15u;
        digest_ ^= digest_ >> 29;
        return outcome;
    }

    /// The digest. It is equal for two evaluations if the outcomes of their comparisons are equal in order; otherwise
    /// it differs, with probability 1 - 2^-64.
    static std::uint64_t digest() { return digest_; }

private:
    inline static thread_local std::uint64_t digest_ = 0;
};

/// A number that computes exactly as T does, and records the outcome of every comparison in Decisions.
///
/// If the digests of a function at x - h, x and x + h are equal, the function has taken the same branches at all three
/// points: no ReLU has changed its side, and no maximum has moved. Comparisons that do not affect the derivative, such
/// as the search for the maximum that log-sum-exp subtracts, should use value_of(), which records nothing.
///
/// @tparam T float or double
template <class T> class TracedScalar {
public:
    TracedScalar() = default;
    /// Converts any built-in number implicitly, so that formulas may contain literals.
    template <class A, class = std::enable_if_t<std::is_arithmetic_v<A>>> TracedScalar(A value)
        : value_(static_cast<T>(value)) {} // NOLINT(google-explicit-constructor)

    /// The plain number.
    T value() const { return value_; }

    /// @name Arithmetic
    /// @{

    /// As T's.
    TracedScalar& operator+=(TracedScalar b) { return value_ += b.value_, *this; }
    TracedScalar& operator-=(TracedScalar b) { return value_ -= b.value_, *this; }
    TracedScalar& operator*=(TracedScalar b) { return value_ *= b.value_, *this; }
    TracedScalar& operator/=(TracedScalar b) { return value_ /= b.value_, *this; }

    friend TracedScalar operator+(TracedScalar a) { return a; }
    friend TracedScalar operator-(TracedScalar a) { return -a.value_; }
    friend TracedScalar operator+(TracedScalar a, TracedScalar b) { return a += b; }
    friend TracedScalar operator-(TracedScalar a, TracedScalar b) { return a -= b; }
    friend TracedScalar operator*(TracedScalar a, TracedScalar b) { return a *= b; }
    friend TracedScalar operator/(TracedScalar a, TracedScalar b) { return a /= b; }
    /// @}

    /// @name Comparisons
    /// @{

    /// As T's, and recorded.
    friend bool operator<(TracedScalar a, TracedScalar b) { return Decisions::note(a.value_ < b.value_); }
    friend bool operator>(TracedScalar a, TracedScalar b) { return Decisions::note(a.value_ > b.value_); }
    friend bool operator<=(TracedScalar a, TracedScalar b) { return Decisions::note(a.value_ <= b.value_); }
    friend bool operator>=(TracedScalar a, TracedScalar b) { return Decisions::note(a.value_ >= b.value_); }
    friend bool operator==(TracedScalar a, TracedScalar b) { return Decisions::note(a.value_ == b.value_); }
    friend bool operator!=(TracedScalar a, TracedScalar b) { return Decisions::note(a.value_ != b.value_); }
    /// @}

    /// @name Functions
    /// @{

    /// As the standard library's for T.
    friend TracedScalar exp(TracedScalar a) { return std::exp(a.value_); }
    friend TracedScalar log(TracedScalar a) { return std::log(a.value_); }
    friend TracedScalar tanh(TracedScalar a) { return std::tanh(a.value_); }
    friend TracedScalar sqrt(TracedScalar a) { return std::sqrt(a.value_); }
    friend TracedScalar sin(TracedScalar a) { return std::sin(a.value_); }
    friend TracedScalar cos(TracedScalar a) { return std::cos(a.value_); }
    friend TracedScalar pow(TracedScalar a, TracedScalar b) { return std::pow(a.value_, b.value_); }
    friend TracedScalar abs(TracedScalar a) { return is_positive(a) ? a : -a; }
    /// @}

    // The reference operations call these functions; argument-dependent lookup finds them.

    /// True unless a <= 0, recorded: the decision of ReLU, which lets NaN pass.
    friend bool is_positive(TracedScalar a) { return Decisions::note(!(a.value_ <= T(0))); }
    /// a > b, recorded: the decision of a maximum.
    friend bool is_greater(TracedScalar a, TracedScalar b) { return Decisions::note(a.value_ > b.value_); }
    /// The plain number, for decisions that are not recorded.
    friend T value_of(TracedScalar a) { return a.value_; }

private:
    T value_ = T(0);
};

/// The traced scalar that central_difference() uses for functions in double.
using Traced = TracedScalar<double>;

} // namespace handgrad::check

/// A traced number has the range and precision of T.
template <class T> struct std::numeric_limits<handgrad::check::TracedScalar<T>> : std::numeric_limits<T> {};
