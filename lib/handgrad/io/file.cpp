#include "handgrad/io/file.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handgrad/error.hpp"

namespace handgrad::io {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) { return std::generic_category().message(error); }

[[noreturn]] void fail(const char* action, const fs::path& path, const std::string& why) {
    throw DataError(fmt::format("cannot {} '{}': {}", action, path.string(), why));
}

/// Opens a regular file. Throws if `path` is anything else: a FIFO would wait for a writer, a device might never end.
std::ifstream open_regular(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_directory(status)) { error = std::make_error_code(std::errc::is_a_directory); }
    if (error) { fail("read", path, error.message()); }
    if (!fs::is_regular_file(status)) { fail("read", path, "not a regular file"); }
    std::ifstream stream(path, std::ios::binary);
    if (!stream) { fail("read", path, reason(errno)); }
    return stream;
}

/// Names of the temporary files that exist, for a signal handler. More writes than this at a time are not recorded.
std::atomic<const char*> temporaries[16] = {};
static_assert(std::atomic<const char*>::is_always_lock_free);

/// Number of threads that create a temporary file and have not recorded its name yet.
std::atomic<int> creating{0};

/// While it lives, a signal is not handled in this thread, and a handler in another thread waits for its end.
class Creating {
public:
    Creating() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
        ++creating;
    }
    Creating(Creating&&) = delete;
    ~Creating() {
        --creating;
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

private:
    sigset_t before_ = {};
};

/// Replaces the first entry that equals `from`.
void replace_temporary(const char* from, const char* to) {
    for (auto& temporary : temporaries) {
        const char* expected = from;
        if (temporary.compare_exchange_strong(expected, to)) { return; }
    }
}

} // namespace

/// A temporary file, locked while it is open. The lock ends with the program, so an unlocked file was left by a program
/// that was killed: the next program removes it and takes its name.
class TemporaryFile {
public:
    explicit TemporaryFile(const fs::path& folder) {
        const Creating now;
        constexpr int create = O_WRONLY | O_CREAT | O_EXCL; // with the permissions that the umask leaves
        error_ = EEXIST;
        for (int n = 0; n < 1000 && error_ == EEXIST; ++n) {
            path_ = folder / fmt::format(".handgrad-{}.tmp", n);
            descriptor_ = open_and_lock(create);
            if (descriptor_ < 0 && errno == EEXIST) {
                const int stale = open_and_lock(O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
                if (stale >= 0) {
                    ::unlink(path_.c_str());
                    ::close(stale);
                    descriptor_ = open_and_lock(create);
                } else {
                    errno = EEXIST;
                }
            }
            error_ = descriptor_ < 0 ? errno : 0;
        }
        if (descriptor_ >= 0) { replace_temporary(nullptr, path_.c_str()); }
    }
    TemporaryFile(TemporaryFile&&) = delete;
    ~TemporaryFile() {
        if (descriptor_ < 0) { return; }
        if (!renamed_) { ::unlink(path_.c_str()); } // before the lock ends
        replace_temporary(path_.c_str(), nullptr);
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

    const fs::path& path() const { return path_; }

    /// Renames the file after a write. Returns 0, or the errno of the first call that failed.
    int rename_to(const fs::path& target) {
        renamed_ = error_ == 0 && ::rename(path_.c_str(), target.c_str()) == 0;
        return renamed_ ? 0 : error_ != 0 ? error_ : errno;
    }

private:
    /// Returns a descriptor, or -1 and sets errno, to EEXIST if another program has locked, removed or renamed the
    /// file.
    int open_and_lock(int flags) const {
        const int descriptor = ::open(path_.c_str(), flags | O_CLOEXEC, 0666);
        if (descriptor < 0) { return -1; }
        // Without locks in the file system, a new file is used, and none is taken for stale.
        const bool locked =
            ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 || ((flags & O_CREAT) != 0 && errno != EWOULDBLOCK);
        struct stat opened = {}, present = {};
        if (locked && ::fstat(descriptor, &opened) == 0 && ::lstat(path_.c_str(), &present) == 0 &&
            opened.st_dev == present.st_dev && opened.st_ino == present.st_ino) {
            return descriptor;
        }
        ::close(descriptor);
        errno = EEXIST;
        return -1;
    }

    fs::path path_;
    int descriptor_ = -1, error_ = 0;
    bool renamed_ = false;
};

namespace {

/// The file that a write to `path` creates or replaces.
fs::path target_of(const fs::path& path) {
    std::error_code ignored;
    fs::path target = path;
    for (int links = 0; fs::is_symlink(fs::symlink_status(target, ignored)); ++links) {
        if (links == 40) { fail("write", path, reason(ELOOP)); }
        target = target.parent_path() / fs::read_symlink(target, ignored);
    }
    const fs::file_status status = fs::status(target, ignored);
    if (fs::is_directory(status)) { fail("write", path, reason(EISDIR)); }
    // rename() would replace a device such as /dev/null by a file.
    if (fs::exists(status) && !fs::is_regular_file(status)) { fail("write", path, "not a regular file"); }
    return target;
}

fs::path folder_of(const fs::path& target) { return target.has_parent_path() ? target.parent_path() : fs::path("."); }

} // namespace

std::string read_file(const fs::path& path, std::uint64_t largest) {
    std::ifstream stream = open_regular(path);
    const std::uint64_t size = fs::file_size(path);
    if (size > largest) { fail("read", path, fmt::format("it has {} bytes, expected at most {}", size, largest)); }
    std::string bytes(static_cast<std::size_t>(size), '\0');
    stream.read(bytes.data(), static_cast<std::streamsize>(size));
    if (stream.bad()) { fail("read", path, "an input error"); }
    bytes.resize(static_cast<std::size_t>(stream.gcount())); // fewer if the file was truncated meanwhile
    return bytes;
}

void require_readable(const fs::path& path) { open_regular(path); }

void remove_temporary_files() noexcept {
    for (int i = 0; i < 100'000 && creating > 0; ++i) { ::sched_yield(); }
    for (const auto& temporary : temporaries) {
        if (const char* const path = temporary) { ::unlink(path); }
    }
}

PendingFile::PendingFile(const fs::path& path, std::string_view bytes)
    : path_(path), target_(target_of(path)), file_(std::make_unique<TemporaryFile>(folder_of(target_))) {
    if (const int error = file_->write(bytes); error != 0) { fail("write", path_, reason(error)); }
}

PendingFile::PendingFile(PendingFile&&) noexcept = default;
PendingFile::~PendingFile() = default;

const fs::path& PendingFile::temporary() const { return file_->path(); }

void PendingFile::commit() {
    if (const int error = file_->rename_to(target_); error != 0) { fail("write", path_, reason(error)); }
}

void write_file(const fs::path& path, std::string_view bytes) { PendingFile(path, bytes).commit(); }

void require_writable(const fs::path& path) {
    const int error = TemporaryFile(folder_of(target_of(path))).write("\n");
    if (error != 0) { fail("write", path, reason(error)); }
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
    if (!why.empty()) { fail("write to directory", path, why); }
}

} // namespace handgrad::io
