#include <algorithm>
#include <regex>

#include "weave.hpp"

namespace weave {

namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& file) { return fs::exists(file) ? read(file) : ""; }

/// The lines below a heading `## name`, to the next one of its level.
std::vector<std::string> section(const std::string& text, const std::string& name) {
    std::vector<std::string> lines;
    bool inside = false;
    for (const std::string& line : lines_of(text)) {
        if (line.rfind("## ", 0) == 0) {
            inside = line.substr(3, line.find(" {#") - 3) == name;
        } else if (inside) {
            lines.push_back(line);
        }
    }
    return lines;
}

/// How many questions of a numbered list there are, and which of them have no folded answer.
struct Questions {
    std::vector<std::string> unanswered;
    std::size_t count = 0;
};

Questions questions(const std::vector<std::string>& lines) {
    static const std::regex item(R"re((\d+\.) .*)re");
    Questions found;
    std::string open;
    for (const std::string& line : lines) {
        std::smatch match;
        if (std::regex_match(line, match, item)) {
            if (!open.empty()) { found.unanswered.push_back(open); }
            open = match[1];
            ++found.count;
        } else if (line.find("<details") != std::string::npos) {
            open.clear();
        }
    }
    if (!open.empty()) { found.unanswered.push_back(open); }
    return found;
}

} // namespace

void look_for_problems(const Chapter& chapter, Problems& problems) {
    const auto problem = [&](const std::string& text) { problems.push_back(chapter.name + ": " + text); };
    const std::string intro = text_of(chapter.directory / "doc/intro.md"),
                      results = text_of(chapter.directory / "doc/results.md"),
                      exercises = text_of(chapter.directory / "doc/exercises.md");
    std::string code;
    for (const auto& entry : fs::directory_iterator(chapter.directory)) {
        const std::string ending = entry.path().extension().string();
        if (ending == ".hpp" || ending == ".cpp" || ending == ".cu") { code += read(entry.path()); }
    }
    static const std::regex facts(R"re(<!--\s*time:[^;>]+;\s*needs:[^;>]+;\s*skip:[^;>]+-->)re");
    if (!std::regex_search(intro, facts)) {
        problem("doc/intro.md has no line <!-- time: ...; needs: ...; skip: ... -->");
    }
    if (code.find("// @output ") == std::string::npos) { problem("no @output shows its output beside the code"); }
    if ((intro + results + exercises + code).find("![") == std::string::npos) { problem("it shows no figure"); }
    for (const char* name : {"Try it", "Quiz"}) {
        const Questions asked = questions(section(results, name));
        if (asked.count == 0) { problem("doc/results.md has no questions below \"## " + std::string(name) + "\""); }
        for (const std::string& number : asked.unanswered) {
            problem("\"" + std::string(name) + "\" " + number + " in doc/results.md has no answer");
        }
    }
    const std::string all = intro + results + code;
    const std::regex predict("<details class=\"predict\">");
    const auto boxes = std::distance(std::sregex_iterator(all.begin(), all.end(), predict), {});
    if (boxes < 3) { problem(std::to_string(boxes) + " boxes \"Predict\", where three are wanted"); }
}

} // namespace weave
