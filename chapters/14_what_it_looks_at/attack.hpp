#pragma once
// ## The gradient of the pixels
//
// In training, `backward` stops at the first layer: its input is data, whose gradient nobody needs.
// Here we need nothing else. The loss is the mean over the batch, so row n of $dx$ is
// $\frac1N \partial L_n / \partial x_n$. The factor $1/N$ changes the size of the gradient and
// neither its sign nor the picture.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <handgrad/tensor/philox.hpp>
#include <handgrad/tensor/scalar.hpp>
#include <handgrad/tensor/tensor.hpp>

#include "model.hpp"

using handgrad::Labels;
using handgrad::Tensor;

// A backward pass also *adds* to the gradients of the weights, as in PyTorch. Here only $dx$ is
// wanted, so the function sets the others to zero again. Otherwise the next step of an optimiser
// would follow them as well. (In PyTorch, `torch.autograd.grad(loss, x)` leaves the weights alone.)
template <class Backend>
typename Backend::Tensor input_gradient(Network<Backend>& network,
                                        const typename Backend::Tensor& x,
                                        const Labels& y) {
    nn::CrossEntropyLoss<Backend> criterion;
    criterion.compute(network(x), y);
    auto dx = network.backward(criterion.backward(),
                               nn::InputGradient::needed); // a copy
    network.zero_grad();
    return dx;
}

// ## The fast gradient sign method
//
// Each pixel takes a step of the same size eps, in the direction in which the loss grows. Where the
// gradient is exactly zero, there is no direction and no step.
template <class T> T sign(const T& v) {
    using handgrad::reference::is_greater;
    return static_cast<T>(is_greater(v, T(0)) - is_greater(T(0), v));
}

// A pixel below 0 or above 1 does not exist. `Limits::pixels` brings such values back, so that the
// result is a picture that a scanner could have made.
enum class Limits { none, pixels };

// Returns $x + \epsilon\, \mathrm{sign}(\text{direction})$, with limits if asked for. The functions
// `is_greater` and `sign` look at the real part, so that the complex step of the check can follow.
template <class T> Tensor<T> step_by_signs(const Tensor<T>& x,
                                           const Tensor<T>& direction,
                                           double eps, Limits limits) {
    using handgrad::reference::is_greater;
    Tensor<T> result(x.shape());
    const T step = static_cast<T>(eps), zero(0), one(1);
    for (std::size_t i = 0; i < x.size(); ++i) {
        T v = x.data()[i] + step * sign(direction.data()[i]);
        if (limits == Limits::pixels) {
            v = is_greater(v, one) ? one : v;
            v = is_greater(zero, v) ? zero : v;
        }
        result.data()[i] = v;
    }
    return result;
}

// The attack is a forward pass, a backward pass, and one line.
template <class Backend>
typename Backend::Tensor fast_gradient_sign(Network<Backend>& network,
                                            const typename Backend::Tensor& x,
                                            const Labels& y, double eps,
                                            Limits limits = Limits::pixels) {
    return step_by_signs(x, input_gradient(network, x, y), eps, limits);
}

// ## The control
//
// A change of the same size in every pixel, but with random signs. If it did as much harm, the
// gradient would have nothing to do with it. The signs are a function of the seed and the pixel's
// number (`tensor/philox.hpp`).
inline Tensor<float> random_signs(const handgrad::Shape& shape,
                                  std::uint64_t seed) {
    Tensor<float> signs(shape);
    for (std::size_t i = 0; i < signs.size(); ++i) {
        const auto bits = handgrad::random_bits(seed, 14, 0, i);
        signs.data()[i] = (bits & 1U) != 0U ? 1.0F : -1.0F;
    }
    return signs;
}

// ## Many small steps
//
// One long step follows the slope at its beginning. Many short steps ask for the slope again and
// again, and stay within eps of the original (Madry et al., "Towards Deep Learning Models Resistant
// to Adversarial Attacks", 2018, call it projected gradient descent; we leave out their random
// start). Ten steps of a quarter of eps can reach every corner of the square in the introduction.
template <class Backend> typename Backend::Tensor
iterated_signs(Network<Backend>& network, const typename Backend::Tensor& x,
               const Labels& y, double eps, int steps = 10) {
    using T = typename Backend::Scalar;
    const T most = static_cast<T>(eps);
    typename Backend::Tensor near = x;
    for (int step = 0; step < steps; ++step) {
        near =
            fast_gradient_sign(network, near, y, eps / 4); // limited to pixels
        for (std::size_t i = 0; i < x.size(); ++i) {
            const T low = x.data()[i] - most, high = x.data()[i] + most;
            near.data()[i] = std::clamp(near.data()[i], low, high);
        }
    }
    return near;
}
