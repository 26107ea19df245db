#include "handgrad/app/interrupt.hpp"

#include <atomic>
#include <csignal>
#include <utility>

namespace handgrad::app {
namespace {

// A signal may interrupt any thread, and a handler may only use lock-free atomics.
std::atomic<int> recorded{0};
static_assert(std::atomic<int>::is_always_lock_free);

std::pair<int, void (*)(int)> previous[] = {{SIGINT, SIG_DFL}, {SIGTERM, SIG_DFL}}; // signals and their handlers

extern "C" void record_signal(int signal) {
    if (recorded.exchange(signal) == 0) { return; }
    std::signal(signal, SIG_DFL); // the second signal: its default action follows when this handler returns
    std::raise(signal);
}

} // namespace

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
