#pragma once
/// @file
/// Files that are either complete or not there.

#include <filesystem>
#include <string_view>

namespace handgrad::io {

/// Writes `bytes` to `path`, so that a reader finds the old file or the whole new one, never a part of it.
///
/// The bytes go to a temporary file in the same folder, `.handgrad-0.tmp`; every write and the fsync are checked; then the
/// temporary is renamed to `path`. A symbolic link is followed. On any failure the temporary is removed and what was at
/// `path` stays as it was. A program that is killed leaves its temporary; the next write in that folder removes it.
/// @param path  the file; its folder must exist
/// @param bytes what it shall contain
/// @throws DataError with the path and the system's reason: "cannot write 'out/loss.csv': No space left on device"
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// Throws what write_file() would throw if it could not even begin: for a folder that does not exist or may not be
/// written to, for a path that is a folder or a device. Programs call it before they train.
void require_writable(const std::filesystem::path& path);

/// Makes sure that files can be written to this folder: creates it, with its parents, and tries.
///
/// Programs call it before they train, so that an --out that cannot be written to is refused at once.
/// @param path the folder; it may exist already
/// @throws DataError with the path and the system's reason: "cannot write to directory 'out': Permission denied"
void make_output_directory(const std::filesystem::path& path);

} // namespace handgrad::io
