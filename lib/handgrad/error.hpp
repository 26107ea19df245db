#pragma once
/// @file
/// The exceptions of the library. Every message is one line: where, what, what was found, what was expected.

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace handgrad {

/// Shapes that do not fit together, or an argument outside its range. Programs exit with 1.
struct ShapeError : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

/// A result that would overwrite an argument that the operation still needs. Programs exit with 1.
struct AliasError : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

/// A file that is missing, damaged, or not what it should be. Programs exit with 1.
struct DataError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A training loss that is no longer finite. Programs exit with 1.
struct DivergenceError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// An invalid command line. Programs exit with 2.
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws an Error with this message, formatted by fmt, unless `good` is true.
template <class Error, class... Args> void require(bool good, fmt::format_string<Args...> message, Args&&... args) {
    if (!good) { throw Error(fmt::format(message, std::forward<Args>(args)...)); }
}

} // namespace handgrad
