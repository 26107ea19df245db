#pragma once
/// @file
/// Whole files. A file that is written is complete or absent.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace handgrad::io {

/// Reads a regular file, and refuses anything else.
/// @param path    file; symbolic links are followed
/// @param largest largest size that is read, in bytes
/// @throws DataError with the path and the reason: "cannot read 'x': No such file or directory"
std::string read_file(const std::filesystem::path& path, std::uint64_t largest);

/// Throws as read_file() does if the file cannot be opened. Programs call it before they train.
void require_readable(const std::filesystem::path& path);

/// Writes `bytes` to `path` so that a reader finds either the old file or the whole new one. The bytes go to a
/// temporary file in the same folder, `.handgrad-0.tmp`, which is flushed to the disk and then renamed. On failure the
/// temporary is removed and the old file stays. If a program is killed while it writes, the next write removes its
/// temporary.
/// @param path  file; its folder must exist. A symbolic link is followed
/// @param bytes new content
/// @throws DataError with the path and the system's reason: "cannot write 'out/loss.csv': No space left on device"
void write_file(const std::filesystem::path& path, std::string_view bytes);

class TemporaryFile;

/// A new file that does not have its name yet, so that several files can be written first and then replaced together.
class PendingFile {
public:
    /// Writes the bytes to a temporary file beside `path`, as write_file() does. Throws what write_file() throws.
    PendingFile(const std::filesystem::path& path, std::string_view bytes);
    PendingFile(PendingFile&&) noexcept; ///< takes over the temporary file
    ~PendingFile();                      ///< removes the temporary file unless commit() was called; the old file stays

    const std::filesystem::path& temporary() const; ///< Path of the temporary file.
    void commit();                                  ///< Gives the file its name. Throws what write_file() throws.

private:
    std::filesystem::path path_, target_;
    std::unique_ptr<TemporaryFile> file_;
};

/// Removes the temporary files of writes that have not finished. A signal handler may call it before it ends the program.
void remove_temporary_files() noexcept;

/// Throws as write_file() does if no file can be written to `path`. Programs call it before they train.
void require_writable(const std::filesystem::path& path);

/// Creates a folder, with its parents, unless it exists, and checks that files can be written to it. Programs call it
/// before they train.
/// @throws DataError with the path and the system's reason: "cannot write to directory 'out': Permission denied"
void make_output_directory(const std::filesystem::path& path);

} // namespace handgrad::io
