#pragma once
// The backends that the tests of operations run on, as values: a test is compiled once, not once for each backend.

#include <limits>
#include <tuple>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/backends/reference.hpp"

namespace support {

/// The backends. A new one is added here, in backend_names and in HANDGRAD_ON_EACH_BACKEND.
using Backends =
    std::tuple<handgrad::Reference<float>, handgrad::Reference<double>, handgrad::Cpu<float>, handgrad::Cpu<double>
#if !defined(HANDGRAD_THRUST_OFF)
               ,
               handgrad::Device<float>, handgrad::Device<double>
#endif
               >;

/// One of the backends.
struct Backend {
    const char* name;
    std::size_t number; ///< its place in Backends
    bool is_float;

    bool is_device() const { return number >= 4; }
    double epsilon() const {
        return is_float ? static_cast<double>(std::numeric_limits<float>::epsilon())
                        : std::numeric_limits<double>::epsilon();
    }
    /// The largest difference() allowed between a result of this backend and the same result in double.
    double rounding() const { return is_float ? 1e-5 : 1e-12; }
    /// The smallest positive number.
    double denorm_min() const {
        return is_float ? static_cast<double>(std::numeric_limits<float>::denorm_min())
                        : std::numeric_limits<double>::denorm_min();
    }
    /// The largest number.
    double max() const {
        return is_float ? static_cast<double>(std::numeric_limits<float>::max()) : std::numeric_limits<double>::max();
    }
    /// The smallest positive number with all its digits.
    double min() const {
        return is_float ? static_cast<double>(std::numeric_limits<float>::min()) : std::numeric_limits<double>::min();
    }
    /// The number that this backend stores for v.
    double stored(double v) const { return is_float ? static_cast<double>(static_cast<float>(v)) : v; }
};

inline constexpr Backend reference_float{"Reference<float>", 0, true};
inline constexpr Backend reference_double{"Reference<double>", 1, false};
inline constexpr Backend cpu_float{"Cpu<float>", 2, true};
inline constexpr Backend cpu_double{"Cpu<double>", 3, false};
inline constexpr Backend device_float{"Device<float>", 4, true};
inline constexpr Backend device_double{"Device<double>", 5, false};

/// The reference in the same type of number.
inline const Backend& reference_of(const Backend& on) { return on.is_float ? reference_float : reference_double; }

} // namespace support

// HANDGRAD_TEST_ON_BACKENDS("name", "[tags]") { ... on ... }: a test case for each backend, called "name - Cpu<float>",
// in which `on` is the backend. The body is compiled once.
#define HANDGRAD_TEST_ON_BACKENDS(name, tags) HANDGRAD_TEST_ON(HANDGRAD_NEXT_NAME(), HANDGRAD_ON_ALL, name, tags)
// The same for the cpu backend alone.
#define HANDGRAD_TEST_ON_CPU(name, tags) HANDGRAD_TEST_ON(HANDGRAD_NEXT_NAME(), HANDGRAD_ON_CPU, name, tags)
// The same for the backends that are compared with the reference.
#define HANDGRAD_TEST_ON_FAST(name, tags) HANDGRAD_TEST_ON(HANDGRAD_NEXT_NAME(), HANDGRAD_ON_FAST, name, tags)

#define HANDGRAD_NEXT_NAME() HANDGRAD_JOINED(body_of_test_, __COUNTER__)
#define HANDGRAD_JOINED(a, b) HANDGRAD_JOINED_AFTER_EXPANSION(a, b)
#define HANDGRAD_JOINED_AFTER_EXPANSION(a, b) a##b
#define HANDGRAD_TEST_ON(body, each, name, tags) HANDGRAD_TEST_ON_AFTER_EXPANSION(body, each, name, tags)
#define HANDGRAD_TEST_ON_AFTER_EXPANSION(body, each, name, tags)                                                       \
    static void body(const support::Backend& on);                                                                      \
    each(body, name, tags) static void body(const support::Backend& on)
#define HANDGRAD_TEST_ON_ONE(body, backend, name, tags)                                                                \
    TEST_CASE(name, tags) { body(support::backend); }
#define HANDGRAD_ON_CPU(body, name, tags)                                                                              \
    HANDGRAD_TEST_ON_ONE(body, cpu_float, name " - Cpu<float>", tags)                                                  \
    HANDGRAD_TEST_ON_ONE(body, cpu_double, name " - Cpu<double>", tags)
#if defined(HANDGRAD_THRUST_OFF)
#define HANDGRAD_ON_FAST HANDGRAD_ON_CPU
#else
#define HANDGRAD_ON_FAST(body, name, tags)                                                                             \
    HANDGRAD_ON_CPU(body, name, tags)                                                                                  \
    HANDGRAD_TEST_ON_ONE(body, device_float, name " - Device<float>", tags)                                            \
    HANDGRAD_TEST_ON_ONE(body, device_double, name " - Device<double>", tags)
#endif
#define HANDGRAD_ON_ALL(body, name, tags)                                                                              \
    HANDGRAD_TEST_ON_ONE(body, reference_double, name " - Reference<double>", tags)                                    \
    HANDGRAD_ON_FAST(body, name, tags)
