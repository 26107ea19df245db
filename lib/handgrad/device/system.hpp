#pragma once
/// @file
/// The Thrust system of the device backend, chosen when the library is built (-DHANDGRAD_THRUST_DEVICE=CUDA, OMP, TBB
/// or CPP). OFF makes a library without Thrust, whose device cannot be used.

#include <string>

namespace handgrad::device {

/// "CUDA", "OMP" (OpenMP), "TBB" or "CPP" (one thread); "OFF" without Thrust.
std::string system_name();

/// Whether the device is a GPU with its own memory, that is, system_name() is "CUDA".
bool is_gpu();

/// Whether the device can be used. False for CUDA without a GPU and for a library without Thrust.
bool is_available();

/// A description in one line: "Thrust 1.17.2, OMP"; "Thrust 3.0.1, CUDA, NVIDIA H100 80GB HBM3".
std::string description();

/// Throws std::runtime_error with the reason, in one line, unless is_available().
void require_available();

/// Waits for all kernels and copies on the device. Throws the errors of kernels that have not been waited for before.
void synchronize();

/// The kernels of matrix products, convolutions and poolings. Their results agree up to rounding.
enum class Algorithm {
    plain, ///< Thrust's algorithms alone, written to be read; the tests compare the fast kernels with them
    fast   ///< CUDA: cuBLAS and tiles in shared memory; otherwise the kernels of the cpu backend
};

Algorithm algorithm();                ///< the current choice of the program; initially fast
void set_algorithm(Algorithm choice); ///< changes the choice

bool uses_cpu_kernels(); ///< whether the cpu backend's kernels compute them: fast, on the host
bool is_plain();         ///< whether Thrust's algorithms alone compute them

} // namespace handgrad::device
