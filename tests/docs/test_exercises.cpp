// The exercises of all chapters: numbered in order, answered or marked, and text, stubs, solutions and checker agree on
// which there are.

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "catch.hpp"
#include "weave.hpp"

namespace fs = std::filesystem;

namespace {

std::size_t count(const std::string& text, const std::string& pattern) {
    const std::regex regex(pattern);
    return static_cast<std::size_t>(std::distance(std::sregex_iterator(text.begin(), text.end(), regex), {}));
}

/// Number and file of each exercise to be coded, as the checker has them.
std::map<std::string, std::string> marked(const std::string& checker) {
    static const std::regex add(R"re(exercises\.add\("([\d.]+)",\s*"[^"]*",\s*"([\w.]+)")re");
    std::map<std::string, std::string> exercises;
    for (std::sregex_iterator it(checker.begin(), checker.end(), add), end; it != end; ++it) {
        exercises[(*it)[1]] = (*it)[2];
    }
    return exercises;
}

void check_chapter(const fs::path& chapter) {
    const std::string number = chapter.filename().string().substr(0, 2);
    const std::string text = weave::read(chapter / "doc/exercises.md");
    const auto to_code = marked(weave::read(chapter / "exercises/check.cpp"));
    CHECK(count(text, "<details><summary>") == count(text, "\n</details>"));

    std::map<std::string, std::string> linked;
    int exercises = 0;
    std::string current;
    bool answered = true;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (line.rfind("### ", 0) == 0) {
            CHECK(answered);
            answered = false;
            current = number + "." + std::to_string(++exercises);
            CHECK(line.rfind("### " + current + " ", 0) == 0);
        } else if (std::regex_match(line, match, std::regex(R"re(\[([\w.]+)\]\(\.\./exercises/\1\))re"))) {
            linked[current] = match[1];
            answered = true;
        } else if (line.rfind("<details><summary>", 0) == 0) {
            answered = true;
        }
    }
    CHECK(answered);
    CHECK(exercises >= 3);
    CHECK(linked == to_code);
    CHECK(to_code.count(number + ".4") == 1); // the page shows how to mark this one

    std::set<std::string> solutions, expected;
    for (const auto& entry : fs::directory_iterator(chapter / "exercises/solutions")) {
        solutions.insert(entry.path().filename().string());
    }
    for (const auto& [exercise, file] : to_code) {
        INFO(file);
        expected.insert(file);
        CHECK(weave::read(chapter / "exercises" / file).find("// Exercise " + exercise + ": ") != std::string::npos);
        CHECK(weave::read(chapter / "exercises/solutions" / file).find("// Exercise " + exercise + ": ") !=
              std::string::npos);
        CHECK(count(weave::read(chapter / "exercises" / file), "// Your code goes here|find the bugs") > 0);
    }
    CHECK(solutions == expected);
}

} // namespace

TEST_CASE("every chapter has exercises, each with an answer or a checker", "[docs]") {
    int chapters = 0;
    for (const auto& entry : fs::directory_iterator(HANDGRAD_CHAPTERS_DIR)) {
        if (!fs::exists(entry.path() / "main.cpp")) { continue; }
        INFO(entry.path());
        check_chapter(entry.path());
        ++chapters;
    }
    CHECK(chapters >= 10);
}
