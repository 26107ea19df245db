#include "handgrad/io/atomic_file.hpp"

#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handgrad/error.hpp"

namespace handgrad::io {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) { return std::generic_category().message(error); }

/// A temporary file, locked while it is open. The lock ends with the program, so an unlocked file was left by a program
/// that was killed: the next program removes it and takes its name.
class TemporaryFile {
public:
    explicit TemporaryFile(const fs::path& folder) {
        for (int n = 0; n < 1000; ++n) {
            path_ = folder / fmt::format(".handgrad-{}.tmp", n);
            if (create() || (errno == EEXIST && remove_stale() && create())) {
                error_ = 0;
                return;
            }
            error_ = errno;
            if (error_ != EEXIST) { return; }
        }
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        if (descriptor_ < 0) { return; }
        if (!renamed_) { ::unlink(path_.c_str()); } // before the lock ends
        ::close(descriptor_);
    }

    /// Writes the bytes to the disk. Returns 0, or the errno of the first call that failed.
    int write(std::string_view bytes) {
        while (error_ == 0 && !bytes.empty()) {
            const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
            if (written >= 0) { bytes.remove_prefix(static_cast<std::size_t>(written)); }
            if (written < 0 && errno != EINTR) { error_ = errno; }
        }
        if (error_ == 0 && ::fsync(descriptor_) != 0) { error_ = errno; } // may be the first to notice a full disk
        return error_;
    }

    /// Renames the file after a write. Returns 0, or the errno of the first call that failed.
    int rename_to(const fs::path& target) {
        renamed_ = error_ == 0 && ::rename(path_.c_str(), target.c_str()) == 0;
        return renamed_ ? 0 : error_ != 0 ? error_ : errno;
    }

private:
    /// Creates and locks the file. Its permissions follow the umask; those of mkstemp() do not. Returns false and sets
    /// errno on failure, to EEXIST if another program has the file.
    bool create() {
        descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor_ < 0) { return false; }
        // Another program may have locked or removed the file since open(). A file system without locks is all right.
        if ((::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) && is_at_path(descriptor_)) {
            return true;
        }
        ::close(descriptor_);
        descriptor_ = -1;
        errno = EEXIST;
        return false;
    }

    /// Removes the file unless it is locked or not a regular file. Returns false and sets errno to EEXIST if it stays.
    bool remove_stale() {
        const int found = ::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        const bool removed =
            found >= 0 && ::flock(found, LOCK_EX | LOCK_NB) == 0 && is_at_path(found) && ::unlink(path_.c_str()) == 0;
        if (found >= 0) { ::close(found); }
        errno = EEXIST;
        return removed;
    }

    bool is_at_path(int descriptor) const { // false if the file was renamed or removed after it was opened
        struct stat opened = {}, present = {};
        return ::fstat(descriptor, &opened) == 0 && ::lstat(path_.c_str(), &present) == 0 &&
               opened.st_dev == present.st_dev && opened.st_ino == present.st_ino;
    }

    fs::path path_;
    int descriptor_ = -1, error_ = 0;
    bool renamed_ = false;
};

[[noreturn]] void fail(const fs::path& path, const std::string& why) {
    throw DataError(fmt::format("cannot write '{}': {}", path.string(), why));
}

/// The file that a write to `path` creates or replaces.
fs::path target_of(const fs::path& path) {
    std::error_code ignored;
    fs::path target = fs::exists(path, ignored) ? fs::canonical(path, ignored) : path;
    const fs::file_status status = fs::status(target, ignored);
    if (fs::is_directory(status)) { fail(path, reason(EISDIR)); }
    // rename() would replace a device such as /dev/null by a file.
    if (fs::exists(status) && !fs::is_regular_file(status)) { fail(path, "not a regular file"); }
    return target;
}

fs::path folder_of(const fs::path& target) { return target.has_parent_path() ? target.parent_path() : fs::path("."); }

} // namespace

void write_file(const fs::path& path, std::string_view bytes) {
    const fs::path target = target_of(path);
    TemporaryFile file(folder_of(target));
    file.write(bytes);
    if (const int error = file.rename_to(target); error != 0) { fail(path, reason(error)); }
}

void require_writable(const fs::path& path) {
    const int error = TemporaryFile(folder_of(target_of(path))).write("\n");
    if (error != 0) { fail(path, reason(error)); }
}

void make_output_directory(const fs::path& path) {
    std::error_code error, ignored;
    fs::create_directories(path, error);
    std::string why;
    if (path.empty()) {
        why = "its name is empty";
    } else if (!fs::is_directory(path, ignored)) {
        why = error ? error.message() : reason(ENOTDIR);
    } else if (const int failure = TemporaryFile(path).write("\n"); failure != 0) {
        why = reason(failure);
    }
    if (!why.empty()) { throw DataError(fmt::format("cannot write to directory '{}': {}", path.string(), why)); }
}

} // namespace handgrad::io
