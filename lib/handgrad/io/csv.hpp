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

namespace handgrad::io {

/// Formats a number with the fewest digits that read back as the same number: "0.1", "1e-20", "nan", "inf".
template <class Number, std::enable_if_t<std::is_arithmetic_v<Number>, int> = 0> std::string csv_cell(Number value) {
    return fmt::format("{}", +value); // + makes an int of a char or bool
}

/// Quotes a text that contains a comma, a quote or a line break, or begins or ends with a space (RFC 4180).
std::string csv_cell(std::string_view text);

/// Named columns of equal length, written with a header line and '\n' at the end of each line.
class CsvTable {
public:
    /// Appends a column.
    /// @param name   heading
    /// @param values container of numbers or strings, of the same length as the first column
    /// @throws ShapeError if the length differs from that of the first column
    template <class Range> CsvTable& add(std::string_view name, const Range& values) {
        std::vector<std::string> cells;
        for (const auto& value : values) { cells.push_back(csv_cell(value)); }
        return add_cells(name, std::move(cells));
    }

    /// Appends a column of cells that csv_cell() has formatted. Throws as add() does.
    CsvTable& add_cells(std::string_view name, std::vector<std::string> cells);

    std::size_t rows() const { return columns_.empty() ? 0 : columns_[0].size() - 1; } ///< rows below the header

    std::string to_string() const; ///< the whole table

    /// Writes the table with write_file(). @throws DataError if the file cannot be written
    void write(const std::filesystem::path& path) const;

private:
    std::vector<std::vector<std::string>> columns_; // heading, then cells
};

} // namespace handgrad::io
