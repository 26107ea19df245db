#pragma once
/// @file
/// # Activations: relu, leaky_relu, sigmoid, tanh, gelu, silu
///
/// **Formulas.** Each activation maps every entry by itself, so dx is dy times the derivative, entry by entry.
///
/// | operation | forward | backward | kept |
/// | --------- | ------- | -------- | ---- |
/// | relu      | \f$ y = \max(x, 0) \f$           | \f$ dx = dy \f$ where x > 0, else 0 | x |
/// | leaky_relu | x where x > 0, else \f$ \alpha x \f$ | dy where x > 0, else \f$ \alpha\, dy \f$ | x |
/// | sigmoid   | \f$ y = 1 / (1 + e^{-x}) \f$     | \f$ dx = dy\, y (1 - y) \f$         | y |
/// | tanh      | \f$ y = \tanh x \f$              | \f$ dx = dy\, (1 - y^2) \f$         | y |
/// | gelu      | \f$ y = \frac x2 (1 + \tanh \varphi) \f$ | \f$ dx = dy \left( \frac12 (1 + \tanh \varphi) + \frac x2 (1 - \tanh^2 \varphi)\, \varphi' \right) \f$ | x |
/// | silu      | \f$ y = x\, s,\; s = 1 / (1 + e^{-x}) \f$ | \f$ dx = dy\, s\, (1 + x\, (1 - s)) \f$ | x |
///
/// \f$ \alpha \f$ is the negative slope, 0.01 unless another one is given. gelu is the form with tanh,
/// torch.nn.GELU(approximate="tanh"):
/// \f$ \varphi = \sqrt{2/\pi}\, (x + 0.044715\, x^3) \f$, so
/// \f$ \varphi' = \sqrt{2/\pi}\, (1 + 3 \cdot 0.044715\, x^2) \f$.
///
/// At x = 0, where relu and leaky_relu have no derivative, backward uses 0 and the negative slope. -0 stays -0, and NaN
/// passes forward and backward. All this is as in PyTorch.
///
/// **Shapes.** All tensors have the same shape, of any rank.
///
/// **Memory.** Backward needs the kept tensor. In place: y may be x, and dx may be dy or the kept tensor. Backward of
/// relu accepts y instead of x, because both are greater than 0 at the same entries.
///
/// **Errors.** Throws ShapeError if the shapes differ.
///
/// **Source.** Lecture 13, parts B and D; gelu: Hendrycks, Gimpel, Gaussian Error Linear Units (2016),
/// arXiv:1606.08415; leaky_relu: Maas, Hannun, Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models
/// (2013); silu: Elfwing, Uchibe, Doya, arXiv:1702.03118.
//
// The derivation, step by step: activation.md.

#include "handgrad/ops/contract.hpp"

