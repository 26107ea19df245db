#include <regex>
#include <stdexcept>

#include "weave.hpp"

namespace weave {

namespace {

/// The stub and, folded, the solution of one exercise; both are copies of the files that are compiled.
std::string show_code(const Chapter& chapter, const std::string& file, const std::filesystem::path& out,
                      Answers answers) {
    const std::filesystem::path folder = chapter.directory / "exercises";
    const std::string stub = chapter.name + "_stub_" + file, solution = chapter.name + "_solution_" + file;
    const std::string id = chapter.page() + "_" + std::regex_replace(file, std::regex("\\W"), "_");
    write(out / "snippets" / stub, read(folder / file));
    const std::string text = "What you start from, `chapters/" + chapter.name + "/exercises/" + file + "`:\n\n" +
                             numbered("@include " + stub, file, id + "_stub", 1);
    if (answers == Answers::left_out) { return text; }
    write(out / "snippets" / solution, read(folder / "solutions" / file));
    return text + "@htmlonly[block]<details class=\"answer\"><summary>A solution</summary>@endhtmlonly\n\n" +
           numbered("@include " + solution, "solutions/" + file, id + "_solution", 1) +
           "@htmlonly[block]</details>@endhtmlonly\n";
}

std::string how_to(const Chapter& chapter, Answers answers) {
    const std::string number = chapter.number();
    const bool folded = answers == Answers::folded;
    std::string text = folded ? "Answers are hidden until you ask for them. " : "";
    text += "Where there is something to be programmed, you find a short "
            "function that returns the wrong numbers, in `chapters/" +
            chapter.name +
            "/exercises`. Write what is missing, then let it be marked:\n\n| | |\n| --- | --- |\n| `./run check " +
            number + "` | marks them all, says which entries of a result are wrong, and often why |\n| `./run check " +
            number + ".4` | only exercise " + number + ".4 |\n";
    if (folded) { text += "| `./run check " + number + " --solutions` | marks our solutions |\n"; }
    return text + "\n";
}

} // namespace

std::string exercises(const Chapter& chapter, const std::filesystem::path& out, Answers answers) {
    const std::filesystem::path file = chapter.directory / "doc/exercises.md";
    if (!std::filesystem::exists(file)) { return ""; }
    static const std::regex link(R"re(\[([\w.]+)\]\(\.\./exercises/([\w.]+)\))re");

    std::string all = read(file);
    const std::string heading = "## Exercises\n";
    if (all.rfind(heading, 0) != 0) {
        throw std::runtime_error(chapter.name + "/doc/exercises.md must begin with \"## Exercises\"");
    }
    std::string text;
    for (const std::string& line : lines_of(markup(all.substr(heading.size()), answers))) {
        std::smatch match;
        text += std::regex_match(line, match, link) ? show_code(chapter, match[2], out, answers) : line + "\n";
    }
    return how_to(chapter, answers) + headings(text, 2, chapter.page() + "_exercise");
}

} // namespace weave
