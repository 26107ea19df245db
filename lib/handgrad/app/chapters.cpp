#include "handgrad/app/chapters.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace handgrad::app {

std::string closing_lines(std::string_view name, const std::filesystem::path& out) {
    const auto* const chapter = std::find(chapters.begin(), chapters.end(), name);
    if (chapter == chapters.end()) { return ""; }
    const bool last = chapter + 1 == chapters.end();
    return fmt::format("\nFigures and numbers: {}\n"
                       "Page of the book:    chapter_{}.html (./run docs makes the book)\n"
                       "Next chapter:        {}\n",
                       out.string(), name, last ? "none, this is the last one" : fmt::format("./run {}", chapter[1]));
}

} // namespace handgrad::app
