#include <algorithm>
#include <cctype>
#include <iterator>
#include <regex>
#include <stdexcept>

#include "weave.hpp"

namespace weave {

namespace fs = std::filesystem;
using std::string_literals::operator""s;

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

/// The page with every formula kept together with the punctuation around it. (After a bracket, Doxygen puts a blank.)
std::string hold_punctuation(const std::string& html) {
    static const std::regex formula(R"re((\( ?|)(\\\([^<]*?\\\))([.,;:!?)]*))re");
    return replace(html, formula, [](const std::smatch& m) {
        return m.length(1) + m.length(3) == 0
                   ? m[0].str()
                   : "<span class=\"nowrap\">" + m[1].str().substr(0, 1) + m[2].str() + m[3].str() + "</span>";
    });
}

/// The code, or the page, with every option of a command line (`--batch-size`) kept on one line. Tags stay as they are.
std::string hold_options(const std::string& html) {
    const auto in_option = [](char c) { return std::islower(static_cast<unsigned char>(c)) || c == '-'; };
    std::string result;
    for (std::size_t i = 0; i < html.size();) {
        std::size_t end = i + 1;
        if (html[i] == '<') {
            end = std::min(html.find('>', i), html.size() - 1) + 1;
        } else if (html.compare(i, 2, "--") == 0) {
            while (end < html.size() && in_option(html[end])) { ++end; }
            const bool option = end > i + 2 && html[i + 2] != '-' && (i == 0 || !in_option(html[i - 1]));
            if (option) { result += "<span class=\"nowrap\">"; }
            result.append(html, i, end - i) += option ? "</span>" : "";
            i = end;
            continue;
        }
        result.append(html, i, end - i);
        i = end;
    }
    return result;
}

/// Code in a sentence, where a long path may go on in the next line after a slash.
std::string divide_paths(const std::string& code) {
    static const std::regex slash(R"re((\w\w\w/)(?=\w\w[^<>]*(?:<|$)))re");
    return replace(code, slash, [](const std::smatch& m) { return m[1].str() + "<wbr/>"; });
}

/// The page with the options in its `code` and in what programs print held together, and with paths that may be divided.
std::string hold_options_in_code(const std::string& html) {
    const auto hold_in = [](const std::string& text, const std::string& opening, const std::string& closing,
                            const auto& then) {
        std::string result;
        std::size_t rest = 0;
        for (std::size_t at; (at = text.find(opening, rest)) != std::string::npos;) {
            const std::size_t end = std::min(text.find(closing, at), text.size());
            result += text.substr(rest, at - rest) + then(hold_options(text.substr(at, end - at)));
            rest = end;
        }
        return result + text.substr(rest);
    };
    const auto as_it_is = [](const std::string& text) { return text; };
    return hold_in(hold_in(html, "<code>", "</code>", divide_paths), "<pre class=\"fragment\">", "</pre>", as_it_is);
}

/// Calls `f` for what is not a fragment of code, and `g` for each fragment.
template <class F, class G> std::string outside_of_code(const std::string& html, const F& f, const G& g) {
    const std::string opening = "<div class=\"fragment\">", closing = "<!-- fragment -->";
    std::string result;
    std::size_t rest = 0;
    for (std::size_t at; (at = html.find(opening, rest)) != std::string::npos;) {
        const std::size_t end = std::min(html.find(closing, at), html.size());
        const std::string before = html.substr(rest, at - rest);
        result += f(before) + g(before, html.substr(at, end - at));
        rest = end;
    }
    return result + f(html.substr(rest));
}

/// The title of a page that Doxygen has written.
std::string title_of(const std::string& html) {
    static const std::regex title(R"re(<div class="title">([^<]*)</div>)re");
    std::smatch match;
    if (!std::regex_search(html, match, title)) { return "handgrad"; }
    const std::string text = match[1];
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

} // namespace

std::string with_neighbours(const std::string& html, const Neighbour& previous, const Neighbour& next) {
    const auto link = [](const char* kind, const char* word, const Neighbour& page) {
        if (page.file.empty()) { return "<span></span>"s; }
        return "<a class=\""s + kind + "\" rel=\"" + kind + "\" href=\"" + page.file + "\"><small>" + word +
               "</small> " + page.title + "</a>";
    };
    const auto head = [](const char* kind, const Neighbour& page) {
        return page.file.empty() ? ""s : "<link rel=\""s + kind + "\" href=\"" + page.file + "\"/>\n";
    };
    const std::string end = "</div><!-- contents -->";
    const std::size_t last = html.rfind(end), head_end = html.find("</head>");
    if (last == std::string::npos || head_end == std::string::npos) {
        throw std::runtime_error("a page of the book has no contents to put links below");
    }
    const std::size_t at = last + end.size();
    return html.substr(0, head_end) + head("prev", previous) + head("next", next) +
           html.substr(head_end, at - head_end) + "<nav class=\"book-navigation\">" +
           link("prev", "Previous", previous) + link("next", "Next", next) + "</nav>\n" + html.substr(at);
}

void finish_all(const fs::path& folder, const fs::path& order) {
    struct Entry {
        Neighbour page;
        bool aside;
    };
    std::vector<Entry> book;
    for (const std::string& line : lines_of(read(order))) {
        const bool aside = line.rfind("- ", 0) == 0;
        const std::string file = line.substr(aside ? 2 : 0) + ".html";
        book.push_back({{file, title_of(read(folder / file))}, aside});
    }
    const auto neighbour = [&](auto from, auto end) {
        const auto found = std::find_if(from, end, [](const Entry& entry) { return !entry.aside; });
        return found == end ? Neighbour{} : found->page;
    };
    // In the sidebar, a page below its chapter's need not repeat the chapter's title.
    static const std::regex entry_below(
        R"re("\d\d [^"]*: ([^":]*)", "(chapter_\w+_(program\w*|exercises|plain)\.html)")re");
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (entry.path().extension() == ".js") {
            const std::string script = read(entry.path());
            write(entry.path(), replace(script, entry_below, [](const std::smatch& m) {
                      std::string title = m[1];
                      title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
                      return "\"" + title + "\", \"" + m[2].str() + "\"";
                  }));
        }
        if (entry.path().extension() != ".html") { continue; }
        std::string html = finish(read(entry.path()));
        const auto is_this = [&](const Entry& page) { return page.page.file == entry.path().filename(); };
        const auto found = std::find_if(book.begin(), book.end(), is_this);
        if (found != book.end()) {
            html = with_neighbours(html, neighbour(std::make_reverse_iterator(found), book.rend()),
                                   neighbour(found + 1, book.end()));
        }
        write(entry.path(), html);
    }
}

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
        // What no program has drawn is a diagram: drawn on nothing and in few colours, it can be inverted in the dark.
        static const std::regex diagram_file(R"re((?!\d\d_).*\.svg)re");
        const std::string kind = std::regex_match(file, diagram_file) ? " class=\"diagram\"" : "";
        const std::string alternative = caption.empty() ? "Diagram of base and derived classes" : caption;
        return "<img" + kind + " src=\"" + file + "\" alt=\"" + alternative + "\"/>" + m[4].str();
    });
    text = replace(text, diagram,
                   [](const std::smatch& m) { return m[1].str() + " alt=\"Diagram of base and derived classes\"/>"; });
    if (text.find("id=\"nested-classes\"") == std::string::npos &&
        text.find("name=\"nested-classes\"") == std::string::npos) {
        text = replace(text, nested, [](const std::smatch&) { return std::string(); });
    }
    // Code moves to the left, but for the numbered pieces of a program: those stand as far to the right as in their file,
    // since they may begin in the middle of a function.
    const auto prose = [](const std::string& part) { return hold_options_in_code(hold_punctuation(part)); };
    return outside_of_code(text, prose, [](const std::string& before, const std::string& fragment) {
        const bool numbered = before.find("class=\"numbered\"") != std::string::npos;
        return numbered ? fragment : hold_options(without_indentation(fragment));
    });
}

} // namespace weave
