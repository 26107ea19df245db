#pragma once
/// @file
/// Modules: components that map a tensor to a tensor, forward and backward.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "handgrad/nn/component.hpp"
#include "handgrad/tensor/shape.hpp"
#include "handgrad/tensor/version.hpp"

namespace handgrad::nn {

/// Whether a backward pass has to compute the gradient of its input as well. The input of the first layer is data,
/// whose gradient is not needed; it would take up to a third of the layer's time.
enum class InputGradient { needed, not_needed };

namespace detail {
/// The reasons for which backward throws.
enum class Refusal { no_forward, input_changed, parameter_changed };

/// Throws std::logic_error on behalf of a module, for example "Linear: call forward before each backward".
[[noreturn]] void refuse_backward(const std::string& name, Refusal reason);
/// Throws ShapeError: "Linear: dy has shape (2, 3), expected (2, 4), the shape of the last output".
[[noreturn]] void refuse_gradient(const std::string& name, const Shape& dy, const Shape& expected);

/// Throws std::out_of_range on behalf of a Sequential with `modules` modules.
[[noreturn]] void refuse_index(std::size_t index, std::size_t modules);
} // namespace detail

/// A step of a network that maps a tensor to a tensor. It holds its parameters and the state that its backward needs,
/// and calls operations; it contains no mathematics itself.
///
/// **State.** Each forward allows one backward. forward keeps a pointer to its input, which must live until backward;
/// results are references to members of the module, valid until its next forward. backward throws an exception rather
/// than return a wrong gradient: if there was no forward since the last backward, or if the input or a parameter has
/// changed since forward. Examples: a network contains one module in two places; the loader has taken the next
/// mini-batch; a second forward of the previous module has overwritten its output; the optimiser has made its step.
///
/// A new kind of module overrides forward_pass and backward_pass. Users call forward and backward, which add the
/// checks.
/// @tparam Backend Cpu<T>, Device<T> or Reference<T>, T float or double; Reference accepts complex numbers as well
template <class Backend> class Module : public Component<Backend> {
public:
    using typename Component<Backend>::Tensor;

    /// Computes the output for a batch x. A temporary x does not compile: it would not live until backward.
    const Tensor& forward(const Tensor& x) {
        has_forward_ = false; // until forward_pass has ended without an exception
        const Tensor& y = forward_pass(x);
        input_ = watch(x);
        const auto& parameters = this->own_parameters();
        watched_.resize(parameters.size());
        for (std::size_t i = 0; i < watched_.size(); ++i) { watched_[i] = watch(parameters[i].second->value); }
        output_shape_ = y.shape();
        has_forward_ = true;
        return y;
    }
    const Tensor& forward(Tensor&& x) = delete; ///< x must live until backward

    /// Given dy = dL/dy for the output y of the last forward, adds dL/dparameter to each parameter's grad and returns
    /// dx = dL/dx; or, if that is not needed, an empty tensor.
    /// @throws std::logic_error if the gradient would be wrong, see above; ShapeError if dy does not have y's shape
    const Tensor& backward(const Tensor& dy, InputGradient input = InputGradient::needed) {
        require_state();
        const bool is_idle =
            input == InputGradient::not_needed && this->own_parameters().empty() && this->named_components().empty();
        if (is_idle) { // an activation below the first parameters: dy itself may not have been computed
            has_forward_ = false;
            return none_;
        }
        if (dy.shape() != output_shape_) { detail::refuse_gradient(this->name(), dy.shape(), output_shape_); }
        const Tensor& dx = backward_pass(dy, input);
        has_forward_ = false;
        return input == InputGradient::needed ? dx : none_;
    }

    /// The shape of the output for an input of shape x, without computing the output. By default the parts transform
    /// the shape one after another, in the order in which they were registered; without parts it is x.
    /// @throws ShapeError where forward would
    virtual Shape output_shape(const Shape& x) const {
        Shape y = x;
        for (const auto& [name, module] : modules_) { y = module->output_shape(y); }
        return y;
    }

    /// forward, in PyTorch's notation.
    const Tensor& operator()(const Tensor& x) { return forward(x); }
    const Tensor& operator()(Tensor&& x) = delete; ///< x must live until backward

    /// The modules among the parts with their names, in the order in which they were registered.
    const std::vector<std::pair<std::string, Module*>>& named_children() const { return modules_; }

protected:
    /// Computes y, and keeps the state that backward_pass needs. It may keep a pointer to x.
    virtual const Tensor& forward_pass(const Tensor& x) = 0;

    /// Adds to the gradients of the parameters. Returns dx, or any tensor if dx is not needed.
    virtual const Tensor& backward_pass(const Tensor& dy, InputGradient input) = 0;

    /// Registers a member as a part.
    void register_module(std::string name, Module& child) {
        modules_.emplace_back(name, &child);
        this->register_component(std::move(name), child);
    }

private:
    /// Throws std::logic_error unless the input and the parameters are those of the last forward.
    void require_state() const {
        if (!has_forward_) { detail::refuse_backward(this->name(), detail::Refusal::no_forward); }
        if (!input_.is_current()) { detail::refuse_backward(this->name(), detail::Refusal::input_changed); }
        for (const Watch& parameter : watched_) {
            if (!parameter.is_current()) { detail::refuse_backward(this->name(), detail::Refusal::parameter_changed); }
        }
    }

    std::vector<std::pair<std::string, Module*>> modules_;
    bool has_forward_ = false;
    Watch input_;                    // of the last forward
    std::vector<Watch> watched_;     // the parameters at the last forward
    Shape output_shape_;             // of the last forward
    Tensor none_ = Tensor(Shape{0}); // a gradient that is not needed
};

} // namespace handgrad::nn
