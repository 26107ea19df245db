#pragma once
/// @file
/// Threads. The size of the problem determines the chunks of work, the number of threads does not; so the results do
/// not depend on the number of threads.

namespace handgrad {

/// The number of threads of the cpu backend. Initially the number of cores that this process may use.
int num_threads();

/// Sets the number of threads. If `ulimit` limits the memory and the stacks of n threads do not fit, the number is
/// smaller. @throws std::invalid_argument if n < 1
void set_num_threads(int n);

} // namespace handgrad
