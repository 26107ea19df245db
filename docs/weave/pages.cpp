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
        {std::regex("embedding_(forward|backward)|nn::Embedding\\b"), "op_embedding"},
        {std::regex("attention_(forward|backward)|nn::CausalSelfAttention\\b"), "op_attention"},
        {std::regex("\\brnn_(cell_)?(forward|backward)|nn::RNN\\b"), "op_rnn"},
        {std::regex("\\blstm_(cell_)?(forward|backward)|nn::LSTM\\b"), "op_lstm"},
        {std::regex("sgd_step|optim::SGD\\b"), "op_sgd"},
        {std::regex("adam_step|optim::AdamW?\\b"), "op_adam"},
        {std::regex("rmsprop_step|optim::RMSprop\\b"), "op_rmsprop"},
        {std::regex("\\bbatch_norm_(eval_)?(forward|backward)|nn::BatchNorm[12]d\\b"), "op_batch_norm"},
        {std::regex("\\blayer_norm_(forward|backward)|nn::LayerNorm\\b"), "op_layer_norm"},
        {std::regex("\\bdropout_(forward|backward)|nn::Dropout\\b"), "op_dropout"},
    };
    std::string links;
    for (const auto& [pattern, page] : pages) {
        if (std::regex_search(code, pattern)) { links += (links.empty() ? "@ref " : ", @ref ") + page; }
    }
    return links;
}

/// The pages of the program, in their order: those that the chapter asks for, or one.
std::vector<Part> parts_of(const Chapter& chapter) {
    std::vector<std::string> files = reading_order(chapter);
    std::vector<Part> parts = chapter.parts;
    for (const Part& part : parts) {
        for (const std::string& file : part.files) {
            const auto found = std::find(files.begin(), files.end(), file);
            if (found == files.end()) { throw std::runtime_error(chapter.name + " has no file " + file + " to show"); }
            files.erase(found);
        }
    }
    if (!files.empty() || parts.empty()) {
        parts.push_back({chapter.parts.empty() ? "the program" : "the other files", files});
    }
    return parts;
}

bool is_appendix(const Part& part) { return part.title.rfind("appendix", 0) == 0 || part.title == "the other files"; }

std::string name_of(const Chapter& chapter, const std::vector<Part>& parts, std::size_t i) {
    if (i == 0) { return chapter.page() + "_program"; }
    const std::string stem = fs::path(parts[i].files.front()).stem().string();
    return chapter.page() + "_program_" + (is_appendix(parts[i]) ? "appendix" : stem);
}

std::string anchor_of(const Chapter& chapter, const std::string& file) {
    return chapter.page() + "_" + std::regex_replace(file, std::regex("\\W"), "_");
}

/// What is woven of a chapter's program, before it is divided into pages.
struct Program {
    std::vector<std::string> pages; ///< the text of each part
    std::string plain, code, files; ///< all files without their prose; all code; links to the files
};

Program weave_program(const Chapter& chapter, const std::vector<Part>& parts, Output& output, const fs::path& out) {
    Program program;
    for (const Part& part : parts) {
        std::string text;
        for (const std::string& file : part.files) {
            const std::string woven_name = chapter.name + "_" + file, anchor = anchor_of(chapter, file);
            const Woven woven = weave(read(chapter.directory / file), woven_name, anchor, &output, file);
            write(out / "snippets" / woven_name, woven.snippets);
            write(out / "plain" / ("plain_" + woven_name), woven.plain);
            text += "## The program: " + file + " {#" + anchor + "}\n\n" + woven.page;
            program.plain += "## " + file + " {#" + anchor + "_plain}\n\n@include plain_" + woven_name + "\n\n";
            program.files += (program.files.empty() ? "" : ", ") + ("@ref " + anchor + " \"" + file + "\"");
            program.code += woven.plain;
        }
        program.pages.push_back(text);
    }
    return program;
}

