#pragma once
/// @file
/// # The form of an operation
///
/// Each folder of ops contains one operation. Its **contract**, such as `linear/linear.hpp`, states the formulas,
/// checks shapes and memory, gives the results their shapes, and calls a **kernel**. It exists once for all backends.
/// The kernels, in `linear/reference.hpp`, `linear/cpu.cpp` and `linear/device.cpp`, contain the mathematics only.
/// Their arguments are views, each a pointer and extents, whose shapes fit.
///
/// `B::name(...)` calls the operation `name` of backend B, where B is Reference<T>, Cpu<T> or Device<T>. The functions
/// `reference::name(...)`, `cpu::name(...)` and `device::name(...)` derive T from their first argument.

#include <string_view>
#include <type_traits>
#include <utility>

#include "handgrad/device/system.hpp"
#include "handgrad/ops/aliasing.hpp"
#include "handgrad/tensor/place.hpp"
#include "handgrad/tensor/shape.hpp"
#include "handgrad/tensor/view.hpp"

namespace handgrad {

/// Whether an operation overwrites the gradient of a parameter, or adds to it, as backward of PyTorch does.
enum class Accumulate { no, yes };

/// Throws ShapeError for a negative eps under a root: "batch_norm_forward: eps is -1, expected at least 0".
void require_eps(std::string_view where, double eps);

/// Gives the gradient `g` its shape; if the operation adds to it, checks that it already has that shape.
/// @throws ShapeError
template <class Tensor>
void prepare_gradient(std::string_view where, std::string_view what, Tensor& g, const Shape& shape, Accumulate mode) {
    if (mode == Accumulate::yes) {
        require_shape(where, what, g.shape(), shape);
    } else {
        resize(g, shape);
    }
}

/// Calls `body` with the place whose kernels compute the matrix products, convolutions and poolings of `Place`. Only
/// this function chooses between kernels: on the host the device backend can use its own kernels or those of the cpu
/// backend, which work on the same memory; device::set_algorithm() chooses.
/// @param body function of a place: OnReference(), OnCpu() or OnDevice()
template <class Place, class Body> void on_fast_kernels(const Body& body) {
    if constexpr (std::is_same_v<Place, OnDevice>) {
        if (device::uses_cpu_kernels()) { return body(OnCpu()); }
    }
    body(Place());
}

/// Defines reference::name, cpu::name and device::name, which call the operation `name` of a contract's struct.
#define HANDGRAD_CALL_AS(Operations, name)                                                                             \
    HANDGRAD_CALL_IN(reference, OnReference, Operations, name)                                                         \
    HANDGRAD_CALL_IN(cpu, OnCpu, Operations, name)                                                                     \
    HANDGRAD_CALL_IN(device, OnDevice, Operations, name)
/// Defines it for one backend.
#define HANDGRAD_CALL_IN(space, Place, Operations, name)                                                               \
    namespace space {                                                                                                  \
    template <class X, class... Arguments, class T = typename std::decay_t<X>::value_type>                             \
    decltype(auto) name(X&& x, Arguments&&... arguments) {                                                             \
        return Operations<Place, T>::name(std::forward<X>(x), std::forward<Arguments>(arguments)...);                  \
    }                                                                                                                  \
    }

} // namespace handgrad
