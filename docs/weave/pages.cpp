#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>

#include "weave.hpp"

namespace weave {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> fields_of(const std::string& line, char separator) {
    std::vector<std::string> fields;
    std::stringstream in(line);
    for (std::string field; std::getline(in, field, separator);) { fields.push_back(field); }
    return fields;
}

std::string link(const Chapter& chapter) { return "@ref " + chapter.page(); }

/// The files that the chapter names, in its order, or model.hpp and main.cpp; then the others by name.
std::vector<std::string> reading_order(const Chapter& chapter) {
    std::vector<std::string> files = chapter.files;
    if (files.empty()) { files = {"model.hpp", "main.cpp"}; }
    files.erase(std::remove_if(
                    files.begin(), files.end(),
                    [&](const auto& file) { return chapter.files.empty() && !fs::exists(chapter.directory / file); }),
                files.end());
    std::set<std::string> others;
    for (const auto& entry : fs::directory_iterator(chapter.directory)) {
        const std::string ending = entry.path().extension().string();
        const std::string file = entry.path().filename().string();
        const bool named = std::find(files.begin(), files.end(), file) != files.end();
        if (!named && (ending == ".hpp" || ending == ".cpp" || ending == ".cu")) { others.insert(file); }
    }
    files.insert(files.end(), others.begin(), others.end());
    return files;
}

/// Links to the derivations of the operations that a program's code calls, by their functions or their modules.
std::string operations_in(const std::string& code) {
    static const std::vector<std::pair<std::regex, std::string>> pages = {
        {std::regex("linear_(forward|backward)|nn::Linear\\b"), "op_linear"},
        {std::regex("(relu|sigmoid|tanh)_(forward|backward)|nn::(ReLU|Sigmoid|Tanh)\\b"), "op_activation"},
        {std::regex("\\bsoftmax_(forward|backward)"), "op_softmax"},
        {std::regex("cross_entropy_(forward|backward)|nn::CrossEntropyLoss\\b"), "op_cross_entropy"},
        {std::regex("l2_penalty_(forward|backward)"), "op_l2_penalty"},
        {std::regex("conv2d_(forward|backward)|nn::(Conv2d|ConvReLUMaxPool2d)\\b"), "op_conv2d"},
        {std::regex("pool2d_(forward|backward)|nn::(MaxPool2d|AvgPool2d|ConvReLUMaxPool2d)\\b"), "op_pool2d"},
        {std::regex("conv2d_relu_max_pool2d_|nn::ConvReLUMaxPool2d\\b"), "op_conv2d_relu_max_pool2d"},
        {std::regex("flatten_(forward|backward)|nn::Flatten\\b"), "op_flatten"},
        {std::regex("sgd_step|optim::SGD\\b"), "op_sgd"},
    };
    std::string links;
    for (const auto& [pattern, page] : pages) {
        if (std::regex_search(code, pattern)) { links += (links.empty() ? "@ref " : ", @ref ") + page; }
    }
    return links;
}

/// Copies the pictures that the text shows to `out` as <chapter>_<name>, and makes the text show those.
std::string take_figures(const std::string& text, const Chapter& chapter, const fs::path& out) {
    static const std::regex image(R"(!\[([^\]]*)\]\(([^)]+)\))");
    std::string result;
    auto rest = text.cbegin();
    for (std::sregex_iterator it(text.begin(), text.end(), image), end; it != end; ++it) {
        const std::string file = (*it)[2];
        if (!fs::exists(chapter.figures / file)) {
            throw std::runtime_error(chapter.name + " shows " + file + ", which its program has not drawn in " +
                                     chapter.figures.string());
        }
        const std::string name = chapter.name + "_" + fs::path(file).filename().string();
        write(out / "figures" / name, read(chapter.figures / file));
        result.append(rest, (*it)[0].first);
        // Alone in its line, it is a figure with a caption.
        result += "![" + (*it)[1].str() + "](" + name + ")";
        rest = (*it)[0].second;
    }
    return result.append(rest, text.cend());
}

std::string navigation(const std::vector<Chapter>& chapters, std::size_t i) {
    const auto entry = [&](const char* css, const std::string& text, const std::string& page) {
        return "<span class=\"" + std::string(css) + "\">" + text + "@ref " + page + "</span> ";
    };
    return "<div class=\"chapter-navigation\">" +
           (i == 0 ? entry("previous", "Back: ", "chapters")
                   : entry("previous", "Previous: ", chapters[i - 1].page())) +
           (i + 1 == chapters.size() ? entry("next", "Then: ", "derivations")
                                     : entry("next", "Next: ", chapters[i + 1].page())) +
           "</div>\n\n";
}

} // namespace

std::vector<Chapter> read_chapters(const fs::path& list) {
    std::vector<Chapter> chapters;
    std::stringstream in(read(list));
    for (std::string line; std::getline(in, line);) {
        if (line.empty()) { continue; }
        const auto fields = fields_of(line, '|');
        if (fields.size() != 6) {
            throw std::runtime_error(list.string() + ": six fields expected in \"" + line + "\"");
        }
        chapters.push_back(
            {fields[0], fields[1], fields_of(fields[2], ','), fields_of(fields[3], ','), fields[4], fields[5]});
    }
    if (chapters.empty()) { throw std::runtime_error(list.string() + " names no chapter"); }
    return chapters;
}

