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
    return text;
}

} // namespace weave