/// The keys of a line `<!-- time: ...; needs: ...; skip: ... -->`, which is taken out of the text.
std::map<std::string, std::string> take_facts(std::string& text) {
    static const std::regex line(R"re(\n*<!--\s*(time:[^>]*?)\s*-->\n?)re");
    static const std::regex fact(R"re((time|needs|skip):\s*([^;]*[^;\s]))re");
    std::map<std::string, std::string> facts;
    std::smatch match;
    if (std::regex_search(text, match, line)) {
        const std::string all = match[1];
        for (std::sregex_iterator it(all.begin(), all.end(), fact), end; it != end; ++it) {
            facts[(*it)[1]] = (*it)[2];
        }
        text = match.prefix().str() + "\n" + match.suffix().str();
    }
    return facts;
}

/// Markdown whose code has two backquotes on each side where there is an apostrophe in it, which would end it otherwise.
std::string with_apostrophes(const std::string& page) {
    std::string result;
    for (std::size_t i = 0; i < page.size();) {
        const std::size_t open = page.find('`', i);
        if (open == std::string::npos) { return result + page.substr(i); }
        const std::size_t inside = std::min(page.find_first_not_of('`', open), page.size());
        const std::string delimiter = page.substr(open, inside - open);
        std::size_t close = page.find(delimiter, inside);
        if (close == std::string::npos) { return result + page.substr(i); }
        const std::string code = page.substr(inside, close - inside);
        const bool mend = delimiter.size() == 1 && code.find('\'') != std::string::npos;
        const std::string around = mend ? "``" : delimiter;
        result += page.substr(i, open - i) + around + code + around;
        i = close + delimiter.size();
    }
    return result;
}

