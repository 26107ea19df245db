#pragma once
/// @file
/// Tables as comma-separated values.
///
/// @snippet files.cpp csv

#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace handgrad::io {

/// A number with the fewest digits that read back as the same number: "0.1", "1e-20", "nan", "inf".
std::string csv_cell(double value);
/// The same for a float: 0.1f is "0.1".
std::string csv_cell(float value);
/// An integer.
std::string csv_cell(std::int64_t value);
/// A text, in quotes where it contains a comma, a quote or a line break, or begins or ends with a space (RFC 4180).
std::string csv_cell(std::string_view text);

/// Named columns of equal length, written with a header line and '\n' at the end of each line.
class CsvTable {
public:
    /// Appends a column.
    /// @param name   its heading
    /// @param values a container of numbers or strings; as many as the first column has
    /// @throws ShapeError if the number of values differs from the first column's
    template <class Range> CsvTable& add(std::string_view name, const Range& values) {
        using Value = std::decay_t<decltype(*std::begin(values))>;
        std::vector<std::string> cells;
        for (const auto& value : values) {
            if constexpr (std::is_integral_v<Value>) {
                cells.push_back(csv_cell(static_cast<std::int64_t>(value)));
            } else if constexpr (std::is_floating_point_v<Value>) {
                cells.push_back(csv_cell(value));
            } else {
                cells.push_back(csv_cell(std::string_view(value)));
            }
        }
        return add_cells(name, std::move(cells));
    }

    /// Appends a column of cells that are formatted (and quoted) already. Throws as add() does.
    CsvTable& add_cells(std::string_view name, std::vector<std::string> cells);

    /// Number of lines below the header.
    std::size_t rows() const { return columns_.empty() ? 0 : columns_.front().cells.size(); }

    /// The whole table as text.
    std::string to_string() const;

    /// Writes the table by write_file(): complete or not at all.
    /// @throws DataError if it cannot be written
    void write(const std::filesystem::path& path) const;

private:
    struct Column {
        std::string heading;
        std::vector<std::string> cells;
    };
    std::vector<Column> columns_;
};

} // namespace handgrad::io
