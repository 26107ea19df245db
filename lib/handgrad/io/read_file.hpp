#pragma once
/// @file
/// Whole files, read with care.

#include <cstdint>
#include <filesystem>
#include <string>

namespace handgrad::io {

/// The bytes of a file.
///
/// Nothing but a regular file is read: a FIFO would keep us waiting for a writer, a device might never end.
/// @param path    the file; a symbolic link is followed
/// @param largest how many bytes it may have
/// @throws DataError with the path and the reason: "cannot read 'x': No such file or directory"
std::string read_file(const std::filesystem::path& path, std::uint64_t largest);

/// Throws what read_file() would throw if the file cannot be opened. Programs call it before they train.
void require_readable(const std::filesystem::path& path);

} // namespace handgrad::io