namespace handgrad {

// Each activation is a type with a name and the choice of the tensor that its backward needs. Each backend has one pair
// of functions for it, which overload on this type.

/// max(x, 0).
struct ReLU {
    static constexpr const char* name = "ReLU"; ///< name of PyTorch's layer
    static constexpr bool keeps_input = true;   ///< backward needs x
};
/// x where x > 0, else negative_slope x.
struct LeakyReLU {
    static constexpr const char* name = "LeakyReLU";          ///< name of PyTorch's layer
    static constexpr bool keeps_input = true;                 ///< backward needs x
    double negative_slope;                                    ///< slope for x <= 0
    LeakyReLU(double slope = 0.01) : negative_slope(slope) {} ///< PyTorch's default
};
/// 1 / (1 + exp(-x)).
struct Sigmoid {
    static constexpr const char* name = "Sigmoid"; ///< name of PyTorch's layer
    static constexpr bool keeps_input = false;     ///< backward needs y
};
/// tanh(x).
struct Tanh {
    static constexpr const char* name = "Tanh"; ///< name of PyTorch's layer
    static constexpr bool keeps_input = false;  ///< backward needs y
};

/// x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
struct GELU {
    static constexpr const char* name = "GELU";         ///< name of PyTorch's layer
    static constexpr bool keeps_input = true;           ///< backward needs x
    static constexpr double slope = 0.7978845608028654; ///< sqrt(2 / pi)
    static constexpr double cubic = 0.044715;           ///< the factor of x^3
};

/// x / (1 + exp(-x)).
struct SiLU {
    static constexpr const char* name = "SiLU"; ///< name of PyTorch's layer
    static constexpr bool keeps_input = true;   ///< backward needs x
};

/// The kernels of all activations, on all entries of tensors of one shape.
template <class Place> struct ActivationKernels {
    /// y_i = f(x_i).
    template <class F, class T> static void forward(VectorView<const T> x, VectorView<T> y, F f);
    /// dx_i = dy_i f'(x_i), computed from the tensor that f keeps, x or y.
    template <class F, class T>
    static void backward(VectorView<const T> kept, VectorView<const T> dy, VectorView<T> dx, F f);
};

/// The activations, for all backends.
template <class Place, class T> struct ActivationOperations {
    using Tensor = TensorOf<Place, T>; ///< type of an array

    /// y = max(x, 0), entry by entry.
    static void relu_forward(const Tensor& x, Tensor& y) { activation_forward<ReLU>(x, y); }
    /// The same, as a new tensor.
    static Tensor relu_forward(const Tensor& x) { return activation_forward<ReLU>(x); }
    /// dx = dy where x > 0, else 0. @throws ShapeError
    static void relu_backward(const Tensor& x, const Tensor& dy, Tensor& dx) {
        activation_backward<ReLU>("relu_backward", x, dy, dx);
    }
    /// The same, as a new tensor. @throws ShapeError
    static Tensor relu_backward(const Tensor& x, const Tensor& dy) {
        return activation_backward<ReLU>("relu_backward", x, dy);
    }

    /// y = 1 / (1 + exp(-x)), entry by entry.
    static void sigmoid_forward(const Tensor& x, Tensor& y) { activation_forward<Sigmoid>(x, y); }
    /// The same, as a new tensor.
    static Tensor sigmoid_forward(const Tensor& x) { return activation_forward<Sigmoid>(x); }
    /// dx = dy y (1 - y). @throws ShapeError
    static void sigmoid_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
        activation_backward<Sigmoid>("sigmoid_backward", y, dy, dx);
    }
    /// The same, as a new tensor. @throws ShapeError
    static Tensor sigmoid_backward(const Tensor& y, const Tensor& dy) {
        return activation_backward<Sigmoid>("sigmoid_backward", y, dy);
    }

    /// y = tanh(x), entry by entry.
    static void tanh_forward(const Tensor& x, Tensor& y) { activation_forward<Tanh>(x, y); }
    /// The same, as a new tensor.
    static Tensor tanh_forward(const Tensor& x) { return activation_forward<Tanh>(x); }
    /// dx = dy (1 - y^2). @throws ShapeError
    static void tanh_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
        activation_backward<Tanh>("tanh_backward", y, dy, dx);
    }
    /// The same, as a new tensor. @throws ShapeError
    static Tensor tanh_backward(const Tensor& y, const Tensor& dy) {
        return activation_backward<Tanh>("tanh_backward", y, dy);
    }

    /// y = gelu(x), the form with tanh, entry by entry.
    static void gelu_forward(const Tensor& x, Tensor& y) { activation_forward<GELU>(x, y); }
    /// The same, as a new tensor.
    static Tensor gelu_forward(const Tensor& x) { return activation_forward<GELU>(x); }
    /// dx = dy gelu'(x). @throws ShapeError
    static void gelu_backward(const Tensor& x, const Tensor& dy, Tensor& dx) {
        activation_backward<GELU>("gelu_backward", x, dy, dx);
    }
    /// The same, as a new tensor. @throws ShapeError
    static Tensor gelu_backward(const Tensor& x, const Tensor& dy) {
        return activation_backward<GELU>("gelu_backward", x, dy);
    }

    /// y = x where x > 0, else negative_slope x, entry by entry.
    static void leaky_relu_forward(const Tensor& x, double negative_slope, Tensor& y) {
        activation_forward<LeakyReLU>(x, y, negative_slope);
    }
    /// The same, as a new tensor.
    static Tensor leaky_relu_forward(const Tensor& x, double negative_slope) {
        return activation_forward<LeakyReLU>(x, negative_slope);
    }
    /// dx = dy where x > 0, else negative_slope dy. @throws ShapeError
    static void leaky_relu_backward(const Tensor& x, const Tensor& dy, double negative_slope, Tensor& dx) {
        activation_backward<LeakyReLU>("leaky_relu_backward", x, dy, dx, negative_slope);
    }
    /// The same, as a new tensor. @throws ShapeError
    static Tensor leaky_relu_backward(const Tensor& x, const Tensor& dy, double negative_slope) {
        return activation_backward<LeakyReLU>("leaky_relu_backward", x, dy, negative_slope);
    }

    /// y = x / (1 + exp(-x)), entry by entry.
    static void silu_forward(const Tensor& x, Tensor& y) { activation_forward<SiLU>(x, y); }
    /// The same, as a new tensor.
    static Tensor silu_forward(const Tensor& x) { return activation_forward<SiLU>(x); }
    /// dx = dy silu'(x). @throws ShapeError
    static void silu_backward(const Tensor& x, const Tensor& dy, Tensor& dx) {
        activation_backward<SiLU>("silu_backward", x, dy, dx);
    }
    /// The same, as a new tensor. @throws ShapeError
    static Tensor silu_backward(const Tensor& x, const Tensor& dy) {
        return activation_backward<SiLU>("silu_backward", x, dy);
    }

    /// y = f(x) for the activation F.
    template <class F> static void activation_forward(const Tensor& x, Tensor& y, F f = F()) {
        resize(y, x.shape());
        ActivationKernels<Place>::template forward<F>(entries(x), entries(y), f);
    }
    /// The same, as a new tensor.
    template <class F> static Tensor activation_forward(const Tensor& x, F f = F()) {
        Tensor y;
        activation_forward<F>(x, y, f);
        return y;
    }
    /// dx = dy f'(x) for the activation F, from the kept tensor, x or y. @throws ShapeError on behalf of `where`
    template <class F> static void activation_backward(std::string_view where, const Tensor& kept, const Tensor& dy,
                                                       Tensor& dx, F f = F()) {
        require_shape(where, "dy", dy.shape(), kept.shape());
        resize(dx, kept.shape());
        ActivationKernels<Place>::template backward<F>(entries(kept), entries(dy), entries(dx), f);
    }
    /// The same, as a new tensor.
    template <class F>
    static Tensor activation_backward(std::string_view where, const Tensor& kept, const Tensor& dy, F f = F()) {
        Tensor dx;
        activation_backward<F>(where, kept, dy, dx, f);
        return dx;
    }
};

