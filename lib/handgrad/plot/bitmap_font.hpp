#pragma once
// Letters for pictures that must not depend on any font being installed: ASCII, 5 x 9 dots each.

#include <cstddef>
#include <string_view>

#include "handgrad/plot/png.hpp"

namespace handgrad::plot {

constexpr std::size_t glyph_width = 5;   // dots
constexpr std::size_t glyph_height = 9;  // of which 7 stand on the line and 2 hang below it
constexpr std::size_t glyph_advance = 6; // one column of space between letters

/// Draws `text` in black on a grey image, its top left corner at (x, y), `scale` pixels to a dot; what lies outside the
/// image is cut off. Characters that are not printable ASCII become '?'.
void draw_text(Image& image, std::size_t x, std::size_t y, std::string_view text, std::size_t scale);

} // namespace handgrad::plot
