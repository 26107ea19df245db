// A disk that is full from the HANDGRAD_FAIL_AT-th attempt to create, write, flush or rename a file on. Loaded into a
// program by LD_PRELOAD; what it starts is left alone. The first attempt that fails is named in HANDGRAD_FAIL_LOG.
// And a system that gives a program no more than HANDGRAD_THREADS threads beside the first.

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace {

long fail_at = 0, attempts = 0, threads = -1;
const char* log_file = nullptr;

template <class Function> Function next(const char* name) { return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name)); }

__attribute__((constructor)) void begin() {
    const char* const at = std::getenv("HANDGRAD_FAIL_AT");
    fail_at = at != nullptr ? std::atol(at) : 0;
    log_file = std::getenv("HANDGRAD_FAIL_LOG");
    const char* const number = std::getenv("HANDGRAD_THREADS");
    threads = number != nullptr ? std::atol(number) : -1;
    unsetenv("LD_PRELOAD");
}

/// Whether this attempt is to fail; sets errno.
bool full(const char* call) {
    if (fail_at == 0 || ++attempts < fail_at) { return false; }
    if (attempts == fail_at && log_file != nullptr) {
        const int log = next<int (*)(const char*, int, ...)>("open")(log_file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        [[maybe_unused]] const auto written = dprintf(log, "%s\n", call);
        close(log);
    }
    errno = ENOSPC;
    return true;
}

/// Counters of what runs (a coverage build) are not what is tested.
bool counters(const char* path) { return std::strstr(path, ".gcda") != nullptr; }

bool full_on(int descriptor, const char* call) { return descriptor > STDERR_FILENO && full(call); }

} // namespace

extern "C" {

int open(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if ((flags & O_CREAT) != 0 && !counters(path) && full("open")) { return -1; }
    return next<int (*)(const char*, int, ...)>("open")(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open(path, flags, mode);
}

ssize_t write(int descriptor, const void* bytes, size_t count) {
    if (full_on(descriptor, "write")) { return -1; }
    return next<ssize_t (*)(int, const void*, size_t)>("write")(descriptor, bytes, count);
}

int fsync(int descriptor) {
    if (full_on(descriptor, "fsync")) { return -1; }
    return next<int (*)(int)>("fsync")(descriptor);
}

int rename(const char* from, const char* to) noexcept {
    if (full("rename")) { return -1; }
    return next<int (*)(const char*, const char*)>("rename")(from, to);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) noexcept {
    if (threads == 0) { return EAGAIN; }
    if (threads > 0) { --threads; }
    return next<int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create")(
        thread, attributes, start, argument);
}
}
