#pragma once
// Tensors for tests, and comparisons of tensors.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "handgrad/error.hpp"
#include "handgrad/tensor/parallel.hpp"
#include "handgrad/tensor/random.hpp"
#include "handgrad/tensor/tensor.hpp"
#include "support/on_device.hpp"
#include "support/same_bits.hpp"

// The backends for tests that are templates; those of operations are not (support/backend.hpp).
#if defined(HANDGRAD_THRUST_OFF)
#define HANDGRAD_BACKENDS handgrad::Reference<double>, handgrad::Cpu<float>, handgrad::Cpu<double>
#else
#define HANDGRAD_BACKENDS                                                                                              \
    handgrad::Reference<double>, handgrad::Cpu<float>, handgrad::Cpu<double>, support::OnDevice<float>,                \
        support::OnDevice<double>
#endif

// One backend on the host and one on the device: for code of modules that is the same for every number and kernel.
#if defined(HANDGRAD_THRUST_OFF)
#define HANDGRAD_TWO_BACKENDS handgrad::Cpu<float>
#else
#define HANDGRAD_TWO_BACKENDS handgrad::Cpu<float>, support::OnDevice<float>
#endif

namespace support {

using handgrad::Labels;
using handgrad::Shape;
using handgrad::Tensor;

/// A tensor with these values.
template <class T> Tensor<T> tensor(const Shape& shape, std::initializer_list<double> values) {
    Tensor<T> t(shape);
    if (values.size() != t.size()) { throw std::logic_error("tensor: as many values as the shape asks for, please"); }
    std::transform(values.begin(), values.end(), t.data(), [](double v) { return static_cast<T>(v); });
    return t;
}

/// A tensor of these class numbers.
inline Labels labels(std::initializer_list<std::int64_t> values) {
    Labels y(Shape{values.size()});
    std::copy(values.begin(), values.end(), y.data());
    return y;
}

/// Integers from -3 to 3. Sums of their products are exact in float, in any order of addition.
template <class T> Tensor<T> whole_numbers(const Shape& shape, std::uint64_t seed) {
    Tensor<T> t(shape);
    handgrad::Random random(seed, 1);
    for (T& v : t.storage()) { v = static_cast<T>(static_cast<int>(random.below(7)) - 3); }
    return t;
}

/// Standard normal numbers, rounded to float so that every backend gets the same ones.
template <class T> Tensor<T> normal_numbers(const Shape& shape, std::uint64_t seed) {
    Tensor<T> t(shape);
    handgrad::Random random(seed, 2);
    for (T& v : t.storage()) { v = static_cast<T>(static_cast<float>(random.normal())); }
    return t;
}

/// Normal numbers, moved by 0.1 away from zero, where relu has a kink.
template <class T> Tensor<T> numbers_off_zero(const Shape& shape, std::uint64_t seed) {
    Tensor<T> t = normal_numbers<T>(shape, seed);
    for (T& v : t.storage()) { v = static_cast<T>(static_cast<float>(v + (v < 0 ? T(-0.1) : T(0.1)))); }
    return t;
}

/// Random classes 0 .. k-1.
inline Labels random_labels(std::size_t n, std::size_t k, std::uint64_t seed) {
    Labels y(Shape{n});
    handgrad::Random random(seed, 3);
    for (std::int64_t& v : y.storage()) { v = static_cast<std::int64_t>(random.below(k)); }
    return y;
}

/// The same numbers, converted to another type.
template <class To, class From> Tensor<To> to(const Tensor<From>& t) {
    Tensor<To> result(t.shape());
    std::transform(t.data(), t.data() + t.size(), result.data(), [](const From& v) { return static_cast<To>(v); });
    return result;
}

/// Whether shapes and all numbers are equal. The types may be float and double. NaN is not equal to anything.
template <class A, class B> bool equal_numbers(const Tensor<A>& a, const Tensor<B>& b) {
    return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data(), [](A u, B v) {
               return static_cast<double>(u) == static_cast<double>(v);
           });
}

/// max|a - b| / max|b|; infinite for different shapes or numbers that are not finite, 0 for empty tensors.
template <class A, class B> double difference(const Tensor<A>& a, const Tensor<B>& b) {
    if (a.shape() != b.shape()) { return std::numeric_limits<double>::infinity(); }
    double most = 0, largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double d = std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i]));
        if (!std::isfinite(d)) { return std::numeric_limits<double>::infinity(); }
        most = std::max(most, d);
        largest = std::max(largest, std::abs(static_cast<double>(b.data()[i])));
    }
    return most == 0 ? 0 : most / largest;
}

/// The largest difference() allowed between a result in T and the same result in double.
template <class T> constexpr double rounding() { return std::is_same_v<T, float> ? 1e-5 : 1e-12; }

/// Result tensors with old contents: `compute(buffer)` must give `expected` for any previous shape and numbers, and
/// once more when it is called with its own result.
template <class T, class Compute> bool overwrites(const Tensor<T>& expected, const Compute& compute) {
    const T nan = std::numeric_limits<T>::quiet_NaN();
    const Shape odd{3, 1, 2};
    for (const T dirt : {T(999), nan}) {
        for (const Shape& shape : {expected.shape(), odd, Shape{}}) {
            Tensor<T> buffer = handgrad::full<T>(shape, dirt);
            for (int call = 0; call < 2; ++call) {
                compute(buffer);
                if (!same_bits(buffer, expected)) { return false; }
            }
        }
    }
    return true;
}

/// The message of the Error that f throws, or a description of what f did instead.
template <class Error = handgrad::ShapeError, class F> std::string message_of(const F& f) {
    try {
        f();
    } catch (const Error& error) { return error.what(); } catch (const std::exception& other) {
        return std::string("another exception: ") + other.what();
    }
    return "no exception";
}

/// Sets the number of threads for a scope.
class Threads {
public:
    explicit Threads(int n) : before_(handgrad::num_threads()) { handgrad::set_num_threads(n); }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;
    ~Threads() { handgrad::set_num_threads(before_); }

private:
    int before_;
};

} // namespace support
