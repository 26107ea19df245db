#pragma once
/// @file
/// What every module is: parameters, a forward pass, a backward pass, and a way to be printed.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "handgrad/tensor/shape.hpp"
#include "handgrad/tensor/version.hpp"

namespace handgrad::nn {

/// A tensor that is learned, and the gradient of the loss with respect to it, of the same shape.
template <class Backend> struct Parameter {
    typename Backend::Tensor value; ///< the weight or bias
    typename Backend::Tensor grad;  ///< dL/dvalue; backward adds to it, zero_grad sets it to zero
};

/// Whether a backward pass is asked for the gradient of its input as well. The first layer's input is data; nobody
/// needs its gradient, and it may cost a third of the layer's time.
enum class InputGradient { needed, not_needed };

/// How the lines of a model's printout are put together, apart from the templates.
namespace detail {
struct Child;
struct Printed {
    std::string name;            ///< e.g. "Linear"
    std::string arguments;       ///< e.g. "in_features=784, out_features=100, bias=True"
    std::vector<Child> children; ///< in the order in which they were registered
};
struct Child { // in C++20 clang takes no std::pair of something incomplete
    std::string key;
    Printed printed;
};
std::string to_string(const Printed& printed);

/// The reasons why a module refuses to go back.
enum class Refusal { no_forward, input_changed, parameter_changed };

/// Throws std::logic_error on behalf of a module: "Linear: backward without a forward of its own", for example.
[[noreturn]] void refuse_backward(const std::string& name, Refusal reason);
/// Throws ShapeError: "Linear: dy has shape (2, 3), expected (2, 4), the shape of the last output".
[[noreturn]] void refuse_gradient(const std::string& name, const Shape& dy, const Shape& expected);

/// Throws std::out_of_range on behalf of a Sequential of so many modules.
[[noreturn]] void refuse_index(std::size_t index, std::size_t modules);
} // namespace detail

/// A step of a network, from a tensor to a tensor. It holds its parameters and the state that its backward needs, and
/// calls operations; it has no mathematics of its own.
///
/// **State.** A module goes back once from its last forward. forward keeps a pointer to its input, which must live until
/// backward; results are references to buffers of the module, valid until its next forward. backward refuses, by an
/// exception, to return a gradient that would be wrong: if there was no forward since the last backward (one module in
/// two places of a network, for example), or if the input or a parameter has been changed since (the loader has taken the
/// next mini-batch, a second forward of the module before has overwritten its output, the optimiser has made its step).
///
/// A new kind of module overrides forward_pass and backward_pass; its users call forward and backward, which add these
/// checks.
/// @tparam Backend Cpu<T>, Device<T> or Reference<T>, T float or double; the last takes complex numbers too
template <class Backend> class Module {
public:
    using Scalar = typename Backend::Scalar; ///< type of one number
    using Tensor = typename Backend::Tensor; ///< type of an array

    Module() = default;
    Module(const Module&) = delete;
    Module& operator=(const Module&) = delete;
    virtual ~Module() = default;

    /// Computes the output for a batch x. The compiler refuses an input that would be gone before backward.
    const Tensor& forward(const Tensor& x) {
        has_forward_ = false; // until it has come to its end
        const Tensor& y = forward_pass(x);
        input_ = watch(x);
        for (std::size_t i = 0; i < parameters_.size(); ++i) { watched_[i] = watch(parameters_[i].second->value); }
        output_shape_ = y.shape();
        has_forward_ = true;
        return y;
    }
    const Tensor& forward(Tensor&& x) = delete; ///< see the other

    /// Given dy = dL/dy for the output y of the last forward, adds dL/dparameter to each parameter's grad and returns
    /// dx = dL/dx; or, if that is not needed, an empty tensor.
    /// @throws std::logic_error if the gradient would be wrong, as stated above; ShapeError if dy has not y's shape
    const Tensor& backward(const Tensor& dy, InputGradient input = InputGradient::needed) {
        require_state();
        if (dy.shape() != output_shape_) { detail::refuse_gradient(name(), dy.shape(), output_shape_); }
        const Tensor& dx = backward_pass(dy, input);
        has_forward_ = false;
        return input == InputGradient::needed ? dx : none_;
    }

    /// The shape of forward's output for an input of shape x, batch first, without computing it. Unless a module knows
    /// better: what its parts make of it one after another, in the order in which they were registered; x itself where
    /// there are none. @throws ShapeError where forward would
    virtual Shape output_shape(const Shape& x) const {
        Shape y = x;
        for (const auto& [name, child] : children_) { y = child->output_shape(y); }
        return y;
    }

    /// forward, in PyTorch's notation.
    const Tensor& operator()(const Tensor& x) { return forward(x); }
    const Tensor& operator()(Tensor&& x) = delete; ///< see forward

    /// All parameters with their names, as PyTorch names them: "fc1.weight".
    std::vector<std::pair<std::string, Parameter<Backend>*>> named_parameters() const {
        std::vector<std::pair<std::string, Parameter<Backend>*>> all = parameters_;
        for (const auto& [name, child] : children_) {
            for (const auto& [inner, parameter] : child->named_parameters()) {
                all.emplace_back(name + "." + inner, parameter);
            }
        }
        return all;
    }

    /// All buffers with their names: tensors that are saved with the model but not learned, as running means.
    std::vector<std::pair<std::string, Tensor*>> named_buffers() const {
        std::vector<std::pair<std::string, Tensor*>> all = buffers_;
        for (const auto& [name, child] : children_) {
            for (const auto& [inner, buffer] : child->named_buffers()) { all.emplace_back(name + "." + inner, buffer); }
        }
        return all;
    }

    /// All parameters, in the order of named_parameters().
    std::vector<Parameter<Backend>*> parameters() const {
        std::vector<Parameter<Backend>*> all;
        for (const auto& [name, parameter] : named_parameters()) { all.push_back(parameter); }
        return all;
    }

    /// The parts with their names, in the order in which they were registered.
    const std::vector<std::pair<std::string, Module*>>& named_children() const { return children_; }

    /// How many numbers are learned.
    std::size_t parameter_count() const {
        std::size_t count = 0;
        for (const Parameter<Backend>* parameter : parameters()) { count += parameter->value.size(); }
        return count;
    }

    /// Sets every gradient to zero.
    void zero_grad() {
        for (Parameter<Backend>* parameter : parameters()) { parameter->grad.fill(Scalar(0)); }
    }

    /// Training mode, which is the default, or not; a module may behave differently (dropout would).
    void train(bool on = true) {
        training_ = on;
        for (const auto& [name, child] : children_) { child->train(on); }
    }
    void eval() { train(false); }                  ///< train(false)
    bool is_training() const { return training_; } ///< what train or eval last said

    /// The class as PyTorch prints it.
    virtual std::string name() const = 0;
    /// The arguments as PyTorch prints them.
    virtual std::string arguments() const { return {}; }
    /// The module as print(model) shows it in PyTorch.
    std::string to_string() const { return detail::to_string(printed()); }

protected:
    /// Computes y of x, and keeps what backward_pass needs; a pointer to x is all right.
    virtual const Tensor& forward_pass(const Tensor& x) = 0;

    /// Adds to the gradients of the parameters. Returns dx, or, if it is not needed, any tensor.
    virtual const Tensor& backward_pass(const Tensor& dy, InputGradient input) = 0;

    /// Registers a member as a parameter. Call it in the constructor, in PyTorch's order (weight, bias).
    void register_parameter(std::string name, Parameter<Backend>& parameter) {
        parameters_.emplace_back(std::move(name), &parameter);
        watched_.resize(parameters_.size());
    }
    /// Registers a member as a buffer: parameters() and parameter_count() do not see it.
    void register_buffer(std::string name, Tensor& buffer) { buffers_.emplace_back(std::move(name), &buffer); }
    /// Registers a member as a part.
    void register_module(std::string name, Module& child) { children_.emplace_back(std::move(name), &child); }

private:
    detail::Printed printed() const {
        detail::Printed result{name(), arguments(), {}};
        for (const auto& [key, child] : children_) { result.children.push_back({key, child->printed()}); }
        return result;
    }

    /// Throws std::logic_error unless the numbers of the last forward are still there.
    void require_state() const {
        if (!has_forward_) { detail::refuse_backward(name(), detail::Refusal::no_forward); }
        if (!input_.is_current()) { detail::refuse_backward(name(), detail::Refusal::input_changed); }
        for (const Watch& parameter : watched_) {
            if (!parameter.is_current()) { detail::refuse_backward(name(), detail::Refusal::parameter_changed); }
        }
    }

    std::vector<std::pair<std::string, Parameter<Backend>*>> parameters_;
    std::vector<std::pair<std::string, Tensor*>> buffers_;
    std::vector<std::pair<std::string, Module*>> children_;
    bool training_ = true, has_forward_ = false;
    Watch input_;                    // of the last forward
    std::vector<Watch> watched_;     // the parameters at the last forward
    Shape output_shape_;             // of the last forward
    Tensor none_ = Tensor(Shape{0}); // a gradient that is not needed
};

} // namespace handgrad::nn
