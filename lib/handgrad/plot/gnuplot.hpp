#pragma once
// Runs gnuplot, where it is installed.

#include <filesystem>
#include <string>

namespace handgrad::plot {

/// Runs directory/script with gnuplot, which shall make the pictures stem.svg and stem.png in that folder. They appear
/// complete or not at all: gnuplot draws to temporary files, whose names the script finds in its variables svg and png.
/// @return empty, or one line that says why there are no pictures
std::string run_gnuplot(const std::filesystem::path& directory, const std::string& script, const std::string& stem);

} // namespace handgrad::plot
