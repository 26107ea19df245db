#include "handgrad/app/interrupt.hpp"

#include <atomic>
#include <csignal>
#include <cstddef>

namespace handgrad::app {
namespace {

constexpr int signals[] = {SIGINT, SIGTERM};

// Any thread may be the one that is interrupted, so an atomic; and lock-free, or a handler could not touch it.
std::atomic<int> noted{0};
static_assert(std::atomic<int>::is_always_lock_free);

struct sigaction before[2] = {};

extern "C" void note_signal(int signal) {
    if (noted.exchange(signal) == 0) { return; }
    // The second: what it does without us, as soon as this handler returns.
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

} // namespace

InterruptGuard::InterruptGuard() {
    noted = 0;
    struct sigaction action = {};
    action.sa_handler = note_signal;
    action.sa_flags = SA_RESTART; // a write that is under way goes on
    ::sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < 2; ++i) {
        ::sigaction(signals[i], nullptr, &before[i]);
        if (before[i].sa_handler != SIG_IGN) { ::sigaction(signals[i], &action, nullptr); }
    }
}

InterruptGuard::~InterruptGuard() {
    for (std::size_t i = 0; i < 2; ++i) { ::sigaction(signals[i], &before[i], nullptr); }
}

bool interrupted() { return noted != 0; }

Interrupted::Interrupted(const std::string& message)
    : std::runtime_error(message), signal_(noted != 0 ? noted.load() : SIGINT) {}

} // namespace handgrad::app
