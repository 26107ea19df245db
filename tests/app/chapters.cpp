// The list of chapters, and the lines that end what they print.

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "handgrad/app/chapters.hpp"
#include "support/temporary_folder.hpp"

namespace fs = std::filesystem;
using handgrad::app::closing_lines;

TEST_CASE("chapters: the list is that of the folders, and each page has the name that the program prints") {
    const fs::path folder = fs::path(HANDGRAD_DATA_DIR) / "../chapters";
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (fs::exists(entry.path() / "main.cpp")) { found.push_back(entry.path().filename().string()); }
    }
    std::sort(found.begin(), found.end());
    CHECK(found == std::vector<std::string>(handgrad::app::chapters.begin(), handgrad::app::chapters.end()));
    for (const std::string& name : found) {
        CAPTURE(name);
        const std::string title = support::read_bytes(folder / name / "doc/intro.md");
        const std::string anchor = "{#chapter_" + name + "}";
        CHECK(title.substr(0, title.find('\n')).find(anchor) != std::string::npos);
        CHECK(closing_lines(name, "x").find("\nPage of the book:    chapter_" + name + ".html (") != std::string::npos);
    }
}

TEST_CASE("chapters: the last lines name the folder, the page and the next chapter") {
    CHECK(closing_lines("05_two_layer_net", "out/05_two_layer_net") ==
          "\nFigures and numbers: out/05_two_layer_net\n"
          "Page of the book:    chapter_05_two_layer_net.html (./run docs makes the book)\n"
          "Next chapter:        ./run 06_gradient_checking\n");
    const std::string last = closing_lines(handgrad::app::chapters.back(), "elsewhere");
    CHECK(last.find("\nFigures and numbers: elsewhere\n") == 0);
    CHECK(last.find("\nNext chapter:        none, this is the last one\n") != std::string::npos);
    CHECK(closing_lines("00_frame", "out/00_frame").empty());
}
