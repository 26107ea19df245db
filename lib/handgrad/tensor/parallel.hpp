#pragma once
/// @file
/// Threads. Work is cut by the problem, never by the number of threads, so results do not depend on it.

namespace handgrad {

/// The number of threads that the cpu backend uses; at the start all cores that this process may run on.
int num_threads();

/// Sets it. @throws std::invalid_argument if n < 1.
void set_num_threads(int n);

} // namespace handgrad
