#pragma once
// What the command line's messages share.

#include <string>
#include <string_view>
#include <vector>

namespace handgrad::app {

/// The text on one line: line ends and other control characters become blanks.
std::string one_line(std::string_view text);

/// 'text' in quotes on one line, cut to 60 characters.
std::string in_quotes(std::string_view text);

/// The word that can be had from `word` by the fewest insertions, deletions, replacements and swaps of neighbours;
/// empty where more than a third of its letters would have to change.
std::string nearest(std::string_view word, const std::vector<std::string>& words);

} // namespace handgrad::app
