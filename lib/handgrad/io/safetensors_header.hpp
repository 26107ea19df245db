#pragma once
// The header of a safetensors file, as it stands there: read strictly, but not yet compared with the bytes behind it.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace handgrad::io {

/// What the header says about one tensor.
struct HeaderEntry {
    std::string name, dtype;
    std::vector<std::uint64_t> shape, offsets; ///< offsets: begin and end
};

struct Header {
    std::vector<HeaderEntry> entries; ///< every name once, each with its dtype, shape and two offsets
    std::map<std::string, std::string> metadata;
};

/// @param json the header without its length
/// @param file how messages call the file
/// @throws DataError if anything is missing, twice there, unknown, or of another type than it should be
Header read_header(std::string_view json, std::string_view file);

} // namespace handgrad::io
