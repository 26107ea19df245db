// One step of SGD: thrust::for_each over a zip of parameter, gradient and velocity. Up to 8 operations an entry for 5
// numbers of memory; one kernel for all of contract/sgd.hpp's steps, so that nothing is read twice.

#include "handgrad/device/kernels.hpp"
#include "handgrad/device/run.hpp"

namespace handgrad::device::kernels {
namespace {

/// Steps 1 and 2: the direction of descent.
template <class T> HANDGRAD_HOST_DEVICE T direction(const SgdNumbers<T>& s, T p, T g) {
    const T d = s.maximize ? -g : g;
    return s.decays ? d + s.weight_decay * p : d;
}

template <class T> struct Step {
    SgdNumbers<T> s;
    HANDGRAD_HOST_DEVICE T operator()(T p, T g) const { return p - s.lr * direction(s, p, g); }
};

template <class T> struct StepWithVelocity {
    SgdNumbers<T> s;
    template <class Entry> HANDGRAD_HOST_DEVICE void operator()(Entry entry) const {
        T& p = thrust::get<0>(entry);
        T& v = thrust::get<2>(entry);
        const T d = direction(s, p, static_cast<T>(thrust::get<1>(entry)));
        v = s.first ? d : s.momentum * v + s.undamped * d;
        p = p - s.lr * (s.nesterov ? d + s.momentum * v : v);
    }
};

} // namespace

template <class T> void sgd_step(T* p, const T* g, T* v, std::size_t n, const SgdNumbers<T>& numbers) {
    run(8 * n, [&](const auto& policy) {
        if (!numbers.has_velocity) {
            thrust::transform(policy, p, p + n, g, p, Step<T>{numbers});
        } else {
            const auto entries = thrust::make_zip_iterator(thrust::make_tuple(p, g, v));
            thrust::for_each(policy, entries, entries + static_cast<std::ptrdiff_t>(n), StepWithVelocity<T>{numbers});
        }
    });
}

template void sgd_step(float*, const float*, float*, std::size_t, const SgdNumbers<float>&);
template void sgd_step(double*, const double*, double*, std::size_t, const SgdNumbers<double>&);

} // namespace handgrad::device::kernels
