#include <regex>
#include <sstream>
#include <stdexcept>

#include "weave.hpp"

namespace weave {

namespace {

/// A part of the page that is hidden until somebody asks for it. Doxygen would take the tag to pieces.
const std::string open_answer = "@htmlonly[block]<details class=\"answer\"><summary>";
const std::string close_summary = "</summary>@endhtmlonly\n\n";
const std::string close_answer = "@htmlonly[block]</details>@endhtmlonly\n";

/// The stub and, hidden, the solution of one exercise; both are copies of the files that are compiled.
std::string show_code(const Chapter& chapter, const std::string& file, const std::filesystem::path& out) {
    const std::filesystem::path folder = chapter.directory / "exercises";
    const std::string stub = chapter.name + "_stub_" + file, solution = chapter.name + "_solution_" + file;
    write(out / "snippets" / stub, read(folder / file));
    write(out / "snippets" / solution, read(folder / "solutions" / file));
    return "What you start from, `exercises/" + file + "`:\n\n@include " + stub + "\n\n" + open_answer + "A solution" +
           close_summary + "@include " + solution + "\n\n" + close_answer;
}

std::string how_to(const Chapter& chapter) {
    const std::string number = chapter.number();
    return "Answers are hidden until you ask for them. Where there is something to be programmed, you find a short "
           "function that returns the wrong numbers, in `chapters/" +
           chapter.name +
           "/exercises`. Write what is missing, then let it be marked:\n\n| | |\n| --- | --- |\n| `./run check " +
           number + "` | marks them all, says which entries of a result are wrong, and often why |\n| `./run check " +
           number + ".4` | only exercise " + number + ".4 |\n| `./run check " + number +
           " --solutions` | marks our solutions |\n\n";
}

} // namespace

std::string exercises(const Chapter& chapter, const std::filesystem::path& out) {
    const std::filesystem::path file = chapter.directory / "doc/exercises.md";
    if (!std::filesystem::exists(file)) { return ""; }
    static const std::regex link(R"re(\[([\w.]+)\]\(\.\./exercises/([\w.]+)\))re");
    static const std::regex summary(R"re(<details><summary>(.*)</summary>)re");

    std::stringstream in(read(file));
    std::string line, text;
    std::getline(in, line);
    if (line != "## Exercises") {
        throw std::runtime_error(chapter.name + "/doc/exercises.md must begin with \"## Exercises\"");
    }
    while (std::getline(in, line)) {
        std::smatch match;
        if (std::regex_match(line, match, link)) {
            text += show_code(chapter, match[2], out);
        } else if (std::regex_match(line, match, summary)) {
            text += open_answer + match[1].str() + close_summary;
        } else if (line == "</details>") {
            text += close_answer;
        } else {
            text += line + "\n";
        }
    }
    return "## Exercises {#" + chapter.page() + "_exercises}\n\n" + how_to(chapter) +
           headings(text, 3, chapter.page() + "_exercise");
}

} // namespace weave
