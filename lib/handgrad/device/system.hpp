#pragma once
/// @file
/// What the device backend runs on: one of Thrust's systems, chosen when the library is built
/// (-DHANDGRAD_THRUST_DEVICE=CUDA, OMP, TBB or CPP); OFF is a library without Thrust, whose device cannot be used.

#include <string>

namespace handgrad::device {

/// "CUDA", "OMP" (OpenMP), "TBB" or "CPP" (one thread); "OFF" without Thrust.
std::string system_name();

/// Whether the device is a GPU, with memory of its own: whether system_name() is "CUDA".
bool is_gpu();

/// Whether the device can be used: always, but for CUDA without a GPU and for a library without Thrust.
bool is_available();

/// In one line, for people: "Thrust 1.17.2, OMP"; "Thrust 3.0.1, CUDA, NVIDIA H100 80GB HBM3".
std::string description();

/// Throws std::runtime_error in one line, with the reason, unless is_available().
void require_available();

/// Waits until the device has done all that it was asked to do. Errors of kernels that nobody has waited for come up here.
void synchronize();

/// With what matrix products, convolutions and poolings are computed. They agree up to rounding.
enum class Algorithm {
    plain, ///< Thrust's algorithms alone: to read, and to compare with
    fast   ///< CUDA: cuBLAS and tiles in shared memory; otherwise the cpu backend's kernels, on the same memory
};

Algorithm algorithm();                ///< which of them, for the whole program; fast at the start
void set_algorithm(Algorithm choice); ///< chooses

bool uses_cpu_kernels(); ///< whether the cpu backend's kernels compute them now: fast, on the host
bool is_plain();         ///< whether Thrust's algorithms alone compute them now

} // namespace handgrad::device
