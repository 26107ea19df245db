#include "by_hand.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "handgrad/check/report.hpp"

namespace handgrad::check {
namespace {

/// A row of a matrix as text, with the label in front of the first row.
struct Row {
    std::string label;
    std::vector<std::string> entries;
};

std::vector<std::string> entries_of(const Listed& listed) {
    std::vector<std::string> entries;
    for (std::size_t i = 0; i < listed.value.size(); ++i) {
        const bool starred = i < listed.starred.size() && listed.starred[i];
        const double value = listed.value.data()[i];
        entries.push_back(fmt::format("{:.6g}{}", value == 0 ? 0.0 : value, starred ? "*" : "")); // no "-0"
    }
    return entries;
}

std::vector<Row> rows_of(const Listed& listed) {
    if (!listed.text.empty()) { return {{listed.label, {listed.text}}}; }
    const std::vector<std::string> entries = entries_of(listed);
    const Shape shape = listed.value.shape();
    const std::size_t rank = shape.size();
    const std::size_t columns = rank == 0 ? 1 : shape[rank - 1];
    const std::size_t rows = rank < 2 ? 1 : shape[rank - 2]; // of each matrix
    std::vector<Row> result;
    for (std::size_t begin = 0; begin < entries.size(); begin += columns) {
        std::string label;
        if (begin / columns % rows == 0) { // the first row of a matrix
            label = listed.label;
            const Shape leading(shape.begin(),
                                shape.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(rank, 2)));
            if (entries.size() > rows * columns) { label = entry_name(label, leading, begin / columns / rows); }
        }
        const auto first = entries.begin() + static_cast<std::ptrdiff_t>(begin);
        result.push_back({label, {first, first + static_cast<std::ptrdiff_t>(columns)}});
    }
    return result;
}

} // namespace

std::string list_values(const std::vector<Listed>& values) {
    std::size_t label_width = 0;
    std::vector<std::vector<Row>> blocks;
    for (const Listed& listed : values) {
        blocks.push_back(rows_of(listed));
        for (const Row& row : blocks.back()) { label_width = std::max(label_width, row.label.size()); }
    }
    std::string text;
    for (const std::vector<Row>& block : blocks) {
        std::size_t width = 0; // of an entry, without its star
        bool stars = false;
        for (const Row& row : block) {
            for (const std::string& entry : row.entries) {
                const bool starred = entry.back() == '*';
                width = std::max(width, entry.size() - (starred ? 1 : 0));
                stars = stars || starred;
            }
        }
        for (const Row& row : block) {
            text += fmt::format("  {:<{}}", row.label, label_width);
            std::string line;
            for (const std::string& entry : row.entries) {
                const bool starred = entry.back() == '*';
                line += fmt::format("  {:>{}}", entry, width + (starred ? 1 : 0)) + (stars && !starred ? " " : "");
            }
            text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
        }
    }
    return text;
}

} // namespace handgrad::check
