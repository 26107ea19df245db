#include "handgrad/io/read_file.hpp"

#include <cerrno>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "handgrad/error.hpp"

namespace handgrad::io {
namespace {

namespace fs = std::filesystem;

std::ifstream open_regular(const fs::path& path) {
    const auto fail = [&path](const std::string& reason) {
        throw DataError(fmt::format("cannot read '{}': {}", path.string(), reason));
    };
    std::error_code error;
    const fs::file_status status = fs::status(path, error); // first, because opening a FIFO waits for a writer
    if (fs::is_directory(status)) { error = std::make_error_code(std::errc::is_a_directory); }
    if (error) { fail(error.message()); }
    if (!fs::is_regular_file(status)) { fail("not a regular file"); }
    std::ifstream stream(path, std::ios::binary);
    if (!stream) { fail(std::generic_category().message(errno)); }
    return stream;
}

} // namespace

std::string read_file(const fs::path& path, std::uint64_t largest) {
    std::ifstream stream = open_regular(path);
    const std::uint64_t size = fs::file_size(path);
    if (size > largest) {
        throw DataError(
            fmt::format("cannot read '{}': it has {} bytes, expected at most {}", path.string(), size, largest));
    }
    std::string bytes(static_cast<std::size_t>(size), '\0');
    stream.read(bytes.data(), static_cast<std::streamsize>(size));
    if (stream.bad()) { throw DataError(fmt::format("cannot read '{}': an input error", path.string())); }
    bytes.resize(static_cast<std::size_t>(stream.gcount())); // fewer if the file was truncated meanwhile
    return bytes;
}

void require_readable(const fs::path& path) { open_regular(path); }

} // namespace handgrad::io
