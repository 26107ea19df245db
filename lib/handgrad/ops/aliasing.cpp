#include "handgrad/ops/aliasing.hpp"

#include <fmt/format.h>

namespace handgrad {

void refuse_overlap(std::string_view where, const NamedTensor& result, const NamedTensor& other) {
    throw AliasError(
        fmt::format("{}: {} shares memory with {}, expected a tensor of its own", where, result.name(), other.name()));
}

} // namespace handgrad
