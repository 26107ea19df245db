#include <algorithm>
#include <stdexcept>

#include "weave.hpp"

namespace weave {

namespace {

constexpr std::size_t longest_open = 25; ///< lines of output that a page shows without folding them

bool begins_with(const std::string& line, const std::string& words) {
    const std::size_t first = line.find_first_not_of(" \t");
    return first != std::string::npos && line.compare(first, words.size(), words) == 0;
}

} // namespace

Output::Output(std::string chapter, std::string_view text, std::filesystem::path folder)
    : chapter_(std::move(chapter)), lines_(lines_of(text)), folder_(std::move(folder)) {}

std::string Output::show(const std::string& argument) {
    used_ = true;
    std::size_t end = lines_.size();
    if (argument != "to end") {
        const std::size_t from = argument.find('"'), to = argument.rfind('"');
        if (argument.rfind("to \"", 0) != 0 || to <= from || to + 1 != argument.size()) {
            throw std::runtime_error("@output takes: to \"first words of a line\", or: to end; not: " + argument);
        }
        const std::string words = argument.substr(from + 1, to - from - 1);
        const auto is_last = [&](const std::string& line) { return begins_with(line, words); };
        const auto rest = lines_.begin() + static_cast<std::ptrdiff_t>(shown_);
        const auto found = std::find_if(rest, lines_.end(), is_last);
        if (found == lines_.end()) {
            const bool before = std::any_of(lines_.begin(), rest, is_last);
            throw std::runtime_error("no line after line " + std::to_string(shown_) + " of " + chapter_ +
                                     "/expected/output.txt begins with \"" + words +
                                     (before ? "\", though one before it does: is it shown already?" : "\""));
        }
        end = static_cast<std::size_t>(found - lines_.begin()) + 1;
    }
    std::size_t first = shown_, last = end;
    shown_ = end;
    while (first < last && blank(lines_[first])) { ++first; }
    while (first < last && blank(lines_[last - 1])) { --last; }
    if (first == last) {
        throw std::runtime_error("@output " + argument + " shows nothing: all lines up to line " + std::to_string(end) +
                                 " of " + chapter_ + "/expected/output.txt are shown already");
    }
    return piece(first, last);
}

std::string Output::piece(std::size_t first, std::size_t last) {
    const std::string file = chapter_ + "_output_" + std::to_string(++pieces_) + ".txt";
    std::string text;
    for (std::size_t i = first; i < last; ++i) { text += lines_[i] + "\n"; }
    write(folder_ / file, text);
    const std::string open = last - first > longest_open ? "<details class=\"output\"><summary>Output, " +
                                                               std::to_string(last - first) + " lines</summary>"
                                                         : "<div class=\"output\">";
    const std::string close = last - first > longest_open ? "</details>" : "</div>";
    return "@htmlonly[block]" + open + "@endhtmlonly\n\n@verbinclude " + file + "\n\n@htmlonly[block]" + close +
           "@endhtmlonly\n\n";
}

void Output::require_all_shown() const {
    for (std::size_t i = shown_; used_ && i < lines_.size(); ++i) {
        if (!blank(lines_[i])) {
            throw std::runtime_error(chapter_ + "/expected/output.txt:" + std::to_string(i + 1) +
                                     ": no @output shows this line: " + lines_[i]);
        }
    }
}

std::string Output::everything() {
    const std::string file = chapter_ + "_output.txt";
    std::string text;
    for (const std::string& line : lines_) { text += line + "\n"; }
    write(folder_ / file, text);
    return "@verbinclude " + file + "\n\n";
}

} // namespace weave