/// Mends what Doxygen 1.9.4 makes of Markdown.
std::string mended(const std::string& page) {
    // It leaves the stars of bold text that has a formula or a code in it.
    const std::string bold = std::regex_replace(page, std::regex(R"re(([\s(])\*\*([^*\s][^*]*)\*\*)re"), "$1<b>$2</b>");
    // It takes what is between straight quotes for a word of its own and leaves a formula in it as it is.
    return with_apostrophes(std::regex_replace(bold, std::regex(R"re("(\\f\$[^"]*)")re"), "\u201c$1\u201d"));
}

} // namespace

std::vector<Chapter> read_chapters(const fs::path& list) {
    std::vector<Chapter> chapters;
    std::stringstream in(read(list));
    for (std::string line; std::getline(in, line);) {
        if (line.empty()) { continue; }
        const auto fields = fields_of(line, '|');
        if (fields.size() != 6 && fields.size() != 7) {
            throw std::runtime_error(list.string() + ": seven fields expected in \"" + line + "\"");
        }
        std::vector<Part> parts;
        for (const std::string& part : fields_of(fields.size() == 7 ? fields[6] : "", '^')) {
            const std::size_t colon = part.find(": ");
            if (colon == std::string::npos || colon + 2 == part.size()) {
                throw std::runtime_error(fields[0] + ": a page is written \"Title: file file\", not \"" + part + "\"");
            }
            parts.push_back({part.substr(0, colon), fields_of(part.substr(colon + 2), ' ')});
        }
        chapters.push_back(
            {fields[0], fields[1], fields_of(fields[2], ','), fields_of(fields[3], ','), fields[4], fields[5], parts});
    }
    if (chapters.empty()) { throw std::runtime_error(list.string() + " names no chapter"); }
    return chapters;
}

std::vector<std::string> write_pages(const std::vector<Chapter>& chapters, std::size_t i, const fs::path& out,
                                     Problems& problems, Answers answers) {
    const Chapter& chapter = chapters[i];
    const std::string name = chapter.page(), number = chapter.number();
    const std::string intro = read(chapter.directory / "doc/intro.md");
    const std::size_t title_end = intro.find('\n'), id = intro.find(" {#" + name + "}");
    if (intro.rfind("# ", 0) != 0 || id > title_end) {
        throw std::runtime_error(chapter.name + "/doc/intro.md must begin with \"# Title {#" + name + "}\"");
    }
    const std::string title = number + " " + intro.substr(2, id - 2);

    // In the order in which they are read: a figure or a line of output is shown once.
    const auto parts = parts_of(chapter);
    Output output(chapter.name, read(chapter.directory / "expected/output.txt"), out / "output");
    const Program program = weave_program(chapter, parts, output, out);
    output.require_all_shown();
    std::string results = headings(markup(read(chapter.directory / "doc/results.md")), 2, name + "_results");
    if (!output.used()) {
        results =
            "## What it prints {#" + name +
            "_output}\n\nThis is what the tests hold the program to; a number after ~ belongs to the machine, and "
            "yours will be another.\n\n" +
            output.everything() + results;
    }
    const std::string exercises_of_chapter = exercises(chapter, out, answers);

    std::string text = intro.substr(title_end);
    const auto facts = take_facts(text);
    std::string table, builds_on;
    const auto row = [&](const std::string& what, const std::string& value) {
        if (!value.empty()) { table += "| " + what + " | " + value + " |\n"; }
    };
    const auto fact = [&](const char* key) { return facts.count(key) == 0 ? "" : facts.at(key); };
    for (const Chapter& other : chapters) {
        if (std::count(chapter.builds_on.begin(), chapter.builds_on.end(), other.name) != 0) {
            builds_on += (builds_on.empty() ? "" : ", ") + link(other);
        }
    }
    std::string pages_of_program, pages_of_appendix;
    for (std::size_t part = 0; part < parts.size(); ++part) {
        std::string& list = is_appendix(parts[part]) ? pages_of_appendix : pages_of_program;
        list +=
            (list.empty() ? "" : ", ") + ("@ref " + name_of(chapter, parts, part)) + " \"" + parts[part].title + "\"";
    }
    row("takes", fact("time"));
    row("needs", fact("needs"));
    row("may be skipped", fact("skip"));
    row("builds on", builds_on);
    row("run it", "`./run " + number + "`");
    row("its pages", "this one: the idea; " + pages_of_program +
                         (exercises_of_chapter.empty() ? "" : "; @ref " + name + "_exercises \"exercises\"") +
                         (pages_of_appendix.empty() ? "" : "; " + pages_of_appendix) + "; @ref " + name +
                         "_plain \"the plain program\"");
    row("its files", program.files + ", in `chapters/" + chapter.name + "`");
    row("operations", operations_in(program.code));
    if (!exercises_of_chapter.empty()) {
        row("exercises",
            "@ref " + name + "_exercises \"on a page of their own\", marked by `./run check " + number + "`");
    }

    std::vector<std::string> names, subpages;
    const auto page = [&](const std::string& page_name, const std::string& content) {
        write(out / "pages" / (page_name + ".md"), mended(take_figures(content, chapter, out, problems)));
        names.push_back(page_name);
    };
    const auto subpage = [&](const std::string& page_name, const std::string& what, const std::string& content) {
        page(page_name, "# " + title + ": " + what + " {#" + page_name + "}\n[TOC]\n\n" + content);
        subpages.push_back(page_name);
    };
    names.push_back(name);
    std::size_t last_part = parts.size() - 1;
    while (last_part > 0 && is_appendix(parts[last_part])) { --last_part; }
    for (std::size_t part = 0; part <= last_part; ++part) {
        subpage(name_of(chapter, parts, part), parts[part].title,
                program.pages[part] + (part == last_part ? results : ""));
    }
    if (!exercises_of_chapter.empty()) { subpage(name + "_exercises", "exercises", exercises_of_chapter); }
    for (std::size_t part = last_part + 1; part < parts.size(); ++part) {
        subpage(name_of(chapter, parts, part), parts[part].title, program.pages[part]);
    }
    subpage(name + "_plain", "the plain program", "The same code once more, without the text.\n\n" + program.plain);

    std::string idea = "# " + title + " {#" + name + "}\n[TOC]\n\n| | |\n| --- | --- |\n" + table +
                       headings(markup(text), 2, name) + "\n\n@htmlonly[block]<div class=\"subpages\">@endhtmlonly\n\n";
    for (const std::string& sub : subpages) { idea += "- @subpage " + sub + "\n"; }
    page(name, idea + "\n@htmlonly[block]</div>@endhtmlonly\n");
    names.pop_back(); // it is the first
    look_for_problems(chapter, problems);
    return names;
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
