#pragma once
/// @file
/// # Initial weights, as in torch.nn.init
///
/// The variance of a layer's output is that of its input times fan_in Var(w), and backward the variance of dx is that
/// of dy times fan_out Var(w). An initialiser chooses Var(w) so that signals neither grow nor fade from layer to layer:
///
/// | initialiser | standard deviation of w |
/// | ----------- | ----------------------- |
/// | kaiming     | \f$ \text{gain} / \sqrt{\text{fan}} \f$, with fan_in or fan_out |
/// | xavier      | \f$ \text{gain} \sqrt{2 / (\text{fan\_in} + \text{fan\_out})} \f$ |
///
/// The normal form draws normal numbers of this standard deviation, the uniform form numbers within
/// \f$ \sqrt 3 \f$ times it. The gain makes up for what the activation takes away.
///
/// | weight | shape | fan_in | fan_out |
/// | ------ | ----- | ------ | ------- |
/// | of Linear, transposed from PyTorch's | (D_in, D_out) | D_in | D_out |
/// | of Conv2d | (C_out, C_in / groups, R, S) | C_in / groups R S | C_out R S |
///
/// Linear and Conv2d start from PyTorch's default, fan_in_uniform_() of random.hpp, which is kaiming_uniform_ with
/// a = sqrt(5). To start from other weights, call one of these functions after the layer is made:
/// `nn::kaiming_normal_(layer.weight, random, 0, nn::FanMode::fan_in, nn::Nonlinearity::relu)`.
///
/// **Source.** Glorot, Bengio, Understanding the difficulty of training deep feedforward neural networks (2010); He,
/// Zhang, Ren, Sun, Delving Deep into Rectifiers (2015), arXiv:1502.01852; torch.nn.init.

#include <cstddef>
#include <utility>

#include "handgrad/nn/component.hpp"
#include "handgrad/tensor/random.hpp"
#include "handgrad/tensor/shape.hpp"

namespace handgrad::nn {

/// The activation after a layer.
enum class Nonlinearity { linear, sigmoid, tanh, relu, leaky_relu, selu };

/// Which of the two fans an initialiser keeps the variance for: fan_in forward, fan_out backward.
enum class FanMode { fan_in, fan_out };

/// The gain of an activation, as torch.nn.init.calculate_gain: 1 for linear and sigmoid, 5/3 for tanh, sqrt(2) for
/// relu, sqrt(2 / (1 + a^2)) for leaky_relu with slope a, 3/4 for selu.
double calculate_gain(Nonlinearity nonlinearity, double a = 0.01);

/// fan_in and fan_out of a weight of this shape. @throws ShapeError unless it has two dimensions or four
std::pair<std::size_t, std::size_t> fans(const Shape& weight);

/// The standard deviation of kaiming_normal_. @throws ShapeError for another rank, or a fan of 0
double kaiming_std(const Shape& weight, double a, FanMode mode, Nonlinearity nonlinearity);

/// The standard deviation of xavier_normal_. @throws ShapeError for another rank, or fans of 0
double xavier_std(const Shape& weight, double gain);

/// sqrt(3): numbers uniform within this times s have the standard deviation s.
inline constexpr double uniform_bound = 1.7320508075688772;

/// Normal numbers of mean 0 and standard deviation gain / sqrt(fan).
/// @param w the weight, overwritten @param random the stream to draw from
/// @param a slope of leaky_relu, for that nonlinearity alone @param mode which fan @param nonlinearity gives the gain
/// @throws ShapeError unless w has two dimensions or four, and a fan of at least 1
template <class T> void kaiming_normal_(Tensor<T>& w, Random& random, double a = 0, FanMode mode = FanMode::fan_in,
                                        Nonlinearity nonlinearity = Nonlinearity::leaky_relu) {
    normal_(w, 0, kaiming_std(w.shape(), a, mode, nonlinearity), random);
}

/// Numbers uniform within sqrt(3) gain / sqrt(fan). The arguments are those of kaiming_normal_. @throws ShapeError
template <class T> void kaiming_uniform_(Tensor<T>& w, Random& random, double a = 0, FanMode mode = FanMode::fan_in,
                                         Nonlinearity nonlinearity = Nonlinearity::leaky_relu) {
    const double bound = uniform_bound * kaiming_std(w.shape(), a, mode, nonlinearity);
    uniform_(w, -bound, bound, random);
}

/// Normal numbers of mean 0 and standard deviation gain sqrt(2 / (fan_in + fan_out)).
/// @param w the weight, overwritten @param random the stream to draw from @param gain of the activation
/// @throws ShapeError unless w has two dimensions or four, and a fan of at least 1
template <class T> void xavier_normal_(Tensor<T>& w, Random& random, double gain = 1) {
    normal_(w, 0, xavier_std(w.shape(), gain), random);
}

/// Numbers uniform within gain sqrt(6 / (fan_in + fan_out)). The arguments are those of xavier_normal_.
/// @throws ShapeError
template <class T> void xavier_uniform_(Tensor<T>& w, Random& random, double gain = 1) {
    const double bound = uniform_bound * xavier_std(w.shape(), gain);
    uniform_(w, -bound, bound, random);
}

namespace detail {
/// Gives a parameter of any backend the numbers that `fill` writes to a host tensor of its shape.
template <class Backend, class Fill> void fill_parameter(Parameter<Backend>& parameter, const Fill& fill) {
    Tensor<typename Backend::Scalar> w(parameter.value.shape());
    fill(w);
    Backend::copy_from_host(w, parameter.value);
}
} // namespace detail

/// The same for a parameter of any backend: every backend gets the same numbers. @throws ShapeError
template <class Backend> void kaiming_normal_(Parameter<Backend>& w, Random& random, double a = 0,
                                              FanMode mode = FanMode::fan_in,
                                              Nonlinearity nonlinearity = Nonlinearity::leaky_relu) {
    detail::fill_parameter(w, [&](auto& host) { kaiming_normal_(host, random, a, mode, nonlinearity); });
}
/// The same for a parameter of any backend. @throws ShapeError
template <class Backend> void kaiming_uniform_(Parameter<Backend>& w, Random& random, double a = 0,
                                               FanMode mode = FanMode::fan_in,
                                               Nonlinearity nonlinearity = Nonlinearity::leaky_relu) {
    detail::fill_parameter(w, [&](auto& host) { kaiming_uniform_(host, random, a, mode, nonlinearity); });
}
/// The same for a parameter of any backend. @throws ShapeError
template <class Backend> void xavier_normal_(Parameter<Backend>& w, Random& random, double gain = 1) {
    detail::fill_parameter(w, [&](auto& host) { xavier_normal_(host, random, gain); });
}
/// The same for a parameter of any backend. @throws ShapeError
template <class Backend> void xavier_uniform_(Parameter<Backend>& w, Random& random, double gain = 1) {
    detail::fill_parameter(w, [&](auto& host) { xavier_uniform_(host, random, gain); });
}

} // namespace handgrad::nn