HANDGRAD_CALL_AS(ActivationOperations, relu_forward)
HANDGRAD_CALL_AS(ActivationOperations, relu_backward)
HANDGRAD_CALL_AS(ActivationOperations, sigmoid_forward)
HANDGRAD_CALL_AS(ActivationOperations, sigmoid_backward)
HANDGRAD_CALL_AS(ActivationOperations, tanh_forward)
HANDGRAD_CALL_AS(ActivationOperations, tanh_backward)
HANDGRAD_CALL_AS(ActivationOperations, gelu_forward)
HANDGRAD_CALL_AS(ActivationOperations, gelu_backward)
HANDGRAD_CALL_AS(ActivationOperations, leaky_relu_forward)
HANDGRAD_CALL_AS(ActivationOperations, leaky_relu_backward)
HANDGRAD_CALL_AS(ActivationOperations, silu_forward)
HANDGRAD_CALL_AS(ActivationOperations, silu_backward)

/// Instantiates the kernels of every activation for a backend: the list of activations.
#define HANDGRAD_INSTANTIATE_ACTIVATIONS(Place)                                                                        \
    HANDGRAD_INSTANTIATE_ACTIVATION(Place, ReLU)                                                                       \
    HANDGRAD_INSTANTIATE_ACTIVATION(Place, Sigmoid)                                                                    \
    HANDGRAD_INSTANTIATE_ACTIVATION(Place, Tanh)                                                                       \
    HANDGRAD_INSTANTIATE_ACTIVATION(Place, GELU)                                                                       \
    HANDGRAD_INSTANTIATE_ACTIVATION(Place, LeakyReLU)                                                                  \
    HANDGRAD_INSTANTIATE_ACTIVATION(Place, SiLU)
/// Instantiates the kernels of one activation for a backend.
#define HANDGRAD_INSTANTIATE_ACTIVATION(Place, F)                                                                      \
    template void ActivationKernels<Place>::forward<F>(VectorView<const float>, VectorView<float>, F);                 \
    template void ActivationKernels<Place>::forward<F>(VectorView<const double>, VectorView<double>, F);               \
    template void ActivationKernels<Place>::backward<F>(VectorView<const float>, VectorView<const float>,              \
                                                        VectorView<float>, F);                                         \
    template void ActivationKernels<Place>::backward<F>(VectorView<const double>, VectorView<const double>,            \
                                                        VectorView<double>, F);

} // namespace handgrad

#include "handgrad/ops/activation/reference.hpp" // the kernels of the reference are templates
