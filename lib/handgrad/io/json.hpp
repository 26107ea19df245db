#pragma once
/// @file
/// JSON files. Include <nlohmann/json.hpp> where you build the value; this header only names the type.

#include <filesystem>

#include <nlohmann/json_fwd.hpp>

namespace handgrad::io {

/// Writes `value`, indented by two spaces and with a line break at its end, by write_file(): complete or not at all.
///
/// JSON has no NaN and no infinity: nlohmann::json writes them as null.
/// @param path  the file; its folder must exist
/// @param value what it shall contain; bytes that are not UTF-8 are replaced by U+FFFD
/// @throws DataError if it cannot be written
void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& value);

/// The same for nlohmann::json, whose keys come in alphabetical order.
void write_json(const std::filesystem::path& path, const nlohmann::json& value);

} // namespace handgrad::io
