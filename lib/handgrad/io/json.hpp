#pragma once
/// @file
/// JSON files. Include <nlohmann/json.hpp> to build a value; this header only declares the type.

#include <filesystem>

#include <nlohmann/json_fwd.hpp>

namespace handgrad::io {

/// Writes `value` with write_file(), indented by two spaces, with a line break at its end.
///
/// JSON has no NaN and no infinity: nlohmann::json writes null for them.
/// @param path  file; its folder must exist
/// @param value nlohmann::ordered_json, which keeps the order of the keys, or nlohmann::json, which sorts them. Bytes
///              that are not UTF-8 are replaced by U+FFFD
/// @throws DataError if the file cannot be written
template <class Json> void write_json(const std::filesystem::path& path, const Json& value);

} // namespace handgrad::io
