// The limits of the processes that run exercises, each tried in a process of its own.
#include "catch.hpp"

#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handgrad/check/limits.hpp"
#include "support/temporary_folder.hpp"

using namespace handgrad;

extern "C" void __gcov_dump() __attribute__((weak)); // in the coverage build; _exit() would lose the counters

namespace {

/// Calls f in a child process, which ends with status 0 if f returns true and 1 if not. Returns the status of waitpid().
template <class F> int in_child(const F& f) {
    const pid_t child = fork();
    if (child == 0) {
        const bool right = f();
        if (__gcov_dump != nullptr) { __gcov_dump(); }
        _exit(right ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

bool is_limited(int resource, rlim_t value) {
    rlimit limit{};
    return getrlimit(resource, &limit) == 0 && limit.rlim_cur == value;
}

[[maybe_unused]] std::string content(const std::string& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
}

} // namespace

TEST_CASE("the process of an exercise leaves no core file and writes at most 64 MiB", "[check]") {
    CHECK(in_child([] {
              check::limit_resources("unused");
              return is_limited(RLIMIT_CORE, 0) && is_limited(RLIMIT_FSIZE, rlim_t{64} << 20);
          }) == 0);
    // A limit that is lower already stays.
    CHECK(in_child([] {
              rlimit low{};
              getrlimit(RLIMIT_FSIZE, &low);
              low.rlim_cur = 1000;
              setrlimit(RLIMIT_FSIZE, &low);
              check::limit_resources("unused");
              return is_limited(RLIMIT_FSIZE, 1000);
          }) == 0);
}

#ifndef HANDGRAD_SANITIZED
namespace {

int depth(volatile int n) { // NOLINT(misc-no-recursion)
    volatile int here[1000] = {n};
    return n < 0 ? 0 : depth(n + 1) + here[0];
}

const std::string overflow = "{\"crash\": \"stack overflow\"}\n";

} // namespace

TEST_CASE("the process of an exercise has at most 2 GiB of memory and a stack of 8 MiB", "[check]") {
    CHECK(in_child([] {
              check::limit_resources("unused");
              return is_limited(RLIMIT_AS, rlim_t{2} << 30) && is_limited(RLIMIT_STACK, rlim_t{8} << 20);
          }) == 0);
}

TEST_CASE("a stack overflow is reported in the file, and another fault is not", "[check]") {
    const support::TemporaryFolder folder;
    const std::string file = (folder / "result.json").string();
    int status = in_child([&] {
        check::limit_resources(file);
        return depth(0) == 0;
    });
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGSEGV);
    CHECK(content(file) == overflow);
    std::remove(file.c_str());
    status = in_child([&] {
        check::limit_resources(file);
        *reinterpret_cast<volatile int*>(8) = 1;
        return true;
    });
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGSEGV);
    CHECK(content(file).empty());
}

TEST_CASE("the address of a fault decides whether it is a stack overflow", "[check]") {
    // A signal that a process sends to itself, with an address of our choice; the handler returns from it.
    const support::TemporaryFolder folder;
    const std::string file = (folder / "result.json").string();
    const auto reported = [&](std::ptrdiff_t below) {
        std::remove(file.c_str());
        const int status = in_child([&] {
            char here = 0;
            check::limit_resources(file);
            siginfo_t info{};
            info.si_signo = SIGSEGV;
            info.si_code = SI_QUEUE;
            info.si_addr = &here - below;
            syscall(SYS_rt_sigqueueinfo, getpid(), SIGSEGV, &info);
            return true;
        });
        CHECK(status == 0);
        return content(file) == overflow;
    };
    CHECK(reported(std::ptrdiff_t{8} << 20));
    CHECK(reported(std::ptrdiff_t{1} << 20));
    CHECK_FALSE(reported(std::ptrdiff_t{10} << 20));
    CHECK_FALSE(reported(-(std::ptrdiff_t{1} << 20)));
}
#endif
