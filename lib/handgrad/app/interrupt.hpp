#pragma once
/// @file
/// Ctrl-C during training: the program finishes the mini-batch, saves, and ends with a message.
///
/// @snippet training.cpp checkpoint

#include <stdexcept>
#include <string>

namespace handgrad::app {

/// While a guard exists, the first SIGINT (Ctrl-C), SIGTERM, SIGHUP (the terminal was closed), SIGXFSZ or SIGXCPU (a
/// file or the processor time reached the limit that `ulimit` sets) is only recorded. A second SIGINT, SIGTERM or SIGHUP
/// ends the program. A signal that was ignored before, for example by nohup, stays ignored. Create at most one guard at
/// a time, in the main thread, when training begins. It forgets signals recorded before.
class InterruptGuard {
public:
    InterruptGuard();
    ~InterruptGuard(); ///< restores the previous handlers
    InterruptGuard(InterruptGuard&&) = delete;
};

/// Without a guard: SIGINT, SIGTERM and SIGHUP end the program as usual, but remove its temporary files, and a write that
/// exceeds the limit of a file's size fails with an error. Program::main() calls it.
void end_cleanly_by_signals();

/// Whether a signal was recorded. Cheap enough to ask after every mini-batch.
bool interrupted();

/// Ends the program after an interruption: Program::main() prints the message on stderr and returns 128 + signal(), by
/// convention the exit status of a program that the signal has ended.
class Interrupted : public std::runtime_error {
public:
    explicit Interrupted(const std::string& message); ///< message: one line that says what was done and saved
    int signal() const { return signal_; }            ///< the recorded signal; SIGINT if there is none

private:
    int signal_;
};

} // namespace handgrad::app
