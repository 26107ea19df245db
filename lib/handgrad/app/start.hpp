#pragma once
// The start of a program where `ulimit` limits its memory.

namespace handgrad::app {

/// Where OpenBLAS is loaded, before main(), it starts a thread for each further core and takes 128 MiB for each of them,
/// since 0.3.29 for the first thread as well. If a limit refuses the memory, OpenBLAS asks for it again and again, and
/// the program does not begin or does not end. handgrad uses none of these threads. So under a limit, this function
/// starts the program again and tells OpenBLAS to start no threads. Otherwise, and in the program that it started, it
/// returns. A program of the static library calls it before OpenBLAS is loaded; Program::main() calls it for those of
/// the shared library.
void restart_within_limit(char** argv, char** environment);

} // namespace handgrad::app
