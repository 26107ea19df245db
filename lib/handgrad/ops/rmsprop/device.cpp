// One step of RMSprop, one item for each entry: up to 14 operations for 9 numbers of memory, in one kernel. Formulas:
// rmsprop.hpp.

#include <cmath>

#include "handgrad/device/run.hpp"
#include "handgrad/ops/rmsprop/rmsprop.hpp"

namespace handgrad {
namespace {

template <class T> struct StepOfRMSprop {
    VectorView<T> p;
    VectorView<const T> g;
    VectorView<T> square, average, velocity;
    T lr, alpha, rest, eps, weight_decay, momentum;
    bool decays, centered, has_velocity, maximize;

    HANDGRAD_HOST_DEVICE void operator()(std::size_t i) const {
        T d = maximize ? -g(i) : g(i);
        if (decays) { d = d + weight_decay * p(i); }
        square(i) = alpha * square(i) + rest * d * d;
        T scale = square(i);
        if (centered) {
            average(i) = alpha * average(i) + rest * d;
            scale = scale - average(i) * average(i);
        }
        T step = d / (std::sqrt(scale) + eps);
        if (has_velocity) { velocity(i) = step = momentum * velocity(i) + step; }
        p(i) = p(i) - lr * step;
    }
};

} // namespace

template <> template <class T>
void RMSpropKernels<OnDevice>::step(VectorView<T> p, VectorView<const T> g, VectorView<T> square, VectorView<T> average,
                                    VectorView<T> velocity, const RMSpropOptions& options) {
    const auto number = [](double value) { return static_cast<T>(value); };
    device::for_each_item(p.size, 14,
                          StepOfRMSprop<T>{p, g, square, average, velocity, number(options.lr), number(options.alpha),
                                           number(1 - options.alpha), number(options.eps), number(options.weight_decay),
                                           number(options.momentum), options.weight_decay != 0, options.centered,
                                           options.momentum != 0, options.maximize});
}

HANDGRAD_INSTANTIATE_KERNEL(RMSpropKernels<OnDevice>::step)

} // namespace handgrad
