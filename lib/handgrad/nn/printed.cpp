#include "handgrad/nn/module.hpp"

#include <stdexcept>

namespace handgrad::nn::detail {
namespace {

void append(std::string& text, const Printed& printed, std::size_t indent) {
    text += printed.name + "(" + printed.arguments;
    for (const auto& [name, child] : printed.children) {
        text += "\n" + std::string(indent + 2, ' ') + "(" + name + "): ";
        append(text, child, indent + 2);
    }
    if (!printed.children.empty()) { text += "\n" + std::string(indent, ' '); }
    text += ")";
}

} // namespace

std::string to_string(const Printed& printed) {
    std::string text;
    append(text, printed, 0);
    return text;
}

void refuse_backward(const std::string& name, Refusal reason) {
    switch (reason) {
    case Refusal::no_forward:
        throw std::logic_error(name + ": call forward before each backward");
    case Refusal::input_changed:
        throw std::logic_error(name +
                               ": backward after its input was changed or destroyed: the gradient would be wrong");
    case Refusal::parameter_changed:
        break;
    }
    throw std::logic_error(name + ": backward after a parameter was changed: the gradient would be wrong");
}

void refuse_gradient(const std::string& name, const Shape& dy, const Shape& expected) {
    throw ShapeError(name + ": dy has shape " + handgrad::to_string(dy) + ", expected " +
                     handgrad::to_string(expected) + ", the shape of the last output");
}

void refuse_index(std::size_t index, std::size_t modules) {
    throw std::out_of_range("Sequential: module " + as_written(index) + ", expected a number from 0, less than " +
                            std::to_string(modules));
}

} // namespace handgrad::nn::detail
