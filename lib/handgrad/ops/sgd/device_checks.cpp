#include "handgrad/ops/sgd/device.hpp"

#include "handgrad/device/kernels.hpp"

namespace handgrad::device {

template <class T> void sgd_step(Tensor<T>& p, const Tensor<T>& g, Tensor<T>& v, const SgdOptions& options) {
    check_sgd_step(p, g, v, options);
    kernels::SgdNumbers<T> numbers{};
    numbers.lr = static_cast<T>(options.lr);
    numbers.momentum = static_cast<T>(options.momentum);
    numbers.undamped = static_cast<T>(1 - options.dampening);
    numbers.weight_decay = static_cast<T>(options.weight_decay);
    numbers.decays = options.weight_decay != 0;
    numbers.nesterov = options.nesterov;
    numbers.maximize = options.maximize;
    numbers.has_velocity = options.momentum != 0;
    if (numbers.has_velocity) {
        numbers.first = v.shape() != p.shape();
        resize(v, p.shape());
    }
    kernels::sgd_step(p.data(), g.data(), v.data(), p.size(), numbers);
}

#define HANDGRAD_INSTANTIATE(T) template void sgd_step(Tensor<T>&, const Tensor<T>&, Tensor<T>&, const SgdOptions&);
HANDGRAD_INSTANTIATE(float)
HANDGRAD_INSTANTIATE(double)

} // namespace handgrad::device
