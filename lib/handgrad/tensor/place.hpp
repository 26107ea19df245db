#pragma once
/// @file
/// The places where an operation runs: one for each backend. A contract and its kernels are templates over a place.

namespace handgrad {

struct OnReference {}; ///< plain loops for any scalar; the tests compare the other places with it
struct OnCpu {};       ///< SIMD, OpenBLAS, threads
struct OnDevice {};    ///< Thrust: a GPU, or the cores of this computer

/// The type of a tensor at a place; the header of each tensor type specialises it.
template <class Place, class T> struct TensorOn;
/// The type of a tensor of T at a place.
template <class Place, class T> using TensorOf = typename TensorOn<Place, T>::type;

} // namespace handgrad
