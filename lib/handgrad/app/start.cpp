#include "start.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#include <unistd.h>

#include "handgrad/tensor/memory_limit.hpp"

namespace handgrad::app {
namespace {

// Before the libraries are initialised, only functions that need no memory and no initialisation may be called.

char no_blas_threads[] = "OPENBLAS_NUM_THREADS=1";

#if defined(__linux__) && !defined(handgrad_EXPORTS) && !defined(HANDGRAD_SANITIZED)
void write_error(const char* text) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
}

/// Ends a program for which OpenBLAS would find no memory.
void start_within_limit(int /*argc*/, char** argv, char** environment) {
    restart_within_limit(argv, environment);
    if (!memory_is_limited() || memory_is_left(blas_buffer_size)) { return; }
    const char* const slash = std::strrchr(argv[0], '/');
    write_error(slash != nullptr ? slash + 1 : argv[0]);
    write_error(": out of memory: OpenBLAS needs 128 MiB, and the memory limit (ulimit) leaves less\n");
    ::_exit(1);
}

// The dynamic linker calls the functions of this section of a program before it initialises the libraries.
[[gnu::section(".preinit_array"), gnu::used]] void (*const before_libraries)(int, char**, char**) = start_within_limit;
#endif

} // namespace

void restart_within_limit(char** argv, char** environment) {
    if (!memory_is_limited()) { return; }
    std::array<char*, 4096> changed{no_blas_threads}; // getenv() takes the first of two values
    for (std::size_t count = 1; *environment != nullptr; ++environment) {
        if (std::strcmp(*environment, no_blas_threads) == 0 || count + 1 == changed.size()) { return; }
        changed[count++] = *environment;
    }
    std::array<char, 4096> program{}; // a file named "/proc/self/exe" would be the name in ps
    if (::readlink("/proc/self/exe", program.data(), program.size() - 1) > 0) {
        ::execve(program.data(), argv, changed.data());
    }
}

} // namespace handgrad::app
