#pragma once
/// @file
/// What every module is: parameters, a forward pass, a backward pass, and a way to be printed.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "handgrad/tensor/tensor.hpp"

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

/// Throws std::logic_error on behalf of a module that is to go back from nowhere.
[[noreturn]] void refuse_backward(const std::string& name);

/// Throws std::out_of_range on behalf of a Sequential of so many modules.
[[noreturn]] void refuse_index(std::size_t index, std::size_t modules);
} // namespace detail

/// A step of a network. It holds its parameters and what its backward pass needs, and calls operations; no mathematics
/// of its own.
///
/// forward keeps a pointer to its input until backward: the input must live as long (in a network it does: it is the
/// output buffer of the step before). Results are references to buffers of the module, valid until its next call.
/// @tparam Backend Cpu<T>, Device<T> or Reference<T>, T float or double; the last takes complex numbers too
template <class Backend> class Module {
public:
    using Scalar = typename Backend::Scalar; ///< type of one number
    using Tensor = typename Backend::Tensor; ///< type of an array

    Module() = default;
    Module(const Module&) = delete;
    Module& operator=(const Module&) = delete;
    virtual ~Module() = default;

    /// Computes the output for a batch x. An input that would be gone before backward is refused by the compiler.
    virtual const Tensor& forward(const Tensor& x) = 0;
    const Tensor& forward(Tensor&& x) = delete; ///< see the other

    /// Given dy = dL/dy for the output y of the last forward, adds dL/dparameter to each parameter's grad and returns
    /// dx = dL/dx, unless that is not needed. @throws std::logic_error if there was no forward
    virtual const Tensor& backward(const Tensor& dy, InputGradient input = InputGradient::needed) = 0;

    /// The shape of forward's output for an input of shape x, batch first, without computing it. Unless a module knows
    /// better: what its parts make of it one after another, in the order in which they were registered; x itself where
    /// there are none. @throws ShapeError where forward would
    virtual Shape output_shape(const Shape& x) const {
        Shape y = x;
        for (const auto& [name, child] : children_) { y = child->output_shape(y); }
        return y;
    }

    /// forward, in PyTorch's spelling.
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
    /// Makes a member known as a parameter. Call it in the constructor, in PyTorch's order (weight, bias).
    void register_parameter(std::string name, Parameter<Backend>& parameter) {
        parameters_.emplace_back(std::move(name), &parameter);
    }
    /// Ends forward: what backward needs is there from now on. A forward that throws does not come here.
    void forward_is_done() { has_forward_ = true; }
    /// Begins backward. @throws std::logic_error if no forward came to its end: "MaxPool2d: backward before forward"
    void require_forward() const {
        if (!has_forward_) { detail::refuse_backward(name()); }
    }
    /// Makes a member known as a part.
    void register_module(std::string name, Module& child) { children_.emplace_back(std::move(name), &child); }

private:
    detail::Printed printed() const {
        detail::Printed result{name(), arguments(), {}};
        for (const auto& [key, child] : children_) { result.children.push_back({key, child->printed()}); }
        return result;
    }

    std::vector<std::pair<std::string, Parameter<Backend>*>> parameters_;
    std::vector<std::pair<std::string, Module*>> children_;
    bool training_ = true, has_forward_ = false;
};

} // namespace handgrad::nn
