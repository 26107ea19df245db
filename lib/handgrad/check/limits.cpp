#include "limits.hpp"

#include <csignal>
#include <cstdint>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HANDGRAD_CHECK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HANDGRAD_CHECK_SANITIZED 1
#endif
#endif

namespace handgrad::check {
namespace {

/// Lowers the limit of a resource, unless it is lower already.
void limit(int resource, rlim_t value) {
    rlimit current{};
    if (getrlimit(resource, &current) != 0 || (current.rlim_cur != RLIM_INFINITY && current.rlim_cur <= value)) {
        return;
    }
    current.rlim_cur = value;
    setrlimit(resource, &current);
}

#ifndef HANDGRAD_CHECK_SANITIZED
constexpr rlim_t stack_size = rlim_t{8} << 20;

std::vector<char> result_file;
std::uintptr_t stack_begin = 0;

/// Runs on a stack of its own. An address that faults within the stack's range is one that the stack may not grow to.
void on_fault(int number, siginfo_t* info, void*) {
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    constexpr std::uintptr_t range = stack_size + (std::uintptr_t{1} << 20);
    if (address < stack_begin && stack_begin - address < range) {
        constexpr char text[] = "{\"crash\": \"stack overflow\"}\n";
        const int file = open(result_file.data(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (file >= 0) {
            const ssize_t written = write(file, text, sizeof text - 1);
            static_cast<void>(written);
            close(file);
        }
    }
    std::signal(number, SIG_DFL); // the instruction is executed again when this returns, and ends the process
}

void report_stack_overflow(const std::string& file) {
    result_file.assign(file.c_str(), file.c_str() + file.size() + 1);
    char here = 0;
    stack_begin = reinterpret_cast<std::uintptr_t>(&here);
    static std::vector<char> other_stack(1 << 16);
    stack_t stack{};
    stack.ss_sp = other_stack.data();
    stack.ss_size = other_stack.size();
    sigaltstack(&stack, nullptr);
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, nullptr);
    sigaction(SIGBUS, &action, nullptr);
}
#endif

} // namespace

void limit_resources(const std::string& file) {
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, rlim_t{64} << 20);
#ifndef HANDGRAD_CHECK_SANITIZED
    limit(RLIMIT_AS, rlim_t{2} << 30);
    limit(RLIMIT_STACK, stack_size);
    report_stack_overflow(file);
#else
    static_cast<void>(file);
#endif
}

} // namespace handgrad::check
