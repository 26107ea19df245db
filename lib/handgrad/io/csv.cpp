#include "handgrad/io/csv.hpp"

#include "handgrad/error.hpp"
#include "handgrad/io/atomic_file.hpp"

namespace handgrad::io {

std::string csv_cell(std::string_view text) {
    const bool plain = text.find_first_of(",\"\n\r") == std::string_view::npos &&
                       (text.empty() || (text.front() != ' ' && text.back() != ' '));
    if (plain) { return std::string(text); }
    std::string quoted = "\"";
    for (const char c : text) { quoted += c == '"' ? "\"\"" : std::string(1, c); }
    return quoted + '"';
}

CsvTable& CsvTable::add_cells(std::string_view name, std::vector<std::string> cells) {
    if (!columns_.empty() && cells.size() != rows()) {
        throw ShapeError(fmt::format("CsvTable: column '{}' has {} values, expected {}", name, cells.size(), rows()));
    }
    cells.insert(cells.begin(), csv_cell(name));
    columns_.push_back(std::move(cells));
    return *this;
}

std::string CsvTable::to_string() const {
    std::string text;
    for (std::size_t row = 0; row < rows() + 1; ++row) {
        for (std::size_t column = 0; column < columns_.size(); ++column) {
            text += (column > 0 ? "," : "") + columns_[column][row];
        }
        text += '\n';
    }
    return text;
}

void CsvTable::write(const std::filesystem::path& path) const { write_file(path, to_string()); }

} // namespace handgrad::io
