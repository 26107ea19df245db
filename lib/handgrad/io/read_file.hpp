#pragma once
/// @file
/// Whole files as strings.

#include <cstdint>
#include <filesystem>
#include <string>

namespace handgrad::io {

/// Reads a regular file. Anything else is refused: a FIFO would wait for a writer, a device might never end.
/// @param path    file; symbolic links are followed
/// @param largest largest size that is read, in bytes
/// @throws DataError with the path and the reason: "cannot read 'x': No such file or directory"
std::string read_file(const std::filesystem::path& path, std::uint64_t largest);

/// Throws as read_file() does if the file cannot be opened. Programs call it before they train.
void require_readable(const std::filesystem::path& path);

} // namespace handgrad::io
