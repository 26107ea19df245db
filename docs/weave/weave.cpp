#include "weave.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <utility>

namespace weave {

namespace {

/// A full-line comment's text, or nothing for a line of code.
bool comment_text(const std::string& line, std::string& text) {
    const std::size_t start = line.find_first_not_of(' ');
    if (start == std::string::npos || line.compare(start, 2, "//") != 0) { return false; }
    text = line.substr(start + 2);
    if (text.rfind('/', 0) == 0 || text.rfind(" clang-format", 0) == 0 || text.rfind(" NOLINT", 0) == 0) {
        return false;
    }
    if (text.rfind(' ', 0) == 0) { text.erase(0, 1); }
    return true;
}

/// "A heading, with $x_1$" becomes "a_heading_with_x_1".
std::string slug(std::string_view heading) {
    std::string s;
    for (const char c : heading) {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
            s += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        } else if (!s.empty() && s.back() != '_') {
            s += '_';
        }
    }
    while (!s.empty() && s.back() == '_') { s.pop_back(); }
    return s;
}

/// What a comment says, with the directives in it carried out.
std::string prose(const std::vector<std::string>& lines, Output* output) {
    std::string page, text;
    const auto flush = [&] {
        if (!text.empty()) { page += markup(text, to_doxygen) + "\n"; }
        text.clear();
    };
    for (const std::string& line : lines) {
        if (line.rfind("@output ", 0) == 0) {
            flush();
            if (output != nullptr) { page += output->show(line.substr(8, line.find_last_not_of(' ') - 7)); }
        } else {
            text += line + "\n";
        }
    }
    flush();
    return page;
}

/// How many of these lines, from the first, include headers, with what stands before them.
std::size_t length_of_includes(const std::vector<std::string>& lines, std::size_t first, std::size_t last) {
    std::size_t length = 0;
    for (std::size_t i = first; i < last; ++i) {
        const bool include = lines[i].rfind("#include", 0) == 0;
        if (!include && !blank(lines[i]) && lines[i] != "#pragma once") { break; }
        if (include) { length = i + 1 - first; }
    }
    return length;
}

} // namespace

bool blank(const std::string& line) { return line.find_first_not_of(" \t\r") == std::string::npos; }

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

std::string numbered(const std::string& command, const std::string& file, const std::string& id, std::size_t first) {
    const std::string line = std::to_string(first);
    return "@htmlonly[block]<div class=\"numbered\" id=\"" + id + "\" style=\"--before: " + std::to_string(first - 1) +
           "\"><a class=\"where\" href=\"#" + id + "\" title=\"link to this piece\">" + file + ":" + line +
           "</a>@endhtmlonly\n\n" + command + "\n\n@htmlonly[block]</div>@endhtmlonly\n\n";
}

std::vector<Block> split(std::string_view source) {
    std::vector<Block> blocks;
    std::size_t number = 0;
    for (const std::string& line : lines_of(source)) {
        ++number;
        std::string text;
        const bool prose = comment_text(line, text);
        if (blocks.empty() || blocks.back().prose != prose) { blocks.push_back({prose, number, {}}); }
        blocks.back().lines.push_back(prose ? text : line);
    }
    return blocks;
}

std::string to_doxygen(std::string_view markdown) {
    std::string out;
    for (std::size_t i = 0; i < markdown.size();) {
        const char c = markdown[i];
        if (c == '`' || c == '$') {
            // From here to the same delimiter again: one or more backquotes, or one or two dollars.
            std::size_t width = markdown.find_first_not_of(c, i);
            width = (width == std::string_view::npos ? markdown.size() : width) - i;
            const std::string_view delimiter = markdown.substr(i, width);
            const std::size_t end = markdown.find(delimiter, i + width);
            if (end == std::string_view::npos || (c == '$' && width > 2)) {
                throw std::runtime_error("no end of " + std::string(markdown.substr(i, 40)));
            }
            const std::string inside(markdown.substr(i + width, end - i - width));
            if (c == '`') {
                out += std::string(delimiter) + inside + std::string(delimiter);
            } else {
                out += width == 1 ? "\\f$" + inside + "\\f$" : "\\f[" + inside + "\\f]";
            }
            i = end + width;
        } else {
            if (c == '@' || c == '<' || c == '&' || c == '\\') { out += '\\'; }
            // Doxygen would make one dash of two.
            if (c == '-' && markdown.substr(i, 2) == "--" && (i == 0 || markdown[i - 1] == ' ')) {
                out += "\\--";
                i += 2;
                continue;
            }
            out += c;
            ++i;
        }
    }
    return out;
}

