#pragma once
// Limits for a process that runs code which may never return.

#include <string>

namespace handgrad::check {

/// Limits this process to 2 GiB of memory, 64 MiB for each file it writes, and a stack of 8 MiB. It leaves no core
/// file. When the stack overflows, the process writes {"crash": "stack overflow"} to the file and ends with SIGSEGV.
///
/// Call it from main(), once. Sanitizers report a stack overflow themselves and need more memory: with them, only files
/// are limited.
void limit_resources(const std::string& file);

} // namespace handgrad::check
