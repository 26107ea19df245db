#pragma once
/// @file
/// JSON files.

#include <filesystem>

#include "handgrad/io/file.hpp"

namespace handgrad::io {

/// Writes `value` with write_file(), indented by two spaces, with a line break at its end.
///
/// JSON has no NaN and no infinity: nlohmann::json writes null for them.
/// @param path  file; its folder must exist
/// @param value nlohmann::ordered_json, which keeps the order of the keys, or nlohmann::json, which sorts them. Bytes
///              that are not UTF-8 are replaced by U+FFFD
/// @throws DataError if the file cannot be written
template <class Json> void write_json(const std::filesystem::path& path, const Json& value) {
    write_file(path, value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

} // namespace handgrad::io
