#include "handgrad/nn/module.hpp"

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

} // namespace handgrad::nn::detail
