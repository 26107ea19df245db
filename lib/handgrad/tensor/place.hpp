#pragma once
/// @file
/// Where an operation runs. A contract and its kernels are templates over one of these three places.

namespace handgrad {

struct OnReference {}; ///< plain loops, for any scalar: obviously right, and what the others are compared with
struct OnCpu {};       ///< SIMD, OpenBLAS, threads
struct OnDevice {};    ///< Thrust: a GPU, or the cores of this computer

/// The type of a tensor at a place; each tensor's header says which places it is for.
template <class Place, class T> struct TensorOn;
/// The type of a tensor of T at a place.
template <class Place, class T> using TensorOf = typename TensorOn<Place, T>::type;

} // namespace handgrad
