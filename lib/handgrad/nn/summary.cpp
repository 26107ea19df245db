#include "handgrad/nn/summary.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace handgrad::nn {
namespace {

/// 8490 as "8,490".
std::string with_commas(std::size_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t i = digits.size(); i > 3; i -= 3) { digits.insert(i - 3, ","); }
    return digits;
}

} // namespace

std::string to_string(const std::vector<LayerSummary>& layers) {
    struct Row {
        std::string name, module, output, parameters;
    };
    std::vector<Row> rows{{"Layer", "Module", "Output shape", "Parameters"}};
    std::size_t total = 0;
    for (const LayerSummary& layer : layers) {
        total += layer.parameters;
        rows.push_back({layer.name, layer.module, handgrad::to_string(layer.output), with_commas(layer.parameters)});
    }
    rows.push_back({"Total", "", "", with_commas(total)});
    Row widths; // strings whose lengths are the widths of the columns
    const auto widen = [](std::string& width, const std::string& text) {
        width.resize(std::max(width.size(), text.size()));
    };
    for (const Row& row : rows) {
        widen(widths.name, row.name);
        widen(widths.module, row.module);
        widen(widths.output, row.output);
        widen(widths.parameters, row.parameters);
    }
    std::string text;
    for (const Row& row : rows) {
        text += fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>{}}\n", row.name, widths.name.size(), row.module,
                            widths.module.size(), row.output, widths.output.size(), row.parameters,
                            widths.parameters.size());
    }
    return text;
}

} // namespace handgrad::nn
