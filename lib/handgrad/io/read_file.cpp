#include "handgrad/io/read_file.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handgrad/error.hpp"

namespace handgrad::io {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& why) {
    throw DataError(fmt::format("cannot read '{}': {}", path.string(), why));
}

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
    fail(path, std::generic_category().message(error));
}

/// A regular file, open for reading.
class InputFile {
public:
    explicit InputFile(const std::filesystem::path& path) : path_(path) {
        // Without O_NONBLOCK, opening a FIFO would wait for a writer; regular files do not notice.
        descriptor_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (descriptor_ < 0) { fail(path_, errno); }
        struct stat status = {};
        const int error = ::fstat(descriptor_, &status) == 0 ? 0 : errno;
        if (error == 0 && S_ISREG(status.st_mode)) {
            size_ = static_cast<std::uint64_t>(status.st_size);
            return;
        }
        ::close(descriptor_); // the destructor does not run for an object that was never finished
        if (error != 0) { fail(path_, error); }
        if (S_ISDIR(status.st_mode)) { fail(path_, EISDIR); }
        fail(path_, "not a regular file");
    }
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;
    ~InputFile() { ::close(descriptor_); }

    std::uint64_t size() const { return size_; }

    /// Up to `count` bytes; fewer only at the end of the file.
    std::size_t read(char* out, std::size_t count) {
        std::size_t done = 0;
        while (done < count) {
            const ssize_t got = ::read(descriptor_, out + done, count - done);
            if (got == 0) { break; }
            if (got > 0) {
                done += static_cast<std::size_t>(got);
            } else if (errno != EINTR) {
                fail(path_, errno);
            }
        }
        return done;
    }

private:
    const std::filesystem::path& path_;
    int descriptor_ = -1;
    std::uint64_t size_ = 0;
};

} // namespace

std::string read_file(const std::filesystem::path& path, std::uint64_t largest) {
    InputFile file(path);
    const std::uint64_t size = file.size();
    if (size > largest) { fail(path, fmt::format("it has {} bytes, expected at most {}", size, largest)); }
    std::string bytes(static_cast<std::size_t>(size), '\0');
    bytes.resize(file.read(bytes.data(), bytes.size())); // shorter if somebody cuts the file just now
    return bytes;
}

void require_readable(const std::filesystem::path& path) { InputFile{path}; }

} // namespace handgrad::io
