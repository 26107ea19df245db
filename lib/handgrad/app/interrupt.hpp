#pragma once
/// @file
/// Ctrl-C in the middle of training: finish the batch, save, say so, end.
///
/// @snippet training.cpp checkpoint

#include <stdexcept>
#include <string>

namespace handgrad::app {

/// While one lives, the first SIGINT (Ctrl-C) or SIGTERM is only noted. The second ends the program at once, as the
/// first does without a guard. A signal that was ignored when the program started (nohup, say) stays ignored.
///
/// One at a time; make it when training begins, in main()'s thread. It forgets signals noted before.
class InterruptGuard {
public:
    InterruptGuard();
    /// Puts back what was there before.
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;
};

/// Whether a signal was noted. Costs a read of a variable: ask after every batch.
bool interrupted();

/// Ends the program after an interruption: Program::main says the message on stderr and ends with 128 + signal(), by
/// convention the status of a program that the signal has ended.
class Interrupted : public std::runtime_error {
public:
    /// @param message in one line what happened and what was saved
    explicit Interrupted(const std::string& message);
    int signal() const { return signal_; } ///< the signal that was noted; SIGINT if none was

private:
    int signal_;
};

} // namespace handgrad::app
