#pragma once
/// @file
/// # Activations: relu, sigmoid, tanh, gelu
///
/// **Formulas.** Each activation maps every entry by itself, so dx is dy times the derivative, entry by entry.
///
/// | operation | forward | backward | kept |
/// | --------- | ------- | -------- | ---- |
/// | relu      | \f$ y = \max(x, 0) \f$           | \f$ dx = dy \f$ where x > 0, else 0 | x |
/// | sigmoid   | \f$ y = 1 / (1 + e^{-x}) \f$     | \f$ dx = dy\, y (1 - y) \f$         | y |
/// | tanh      | \f$ y = \tanh x \f$              | \f$ dx = dy\, (1 - y^2) \f$         | y |
/// | gelu      | \f$ y = \frac x2 (1 + \tanh \varphi) \f$ | \f$ dx = dy \left( \frac12 (1 + \tanh \varphi) + \frac x2 (1 - \tanh^2 \varphi)\, \varphi' \right) \f$ | x |
///
/// gelu is the form with tanh, torch.nn.GELU(approximate="tanh"):
/// \f$ \varphi = \sqrt{2/\pi}\, (x + 0.044715\, x^3) \f$, so
/// \f$ \varphi' = \sqrt{2/\pi}\, (1 + 3 \cdot 0.044715\, x^2) \f$.
///
/// At x = 0, where relu has no derivative, backward uses 0. -0 stays -0, and NaN passes forward and backward. All this
/// is as in PyTorch.
///
/// **Shapes.** All tensors have the same shape, of any rank.
///
/// **Memory.** Backward needs the kept tensor. In place: y may be x, and dx may be dy or the kept tensor. Backward of
/// relu accepts y instead of x, because both are greater than 0 at the same entries.
///
/// **Errors.** Throws ShapeError if the shapes differ.
///
/// **Source.** Lecture 13, parts B and D; gelu: Hendrycks, Gimpel, Gaussian Error Linear Units (2016),
/// arXiv:1606.08415.
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

/// The kernels of all activations, on all entries of tensors of one shape.
template <class Place> struct ActivationKernels {
    /// y_i = f(x_i).
    template <class F, class T> static void forward(VectorView<const T> x, VectorView<T> y);
    /// dx_i = dy_i f'(x_i), computed from the tensor that f keeps, x or y.
    template <class F, class T>
    static void backward(VectorView<const T> kept, VectorView<const T> dy, VectorView<T> dx);
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

    /// y = f(x) for the activation F.
    template <class F> static void activation_forward(const Tensor& x, Tensor& y) {
        resize(y, x.shape());
        ActivationKernels<Place>::template forward<F>(entries(x), entries(y));
    }
    /// The same, as a new tensor.
    template <class F> static Tensor activation_forward(const Tensor& x) {
        Tensor y;
        activation_forward<F>(x, y);
        return y;
    }
    /// dx = dy f'(x) for the activation F, from the kept tensor, x or y. @throws ShapeError on behalf of `where`
    template <class F>
    static void activation_backward(std::string_view where, const Tensor& kept, const Tensor& dy, Tensor& dx) {
        require_shape(where, "dy", dy.shape(), kept.shape());
        resize(dx, kept.shape());
        ActivationKernels<Place>::template backward<F>(entries(kept), entries(dy), entries(dx));
    }
    /// The same, as a new tensor.
    template <class F> static Tensor activation_backward(std::string_view where, const Tensor& kept, const Tensor& dy) {
        Tensor dx;
        activation_backward<F>(where, kept, dy, dx);
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

/// Instantiates the kernels of every activation for a backend: the list of activations.
#define HANDGRAD_INSTANTIATE_ACTIVATIONS(Place)                                                                        \
    HANDGRAD_INSTANTIATE_ACTIVATION(Place, ReLU)                                                                       \
    HANDGRAD_INSTANTIATE_ACTIVATION(Place, Sigmoid)                                                                    \
    HANDGRAD_INSTANTIATE_ACTIVATION(Place, Tanh)                                                                       \
    HANDGRAD_INSTANTIATE_ACTIVATION(Place, GELU)
/// Instantiates the kernels of one activation for a backend.
#define HANDGRAD_INSTANTIATE_ACTIVATION(Place, F)                                                                      \
    template void ActivationKernels<Place>::forward<F>(VectorView<const float>, VectorView<float>);                    \
    template void ActivationKernels<Place>::forward<F>(VectorView<const double>, VectorView<double>);                  \
    template void ActivationKernels<Place>::backward<F>(VectorView<const float>, VectorView<const float>,              \
                                                        VectorView<float>);                                            \
    template void ActivationKernels<Place>::backward<F>(VectorView<const double>, VectorView<const double>,            \
                                                        VectorView<double>);

} // namespace handgrad

#include "handgrad/ops/activation/reference.hpp" // the kernels of the reference are templates
