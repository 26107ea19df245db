#pragma once
/// @file
/// The part of a model that checkpoints and optimisers use: parameters, buffers, names, training mode, printing.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace handgrad::nn {

/// A tensor that is learned, and the gradient of the loss with respect to it. Both have the same shape.
template <class Backend> struct Parameter {
    typename Backend::Tensor value; ///< the weight or bias
    typename Backend::Tensor grad;  ///< dL/dvalue; backward adds to it, zero_grad sets it to zero
};

/// The printout of a model, as functions that are no templates.
namespace detail {
struct Child;
struct Printed {
    std::string name;            ///< e.g. "Linear"
    std::string arguments;       ///< e.g. "in_features=784, out_features=100, bias=True"
    std::vector<Child> children; ///< in the order in which they were registered
};
struct Child { // clang accepts no std::pair of an incomplete type in C++20
    std::string key;
    Printed printed;
};
std::string to_string(const Printed& printed);
} // namespace detail

/// A part of a model, with inputs of any kind: an embedding of tokens, for example, or a Module, which maps a tensor to
/// a tensor. Its parameters, buffers and parts are members of the derived class, which registers them by name.
/// @tparam Backend Cpu<T>, Device<T> or Reference<T>
template <class Backend> class Component {
public:
    using Scalar = typename Backend::Scalar; ///< type of one number
    using Tensor = typename Backend::Tensor; ///< type of an array

    Component() = default;
    Component(const Component&) = delete;
    Component& operator=(const Component&) = delete;
    virtual ~Component() = default;

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

    /// All buffers with their names. A buffer is a tensor that is saved with the model but not learned, such as a
    /// running mean.
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
    const std::vector<std::pair<std::string, Component*>>& named_components() const { return children_; }

    /// The number of entries of all parameters.
    std::size_t parameter_count() const {
        std::size_t count = 0;
        for (const Parameter<Backend>* parameter : parameters()) { count += parameter->value.size(); }
        return count;
    }

    /// Sets every gradient to zero.
    void zero_grad() {
        for (Parameter<Backend>* parameter : parameters()) { parameter->grad.fill(Scalar(0)); }
    }

    /// Switches training mode, the default, on or off. A component such as dropout behaves differently in training.
    void train(bool on = true) {
        training_ = on;
        for (const auto& [name, child] : children_) { child->train(on); }
    }
    void eval() { train(false); }                  ///< train(false)
    bool is_training() const { return training_; } ///< whether training mode is on

    /// The class as PyTorch prints it.
    virtual std::string name() const = 0;
    /// The arguments as PyTorch prints them.
    virtual std::string arguments() const { return {}; }
    /// The component as PyTorch prints it by print(model).
    std::string to_string() const { return detail::to_string(printed()); }

protected:
    /// Registers a member as a parameter. Call it in the constructor, in PyTorch's order (weight, bias).
    void register_parameter(std::string name, Parameter<Backend>& parameter) {
        parameters_.emplace_back(std::move(name), &parameter);
    }
    /// Registers a member as a buffer, which parameters() and parameter_count() do not include.
    void register_buffer(std::string name, Tensor& buffer) { buffers_.emplace_back(std::move(name), &buffer); }
    /// Registers a member as a part.
    void register_component(std::string name, Component& child) { children_.emplace_back(std::move(name), &child); }
    /// The parameters of this component, without those of its parts.
    const std::vector<std::pair<std::string, Parameter<Backend>*>>& own_parameters() const { return parameters_; }

private:
    detail::Printed printed() const {
        detail::Printed result{name(), arguments(), {}};
        for (const auto& [key, child] : children_) { result.children.push_back({key, child->printed()}); }
        return result;
    }

    std::vector<std::pair<std::string, Parameter<Backend>*>> parameters_;
    std::vector<std::pair<std::string, Tensor*>> buffers_;
    std::vector<std::pair<std::string, Component*>> children_;
    bool training_ = true;
};

} // namespace handgrad::nn
