#include <algorithm>
#include <regex>

#include "weave.hpp"

namespace weave {

namespace {

/// Replaces every match of `pattern` by what `f` makes of it.
template <class F> std::string replace(const std::string& text, const std::regex& pattern, const F& f) {
    std::string result;
    auto rest = text.cbegin();
    for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
        result.append(rest, (*it)[0].first) += f(*it);
        rest = (*it)[0].second;
    }
    return result.append(rest, text.cend());
}

/// A fragment of code without the blanks that all its lines begin with.
std::string without_indentation(const std::string& fragment) {
    static const std::regex line("<div class=\"line\">( *)([^ ])");
    auto common = std::string::npos;
    for (std::sregex_iterator it(fragment.begin(), fragment.end(), line), end; it != end; ++it) {
        const bool empty = (*it)[2] == "<" && fragment.compare(it->position(2), 6, "</div>") == 0;
        if (!empty) { common = std::min(common, static_cast<std::size_t>(it->length(1))); }
    }
    return replace(fragment, line, [&](const std::smatch& m) {
        return "<div class=\"line\">" + m[1].str().substr(std::min(common, static_cast<std::size_t>(m.length(1)))) +
               m[2].str();
    });
}

/// The page with every fragment of code moved to the left.
std::string move_code_to_the_left(const std::string& html) {
    const std::string opening = "<div class=\"fragment\">", closing = "<!-- fragment -->";
    std::string result;
    std::size_t rest = 0;
    for (std::size_t at; (at = html.find(opening, rest)) != std::string::npos;) {
        const std::size_t end = std::min(html.find(closing, at), html.size());
        result += html.substr(rest, at - rest) + without_indentation(html.substr(at, end - at));
        rest = end;
    }
    return result + html.substr(rest);
}

} // namespace

std::string finish(const std::string& html) {
    static const std::regex picture(
        R"re((<object type="image/svg\+xml" data="([^"]*)"[^>]*></object>|<img src="([^"]*)" alt=""/>)(\s*<div class="caption">\s*([^<]*)</div>)?)re");
    static const std::regex diagram(R"re((<img src="[^"]*" usemap="[^"]*") alt=""/>)re");
    static const std::regex nested(R"re(<a href="#nested-classes">[^<]*</a>( &#124;\s*)?)re");
    // SVG files as images, which know their page's colours; but for the map, whose boxes are links.
    std::string text = replace(html, picture, [](const std::smatch& m) {
        const std::string file = m[2].matched ? m[2] : m[3], caption = m[5];
        if (file == "chapter_map.svg") {
            return "<object type=\"image/svg+xml\" data=\"" + file + "\" role=\"img\" aria-label=\"" + caption +
                   "\"></object>" + m[4].str();
        }
        const std::string alternative = caption.empty() ? "Diagram of base and derived classes" : caption;
        return "<img src=\"" + file + "\" alt=\"" + alternative + "\"/>" + m[4].str();
    });
    text = replace(text, diagram,
                   [](const std::smatch& m) { return m[1].str() + " alt=\"Diagram of base and derived classes\"/>"; });
    if (text.find("id=\"nested-classes\"") == std::string::npos &&
        text.find("name=\"nested-classes\"") == std::string::npos) {
        text = replace(text, nested, [](const std::smatch&) { return std::string(); });
    }
    return move_code_to_the_left(text);
}

} // namespace weave
