#pragma once
// Questions about the series of a figure.

#include <algorithm>
#include <vector>

#include "handgrad/plot/figure.hpp"

namespace handgrad::plot {

using detail::Series;
using Kind = Series::Kind;

inline std::size_t rows_of(const Series& s) { return std::max(s.x.size(), s.y.size()); }
inline bool is_bar(const Series& s) { return s.kind == Kind::bars; }
inline bool is_cells(const Series& s) { return s.kind == Kind::cells; }
inline bool is_regions(const Series& s) { return s.kind == Kind::regions; }
inline bool is_line(const Series& s) {
    return s.kind == Kind::line || s.kind == Kind::line_points || s.kind == Kind::step;
}
/// A line across the whole diagram: it has one coordinate only.
inline bool is_across(const Series& s) { return s.kind == Kind::horizontal || s.kind == Kind::vertical; }

template <class Test> bool any(const std::vector<Series>& all, Test test) {
    return std::any_of(all.begin(), all.end(), test);
}

} // namespace handgrad::plot
