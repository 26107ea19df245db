#pragma once
/// @file
/// # What every operation is made of
///
/// A folder of ops holds one operation. Its **contract**, `linear/linear.hpp`, states the formulas, checks shapes and
/// memory, gives results their shapes, and calls a **kernel**: once, for all backends. The kernels of a backend,
/// `linear/reference.hpp`, `linear/cpu.cpp` and `linear/device.cpp`, are mathematics only: they see views, a pointer
/// and extents each, whose shapes fit.
///
/// An operation `name` of backend B is called as `B::name(...)`, where B is Reference<T>, Cpu<T> or Device<T>; or as
/// `reference::name(...)`, `cpu::name(...)`, `device::name(...)`, which find T by their first argument.

#include <string_view>
#include <type_traits>
#include <utility>

#include "handgrad/device/system.hpp"
#include "handgrad/ops/aliasing.hpp"
#include "handgrad/tensor/place.hpp"
#include "handgrad/tensor/shape.hpp"
#include "handgrad/tensor/view.hpp"

namespace handgrad {

/// What an operation does with a parameter's gradient: overwrite it, or add to it as PyTorch's backward does.
enum class Accumulate { no, yes };

/// Prepares the gradient `g` to be written: gives it its shape, or, if the operation is to add to it, checks that it has
/// that shape already. @throws ShapeError
template <class Tensor>
void prepare_gradient(std::string_view where, std::string_view what, Tensor& g, const Shape& shape, Accumulate mode) {
    if (mode == Accumulate::yes) {
        require_shape(where, what, g.shape(), shape);
    } else {
        resize(g, shape);
    }
}

/// Calls `body` with the place whose kernels compute matrix products, convolutions and poolings of `Place`: the one
/// decision between kernels. On the host the device backend has two sets of them, its own and those of the cpu
/// backend, which work on the same memory; device::set_algorithm() chooses.
/// @param body called with OnReference(), OnCpu() or OnDevice()
template <class Place, class Body> void on_fast_kernels(const Body& body) {
    if constexpr (std::is_same_v<Place, OnDevice>) {
        if (device::uses_cpu_kernels()) { return body(OnCpu()); }
    }
    body(Place());
}

/// Makes the operation `name` of a contract's struct callable by the backend's name: cpu::name(x, ...).
#define HANDGRAD_CALL_AS(Operations, name)                                                                             \
    HANDGRAD_CALL_IN(reference, OnReference, Operations, name)                                                         \
    HANDGRAD_CALL_IN(cpu, OnCpu, Operations, name)                                                                     \
    HANDGRAD_CALL_IN(device, OnDevice, Operations, name)
/// The same for one backend.
#define HANDGRAD_CALL_IN(space, Place, Operations, name)                                                               \
    namespace space {                                                                                                  \
    template <class X, class... Arguments, class T = typename std::decay_t<X>::value_type>                             \
    decltype(auto) name(X&& x, Arguments&&... arguments) {                                                             \
        return Operations<Place, T>::name(std::forward<X>(x), std::forward<Arguments>(arguments)...);                  \
    }                                                                                                                  \
    }

} // namespace handgrad