std::string headings(std::string_view markdown, std::size_t top, std::string_view anchor) {
    auto lines = lines_of(markdown);
    std::vector<std::pair<std::size_t, std::size_t>> found; // which line, how many #
    bool fenced = false;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (lines[i].rfind("```", 0) == 0) { fenced = !fenced; }
        const std::size_t hashes = lines[i].find_first_not_of('#');
        if (!fenced && hashes != 0 && hashes != std::string::npos && lines[i][hashes] == ' ') {
            found.emplace_back(i, hashes);
        }
    }
    std::size_t shallowest = 6, before = top - 1;
    for (const auto& heading : found) { shallowest = std::min(shallowest, heading.second); }
    std::set<std::string> used;
    for (const auto& [i, hashes] : found) {
        const std::string text = lines[i].substr(hashes);
        before = std::min(hashes - shallowest + top, before + 1); // Doxygen refuses to skip a level
        lines[i] = std::string(before, '#') + text;
        if (text.find("{#") == std::string::npos) {
            std::string id = std::string(anchor) + "_" + slug(text);
            while (!used.insert(id).second) { id += "_"; }
            lines[i] += " {#" + id + "}";
        }
    }
    std::string out;
    for (const std::string& line : lines) { out += line + "\n"; }
    return out;
}

Woven weave(std::string_view source, const std::string& snippet_file, std::string_view anchor, Output* output,
            const std::string& called) {
    Woven woven;
    const auto original = lines_of(source);
    const std::string& file = called.empty() ? snippet_file : called;
    int snippet = 0;
    std::string page;
    // Shows the code from line `from` of the file to before `to`, counted from 0.
    std::vector<std::pair<std::size_t, std::string>> opens, closes; // before which line, after which line
    const auto show = [&](std::size_t from, std::size_t to) {
        const std::string name = "block" + std::to_string(++snippet), line = std::to_string(from + 1);
        opens.emplace_back(from, name);
        closes.emplace_back(to - 1, name);
        page += numbered("@snippet " + snippet_file + " " + name, file, std::string(anchor) + "_L" + line, from + 1);
    };
    bool shown = false;
    for (const Block& block : split(source)) {
        const auto& lines = block.lines;
        if (block.prose) {
            try {
                page += prose(lines, output);
            } catch (const std::runtime_error& error) {
                throw std::runtime_error(snippet_file + ":" + std::to_string(block.first_line) + ": " + error.what());
            }
            continue;
        }
        for (const std::string& line : lines) {
            const bool second_blank =
                blank(line) && (woven.plain.empty() || woven.plain.substr(woven.plain.size() - 2) == "\n\n");
            if (!second_blank) { woven.plain += line + "\n"; }
        }
        // The pieces shown have no blank lines before and after them.
        std::size_t first = 0, last = lines.size();
        const auto trim = [&] {
            while (first < last && blank(lines[first])) { ++first; }
            while (first < last && blank(lines[last - 1])) { --last; }
        };
        trim();
        const std::size_t offset = block.first_line - 1;
        const std::size_t includes = length_of_includes(lines, first, last);
        if (includes > 0 && !shown) {
            page += "@htmlonly[block]<details class=\"includes\"><summary>The headers that " + file +
                    " includes</summary>@endhtmlonly\n\n";
            show(offset + first, offset + first + includes);
            page += "@htmlonly[block]</details>@endhtmlonly\n\n";
            first += includes;
            trim();
        }
        const bool says_nothing = last - first == 1 && lines[first] == "#pragma once";
        if (first < last && !says_nothing) {
            show(offset + first, offset + last);
            shown = true;
        }
    }
    std::size_t open = 0, close = 0;
    for (std::size_t i = 0; i < original.size(); ++i) {
        if (open < opens.size() && opens[open].first == i) { woven.snippets += "//! [" + opens[open++].second + "]\n"; }
        woven.snippets += original[i] + "\n";
        if (close < closes.size() && closes[close].first == i) {
            woven.snippets += "//! [" + closes[close++].second + "]\n";
        }
    }
    woven.page = headings(page, 3, anchor);
    return woven;
}

std::string read(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) { throw std::runtime_error("cannot read " + file.string()); }
    return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::filesystem::path& file, const std::string& content) {
    if (std::filesystem::exists(file) && read(file) == content) { return; }
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary);
    out << content;
    if (!out.flush()) { throw std::runtime_error("cannot write " + file.string()); }
}

} // namespace weave
