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

/// A file beside its target that is removed again unless it is renamed to the target.
///
/// It is locked as long as it is written. A program that was killed leaves its file, and without a lock, since locks end
/// with those who hold them; the next one takes the name over. So however often programs are killed, there are never more
/// of these files than programs that wrote at the same time.
class TemporaryFile {
public:
    explicit TemporaryFile(const fs::path& folder) {
        for (int attempt = 0; attempt < 1000; ++attempt) {
            path_ = folder / fmt::format(".handgrad-{}.tmp", attempt);
            if (make() || (errno == EEXIST && remove_stale() && make())) {
                exists_ = true;
                return;
            }
            if (errno != EEXIST) { break; }
        }
        error_ = errno;
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        if (exists_) { ::unlink(path_.c_str()); } // before the lock ends
        if (descriptor_ >= 0) { ::close(descriptor_); }
    }

    /// 0, or errno of the first call that failed.
    int error() const { return error_; }

    void write(std::string_view bytes) {
        while (error_ == 0 && !bytes.empty()) {
            const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
            if (written >= 0) {
                bytes.remove_prefix(static_cast<std::size_t>(written));
            } else if (errno != EINTR) {
                error_ = errno;
            }
        }
    }

    /// All bytes are on the disk, or there is an error: a full disk may show itself only now.
    void sync() {
        if (error_ == 0 && ::fsync(descriptor_) != 0) { error_ = errno; }
    }

    void rename_to(const fs::path& target) {
        if (error_ != 0) { return; }
        if (::rename(path_.c_str(), target.c_str()) == 0) {
            exists_ = false;
        } else {
            error_ = errno;
        }
    }

private:
    /// Makes a new file, ours alone (O_EXCL), and with the permissions that the user's umask gives to any new file:
    /// mkstemp's are 0600. False with errno if that fails; EEXIST also if somebody else took it for stale just now.
    bool make() {
        descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor_ < 0) { return false; }
        // Where a file system has no locks, nobody takes the file for stale either.
        const bool taken = ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        if (!taken && is_at_path(descriptor_)) { return true; }
        ::close(descriptor_);
        descriptor_ = -1;
        errno = EEXIST;
        return false;
    }

    /// Removes the file at path_ if nobody has locked it. False with errno EEXIST if it is there to stay.
    bool remove_stale() {
        const int found = ::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        const bool removed =
            found >= 0 && ::flock(found, LOCK_EX | LOCK_NB) == 0 && is_at_path(found) && ::unlink(path_.c_str()) == 0;
        if (found >= 0) { ::close(found); }
        errno = EEXIST;
        return removed;
    }

    /// Whether this open file is what stands at path_: it may have been renamed or removed since it was opened.
    bool is_at_path(int descriptor) const {
        struct stat ours = {}, there = {};
        return ::fstat(descriptor, &ours) == 0 && ::lstat(path_.c_str(), &there) == 0 && ours.st_dev == there.st_dev &&
               ours.st_ino == there.st_ino;
    }

    fs::path path_;
    int descriptor_ = -1;
    int error_ = 0;
    bool exists_ = false;
};

} // namespace

namespace {

[[noreturn]] void fail_to_write(const fs::path& path, const std::string& why) {
    throw DataError(fmt::format("cannot write '{}': {}", path.string(), why));
}

/// The file that a write to `path` replaces or makes.
fs::path target_of(const fs::path& path) {
    std::error_code ignored;
    fs::path target = fs::exists(path, ignored) ? fs::canonical(path, ignored) : path;
    const fs::file_status status = fs::status(target, ignored);
    if (fs::is_directory(status)) { fail_to_write(path, reason(EISDIR)); }
    // Renaming over /dev/null would replace the device by a file.
    if (fs::exists(status) && !fs::is_regular_file(status)) { fail_to_write(path, "not a regular file"); }
    return target;
}

fs::path folder_of(const fs::path& target) { return target.has_parent_path() ? target.parent_path() : fs::path("."); }

} // namespace

void write_file(const fs::path& path, std::string_view bytes) {
    const fs::path target = target_of(path);
    TemporaryFile file(folder_of(target));
    file.write(bytes);
    file.sync();
    file.rename_to(target);
    if (file.error() != 0) { fail_to_write(path, reason(file.error())); }
}

void require_writable(const fs::path& path) {
    TemporaryFile attempt(folder_of(target_of(path))); // removes itself
    if (attempt.error() != 0) { fail_to_write(path, reason(attempt.error())); }
}

void make_output_directory(const fs::path& path) {
    const auto fail = [&](const std::string& why) {
        throw DataError(fmt::format("cannot write to directory '{}': {}", path.string(), why));
    };
    if (path.empty()) { fail("its name is empty"); }
    std::error_code error;
    fs::create_directories(path, error);
    std::error_code ignored;
    if (!fs::is_directory(path, ignored)) { fail(error ? error.message() : reason(ENOTDIR)); }
    // Permissions, quotas, read-only file systems: only the attempt tells. The file removes itself.
    TemporaryFile attempt(path);
    attempt.write("\n");
    attempt.sync();
    if (attempt.error() != 0) { fail(reason(attempt.error())); }
}

} // namespace handgrad::io
