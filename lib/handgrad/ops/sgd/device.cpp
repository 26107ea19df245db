// One step of SGD, one item for each entry: up to 8 operations for 5 numbers of memory. One kernel computes all steps
// of sgd.hpp, so it reads each number once.

#include "handgrad/device/run.hpp"
#include "handgrad/ops/sgd/sgd.hpp"

namespace handgrad {
namespace {

template <class T> struct Step {
    VectorView<T> p;
    VectorView<const T> g;
    VectorView<T> v;
    T lr, momentum, undamped, weight_decay; ///< undamped = 1 - dampening
    bool decays, nesterov, maximize, has_velocity, first;

    HANDGRAD_HOST_DEVICE void operator()(std::size_t i) const {
        T d = maximize ? -g(i) : g(i); // steps 1 and 2: the direction of descent
        if (decays) { d = d + weight_decay * p(i); }
        if (has_velocity) {
            v(i) = first ? d : momentum * v(i) + undamped * d;
            d = nesterov ? d + momentum * v(i) : v(i);
        }
        p(i) = p(i) - lr * d;
    }
};

} // namespace

template <> template <class T> void SgdKernels<OnDevice>::step(VectorView<T> p, VectorView<const T> g, VectorView<T> v,
                                                               const SgdOptions& options, bool first) {
    Step<T> step{p,
                 g,
                 v,
                 static_cast<T>(options.lr),
                 static_cast<T>(options.momentum),
                 static_cast<T>(1 - options.dampening),
                 static_cast<T>(options.weight_decay),
                 options.weight_decay != 0,
                 options.nesterov,
                 options.maximize,
                 options.momentum != 0,
                 first};
    device::for_each_item(p.size, 8, step);
}

HANDGRAD_INSTANTIATE_KERNEL(SgdKernels<OnDevice>::step)

} // namespace handgrad
