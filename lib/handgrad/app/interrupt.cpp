#include "handgrad/app/interrupt.hpp"

#include <atomic>
#include <csignal>
#include <utility>

#include "handgrad/io/file.hpp"

namespace handgrad::app {
namespace {

// A signal may interrupt any thread, and a handler may only use lock-free atomics.
std::atomic<int> recorded{0};
static_assert(std::atomic<int>::is_always_lock_free);

// The signals and their handlers before the guard. The limit of processor time sends its signal every second.
std::pair<int, void (*)(int)> previous[] = {
    {SIGINT, SIG_DFL}, {SIGTERM, SIG_DFL}, {SIGHUP, SIG_DFL}, {SIGXFSZ, SIG_DFL}, {SIGXCPU, SIG_DFL}};

bool is_limit(int signal) { return signal == SIGXFSZ || signal == SIGXCPU; }

extern "C" void end_by_signal(int signal) {
    io::remove_temporary_files();
    std::signal(signal, SIG_DFL); // its default action follows when this handler returns
    std::raise(signal);
}

extern "C" void record_signal(int signal) {
    int none = 0;
    if (!recorded.compare_exchange_strong(none, signal) && !is_limit(signal)) { end_by_signal(signal); }
}

extern "C" void ignore_signal(int /*signal*/) {}

} // namespace

void end_cleanly_by_signals() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGXFSZ}) {
        const auto handler = std::signal(signal, signal == SIGXFSZ ? ignore_signal : end_by_signal);
        if (handler != SIG_DFL) { std::signal(signal, handler); }
    }
}

InterruptGuard::InterruptGuard() {
    recorded = 0;
    for (auto& [signal, handler] : previous) {
        handler = std::signal(signal, record_signal);
        if (handler == SIG_IGN) { std::signal(signal, SIG_IGN); }
    }
}

InterruptGuard::~InterruptGuard() {
    for (const auto& [signal, handler] : previous) { std::signal(signal, handler); }
}

bool interrupted() { return recorded != 0; }

Interrupted::Interrupted(const std::string& message)
    : std::runtime_error(message), signal_(interrupted() ? recorded.load() : SIGINT) {}

} // namespace handgrad::app
