#pragma once
/// @file
/// Tables as comma-separated values.
///
/// @snippet files.cpp csv

#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "handgrad/error.hpp"
#include "handgrad/io/file.hpp"

namespace handgrad::io {

/// Formats a number with the fewest digits that read back as the same number: "0.1", "1e-20", "nan", "inf".
template <class Number, std::enable_if_t<std::is_arithmetic_v<Number>, int> = 0> std::string csv_cell(Number value) {
    return fmt::format("{}", +value); // + makes an int of a char or bool
}

/// Quotes a text that contains a comma, a quote or a line break, or begins or ends with a space (RFC 4180).
inline std::string csv_cell(std::string_view text) {
    const bool plain = text.find_first_of(",\"\n\r") == std::string_view::npos &&
                       (text.empty() || (text.front() != ' ' && text.back() != ' '));
    if (plain) { return std::string(text); }
    std::string quoted = "\"";
    for (const char c : text) { quoted += c == '"' ? "\"\"" : std::string(1, c); }
    return quoted + '"';
}

/// Named columns of equal length, written with a header line and '\n' at the end of each line.
class CsvTable {
public:
    /// Appends a column.
    /// @param name   heading
    /// @param values container of numbers or strings, of the same length as the first column
    /// @throws ShapeError if the length differs from that of the first column
    template <class Range> CsvTable& add(std::string_view name, const Range& values) {
        std::vector<std::string> column{csv_cell(name)};
        for (const auto& value : values) { column.push_back(csv_cell(value)); }
        require<ShapeError>(columns_.empty() || column.size() == columns_[0].size(),
                            "CsvTable: column '{}' has {} values, expected {}", name, column.size() - 1, rows());
        columns_.push_back(std::move(column));
        return *this;
    }

    std::size_t rows() const { return columns_.empty() ? 0 : columns_[0].size() - 1; } ///< rows below the header

    /// Returns the whole table.
    std::string to_string() const {
        std::string text;
        for (std::size_t row = 0; row < rows() + 1; ++row) {
            for (const auto& column : columns_) { text += (&column == &columns_[0] ? "" : ",") + column[row]; }
            text += '\n';
        }
        return text;
    }

    /// Writes the table. @throws DataError if the file cannot be written
    void write(const std::filesystem::path& path) const { write_file(path, to_string()); }

private:
    std::vector<std::vector<std::string>> columns_; // heading, then cells
};

} // namespace handgrad::io
