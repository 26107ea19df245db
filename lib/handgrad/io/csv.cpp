#include "handgrad/io/csv.hpp"

#include <utility>

#include <fmt/format.h>

#include "handgrad/error.hpp"
#include "handgrad/io/atomic_file.hpp"

namespace handgrad::io {

std::string csv_cell(double value) { return fmt::format("{}", value); }
std::string csv_cell(float value) { return fmt::format("{}", value); }
std::string csv_cell(std::int64_t value) { return fmt::format("{}", value); }

std::string csv_cell(std::string_view text) {
    const bool plain = text.find_first_of(",\"\n\r") == std::string_view::npos &&
                       (text.empty() || (text.front() != ' ' && text.back() != ' '));
    if (plain) { return std::string(text); }
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"') { quoted += '"'; }
        quoted += c;
    }
    return quoted + '"';
}

CsvTable& CsvTable::add_cells(std::string_view name, std::vector<std::string> cells) {
    if (!columns_.empty() && cells.size() != rows()) {
        throw ShapeError(fmt::format("CsvTable: column '{}' has {} values, expected {}", name, cells.size(), rows()));
    }
    columns_.push_back({csv_cell(name), std::move(cells)});
    return *this;
}

std::string CsvTable::to_string() const {
    std::string text;
    const auto line = [&](auto&& cell_of) {
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            if (c > 0) { text += ','; }
            text += cell_of(columns_[c]);
        }
        text += '\n';
    };
    line([](const Column& column) { return column.heading; });
    for (std::size_t r = 0; r < rows(); ++r) {
        line([r](const Column& column) { return column.cells[r]; });
    }
    return text;
}

void CsvTable::write(const std::filesystem::path& path) const { write_file(path, to_string()); }

} // namespace handgrad::io
