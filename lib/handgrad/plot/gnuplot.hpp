#pragma once

#include <filesystem>
#include <string>

namespace handgrad::plot {

/// A text for a gnuplot script, between single quotes, where only the quote itself is special.
std::string gnuplot_text(const std::string& text);

/// Runs directory/stem.gp with gnuplot, if it is on the PATH, to draw stem.svg and stem.png in that folder. gnuplot draws
/// temporary files, named in the script's variables svg and png, so the pictures appear complete or not at all.
/// @return empty, or one line that says why there are no pictures
std::string run_gnuplot(const std::filesystem::path& directory, const std::string& stem);

} // namespace handgrad::plot