void write_page(const std::vector<Chapter>& chapters, std::size_t i, const fs::path& out) {
    const Chapter& chapter = chapters[i];
    const std::string page_name = chapter.page();
    const std::string number = chapter.number();
    const std::string intro = read(chapter.directory / "doc/intro.md");
    const std::size_t title_end = intro.find('\n');
    if (intro.rfind("# ", 0) != 0 || intro.substr(0, title_end).find("{#" + page_name + "}") == std::string::npos) {
        throw std::runtime_error(chapter.name + "/doc/intro.md must begin with \"# Title {#" + page_name + "}\"");
    }

    std::string program, plain, code, files;
    for (const std::string& file : reading_order(chapter)) {
        const std::string woven_name = chapter.name + "_" + file;
        const std::string anchor = page_name + "_" + std::regex_replace(file, std::regex("\\W"), "_");
        const Woven woven = weave(read(chapter.directory / file), woven_name, anchor);
        write(out / "snippets" / woven_name, woven.snippets);
        write(out / "plain" / ("plain_" + woven_name), woven.plain);
        program += "## The program: " + file + " {#" + anchor + "}\n\n" + woven.page;
        plain += "**" + file + "**\n\n@include plain_" + woven_name + "\n\n";
        files += (files.empty() ? "" : ", ") + ("@ref " + anchor + " \"" + file + "\"");
        code += woven.plain;
    }
    write(out / "output" / (chapter.name + "_output.txt"), read(chapter.directory / "expected/output.txt"));

    std::string builds_on;
    for (const Chapter& other : chapters) {
        if (std::count(chapter.builds_on.begin(), chapter.builds_on.end(), other.name) != 0) {
            builds_on += (builds_on.empty() ? "" : ", ") + link(other);
        }
    }
    const std::string operations = operations_in(code);
    std::string page = "# " + number + " " + intro.substr(2, title_end - 1) + "\n[TOC]\n\n";
    page += "| | |\n| --- | --- |\n| run it | `./run " + number + "` |\n";
    page += "| its files | " + files + ", in `chapters/" + chapter.name + "` |\n";
    if (!builds_on.empty()) { page += "| builds on | " + builds_on + " |\n"; }
    if (!operations.empty()) { page += "| operations | " + operations + " |\n"; }
    const std::string exercises_of_chapter = exercises(chapter, out);
    if (!exercises_of_chapter.empty()) {
        page += "| exercises | @ref " + page_name + "_exercises, marked by `./run check " + number + "` |\n";
    }
    page += headings(intro.substr(title_end), 2, page_name) + "\n" + program;
    page += "## What it prints {#" + page_name +
            "_output}\n\nThis is what the tests hold the program to; a number after ~ "
            "belongs to the machine, and yours will be another.\n\n@verbinclude " +
            chapter.name + "_output.txt\n\n";
    page += headings(take_figures(read(chapter.directory / "doc/results.md"), chapter, out), 2, page_name + "_results");
    page +=
        "\n## The plain program {#" + page_name + "_plain}\n\nThe same code once more, without the text.\n\n" + plain;
    page += exercises_of_chapter + navigation(chapters, i);
    // Doxygen leaves the stars of bold text that has a formula or a code in it.
    page = std::regex_replace(page, std::regex(R"re(([\s(])\*\*([^*\s][^*]*)\*\*)re"), "$1<b>$2</b>");
    // It takes what is between straight quotes for a word of its own and leaves a formula in it as it is.
    page = std::regex_replace(page, std::regex(R"re("(\\f\$[^"]*)")re"), "\u201c$1\u201d");
    write(out / "pages" / (page_name + ".md"), page);
}

void write_map(const std::vector<Chapter>& chapters, const fs::path& out) {
    std::string table =
        "# The chapters {#chapters}\n\n"
        "Each is a program that you can run, and a page that is made of it. An arrow in the map leads from "
        "a chapter to one that builds on it.\n\n"
        "![The chapters, with arrows from each to those that build on it](chapter_map.svg)\n\n";
    std::string map =
        "digraph chapters {\n  bgcolor=transparent; rankdir=LR; nodesep=0.15; ranksep=0.3;\n"
        "  node [shape=box, style=\"rounded,filled\", fillcolor=\"#e3edf9\", color=\"#2a62ab\", "
        "fontname=\"Helvetica\", fontsize=11, target=\"_top\"];\n  edge [color=\"#555555\", arrowsize=0.6];\n";
    for (const Chapter& chapter : chapters) {
        std::string words = chapter.name;
        std::replace(words.begin(), words.end(), '_', ' ');
        map += "  \"" + chapter.name + "\" [label=\"" + words + "\", URL=\"" + chapter.page() + ".html\"];\n";
        for (const std::string& earlier : chapter.builds_on) {
            map += "  \"" + earlier + "\" -> \"" + chapter.name + "\";\n";
        }
        table += "- @subpage " + chapter.page() + " <br> " + to_doxygen(chapter.title) + "\n";
    }
    write(out / "pages/chapters.md", table);
    write(out / "chapter_map.dot", map + "}\n");
}

} // namespace weave
