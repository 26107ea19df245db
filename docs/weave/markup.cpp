#include <algorithm>
#include <regex>
#include <stdexcept>

#include "weave.hpp"

namespace weave {

namespace {

const std::string close_details = "@htmlonly[block]</details>@endhtmlonly";

/// Text for a place where Doxygen reads no Markdown: formulas as MathJax finds them, code as a tag.
std::string inline_html(const std::string& text) {
    std::string html;
    for (std::size_t i = 0; i < text.size();) {
        const bool doxygen = text.compare(i, 3, "\\f$") == 0;
        const char c = text[i];
        const std::string delimiter = doxygen ? "\\f$" : std::string(1, c);
        const std::size_t end =
            doxygen || c == '$' || c == '`' ? text.find(delimiter, i + delimiter.size()) : std::string::npos;
        if (end != std::string::npos) {
            const std::string inside = escape(text.substr(i + delimiter.size(), end - i - delimiter.size()));
            html += c == '`' ? "<code>" + inside + "</code>" : "\\(" + inside + "\\)";
            i = end + delimiter.size();
        } else {
            html += escape(std::string(1, c));
            ++i;
        }
    }
    return html;
}

std::string open_details(const std::string& attributes, const std::string& summary) {
    const std::string kind = attributes.find("predict") != std::string::npos ? "predict" : "answer";
    return "@htmlonly[block]<details class=\"" + kind + "\"><summary>" + inline_html(summary) +
           "</summary>@endhtmlonly";
}

/// Collects lines; those between two special ones go through `translate` as one text.
class Translation {
public:
    Translation(std::string (*translate)(std::string_view)) : translate_(translate) {}

    void text(const std::string& line) { pending_ += line + "\n"; }
    void special(const std::string& lines) {
        flush();
        result_ += lines;
    }
    std::string result() {
        flush();
        return result_;
    }

private:
    void flush() {
        if (!pending_.empty()) { result_ += translate_(pending_); }
        pending_.clear();
    }

    std::string (*translate_)(std::string_view);
    std::string pending_, result_;
};

} // namespace

std::string escape(const std::string& text) {
    std::string html;
    for (const char c : text) {
        html += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
    }
    return html;
}

std::string markup(std::string_view markdown, std::string (*translate)(std::string_view), Answers answers) {
    static const std::regex opening(R"re(\s*<details([^>]*)><summary>(.*)</summary>\s*)re");
    static const std::regex closing(R"re(\s*</details>\s*)re");
    static const std::regex numbered(R"re(\d+\. .*)re");
    static const std::regex printed_fence(R"re((\s*)```\s*(console|text)\s*)re");
    Translation out(translate);
    bool in_item = false, fenced = false, console = false, details = false, dropped = false, after_blank = false;
    std::string indent; // of a details block that belongs to a numbered item
    for (const std::string& line : lines_of(markdown)) {
        std::smatch match;
        const bool fence = line.find_first_not_of(' ') == line.find("```") && line.find("```") != std::string::npos;
        if (!fenced && std::regex_match(line, match, opening)) {
            if (details) { throw std::runtime_error("<details> inside of <details>: " + line); }
            details = true;
            dropped = answers == Answers::left_out;
            indent = in_item && line[0] != ' ' ? "   " : "";
            if (!dropped) { out.special(indent + open_details(match[1], match[2]) + "\n"); }
        } else if (!fenced && std::regex_match(line, match, closing)) {
            if (!details) { throw std::runtime_error("</details> without <details>"); }
            if (!dropped) { out.special(indent + close_details + "\n"); }
            details = dropped = false;
            indent.clear();
        } else if (!dropped) {
            if (!details && !fenced) {
                const bool blank = line.find_first_not_of(' ') == std::string::npos;
                if (std::regex_match(line, numbered)) {
                    in_item = true;
                } else if (!blank && after_blank && line[0] != ' ') {
                    in_item = false;
                }
                after_blank = blank;
            }
            const std::string inner = line.empty() ? "" : indent + line;
            if (!fenced && std::regex_match(line, match, printed_fence)) {
                console = true;
                const std::string blanks = indent + match[1].str();
                const std::string kind = match[2] == "text" ? "output" : "console";
                out.special(blanks + "@htmlonly[block]<div class=\"" + kind + "\">@endhtmlonly\n\n" + blanks +
                            "```{.unparsed}\n");
            } else if (fence && console) {
                console = false;
                const std::string blanks = inner.substr(0, inner.find('`'));
                out.special(blanks + "```\n\n" + blanks + "@htmlonly[block]</div>@endhtmlonly\n");
            } else if (fenced || fence) {
                out.special(inner + "\n"); // code stays as it is
            } else {
                out.text(inner);
            }
        }
        if (fence) { fenced = !fenced; }
    }
    if (details) { throw std::runtime_error("a <details> has no </details>"); }
    return out.result();
}

std::string markup(std::string_view markdown, Answers answers) {
    return markup(
        markdown, [](std::string_view text) { return std::string(text); }, answers);
}

} // namespace weave
