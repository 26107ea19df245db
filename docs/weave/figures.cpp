#include <cstdio>
#include <regex>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "weave.hpp"

namespace weave {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// One number or text, as a placeholder wants it.
std::string formatted(const json& value, const std::string& format, const std::string& where) {
    if (format.empty()) {
        if (value.is_string()) { return escape(value.get<std::string>()); }
        if (value.is_primitive() && !value.is_null()) { return value.dump(); }
        throw std::runtime_error(where + " is not a number or a text but " + value.dump().substr(0, 60));
    }
    static const std::regex allowed(R"re([-+ 0#]*\d{0,3}(\.\d{1,3})?[dfgeEG])re");
    if (!std::regex_match(format, allowed)) {
        throw std::runtime_error(where + ": a format is written as in printf without the percent sign, like .2f; not " +
                                 format);
    }
    if (!value.is_number()) { throw std::runtime_error(where + " is not a number but " + value.dump().substr(0, 60)); }
    char text[512];
    if (format.back() == 'd') {
        const std::string directive = "%" + format.substr(0, format.size() - 1) + "lld";
        std::snprintf(text, sizeof text, directive.c_str(), value.get<long long>());
    } else {
        std::snprintf(text, sizeof text, ("%" + format).c_str(), value.get<double>());
    }
    return text;
}

/// The value that a path such as probabilities.0.1 leads to.
const json& value_at(const json& results, const std::string& path, const std::string& where) {
    const json* value = &results;
    std::size_t from = 0;
    while (from <= path.size()) {
        const std::size_t dot = std::min(path.find('.', from), path.size());
        const std::string key = path.substr(from, dot - from);
        const bool index = !key.empty() && key.size() < 9 && key.find_first_not_of("0123456789") == std::string::npos;
        if (value->is_object() && value->contains(key)) {
            value = &(*value)[key];
        } else if (value->is_array() && index && std::stoul(key) < value->size()) {
            value = &(*value)[std::stoul(key)];
        } else {
            throw std::runtime_error(where + ": the program's results have no " + path);
        }
        from = dot + 1;
    }
    return *value;
}

} // namespace

std::string fill(const std::string& diagram, const fs::path& results, const std::string& where) {
    static const std::regex placeholder(R"re(\{\{([\w.]+)(\|([^{}]*))?\}\})re");
    if (diagram.find("{{") == std::string::npos) { return diagram; }
    const json run = fs::exists(results) ? json::parse(read(results)) : json::object();
    const json& values = run.contains("results") ? run["results"] : run;
    std::string filled;
    auto rest = diagram.cbegin();
    for (std::sregex_iterator it(diagram.begin(), diagram.end(), placeholder), end; it != end; ++it) {
        const std::string path = (*it)[1], place = where + ": {{" + path + "}}";
        filled.append(rest, (*it)[0].first) += formatted(value_at(values, path, place), (*it)[3], place);
        rest = (*it)[0].second;
    }
    filled.append(rest, diagram.cend());
    const std::size_t left = filled.find("{{");
    if (left != std::string::npos && where.find(".dot") == std::string::npos) {
        throw std::runtime_error(where + ": not a placeholder: " + filled.substr(left, 40));
    }
    return filled;
}

std::string take_figures(const std::string& text, const Chapter& chapter, const fs::path& out, Problems& problems) {
    static const std::regex image(R"(!\[([^\]]*)\]\(([^)]+)\))");
    std::string result;
    auto rest = text.cbegin();
    for (std::sregex_iterator it(text.begin(), text.end(), image), end; it != end; ++it) {
        result.append(rest, (*it)[0].first);
        rest = (*it)[0].second;
        const fs::path file = (*it)[2].str();
        const std::string name = chapter.name + "_" + file.filename().string();
        const fs::path drawing = chapter.directory / "doc" / file;
        const fs::path graph = fs::path(drawing).replace_extension(".dot");
        const fs::path results = chapter.figures / "run.json";
        if (fs::exists(chapter.figures / file)) {
            write(out / "figures" / name, read(chapter.figures / file));
        } else if (fs::exists(drawing)) {
            write(out / "figures" / ("diagram_" + name),
                  drawing.extension() == ".svg" ? fill(read(drawing), results, drawing.string()) : read(drawing));
        } else if (fs::exists(graph)) {
            // Graphviz makes an SVG file of it, in the folder of the figures.
            write(out / "diagrams" / ("diagram_" + fs::path(name).replace_extension(".dot").string()),
                  fill(read(graph), results, graph.string()));
        } else {
            problems.push_back(chapter.name + " shows " + file.string() + ", which its program has not drawn in " +
                               chapter.figures.string() + " and which is not in its doc/");
            result += "*The figure " + file.string() + " is missing: " + (*it)[1].str() + "*";
            continue;
        }
        // Alone in its line, it is a figure with a caption.
        const bool drawn = fs::exists(chapter.figures / file);
        result += "![" + (*it)[1].str() + "](" + (drawn ? name : "diagram_" + name) + ")";
    }
    return result.append(rest, text.cend());
}

} // namespace weave
