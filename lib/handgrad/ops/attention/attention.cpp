#include "handgrad/ops/attention/attention.hpp"

#include <fmt/format.h>

namespace handgrad {

AttentionExtents attention_extents(std::string_view where, const Shape& qkv, std::size_t heads, Mask mask) {
    require_rank(where, "qkv", qkv, {"B", "T", "3 C"});
    require_at_least(where, "heads", heads, 1);
    if (qkv[2] % 3 != 0 || qkv[2] == 0) {
        throw ShapeError(fmt::format("{}: the last extent of qkv is {}, expected a multiple of 3: queries, keys and "
                                     "values side by side",
                                     where, qkv[2]));
    }
    const std::size_t width = qkv[2] / 3;
    if (width % heads != 0) {
        throw ShapeError(fmt::format("{}: heads is {}, expected a divisor of the width {}", where, heads, width));
    }
    return {qkv[0], qkv[1], heads, width / heads, mask == Mask::causal};
}

KeptTokens kept_tokens(std::string_view where, const AttentionExtents& e, std::size_t past, const Shape& keys,
                       const Shape& values) {
    require_rank(where, "keys", keys, {"B", "C", "length"});
    const std::size_t length = keys[2];
    require_shape(where, "keys", keys, {e.batch, e.width(), length});
    require_shape(where, "values", values, {e.batch, length, e.width()});
    if (past > length || e.tokens > length - past) {
        throw ShapeError(fmt::format("{}: {} tokens are kept and qkv has {} more, expected at most {} together, the "
                                     "length of keys",
                                     where, past, e.tokens, length));
    }
    return {past, length};
}

} // namespace handgrad
