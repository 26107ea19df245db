// The weaver turns programs into pages: what is prose, what is code, and that nothing is lost or changed on the way.

#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "catch.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"
#include "weave.hpp"

namespace fs = std::filesystem;
using support::contains;

namespace {

/// Runs f and returns what it throws.
template <class F> std::string error_of(const F& f) {
    try {
        f();
    } catch (const std::runtime_error& error) { return error.what(); }
    return "no error";
}

const std::string program = R"(#include <cmath>

// ## The loss
//
// It is $-\log p$, see `a $ b`.
double loss(double p) {
    // The natural logarithm.
    return -std::log(p); // not log10
}

/// A reference comment is code.
int main() {}
)";

/// The snippets without their markers.
std::string without_markers(const std::string& snippets) {
    std::string text, line;
    for (std::istringstream in(snippets); std::getline(in, line);) {
        if (line.rfind("//! [", 0) != 0) { text += line + "\n"; }
    }
    return text;
}

/// A chapter with one picture, and a second one that builds on it.
std::vector<weave::Chapter> two_chapters(const fs::path& root) {
    std::vector<weave::Chapter> chapters;
    for (const std::string name : {"01_first", "02_second"}) {
        const fs::path dir = root / name;
        weave::write(dir / "doc/intro.md",
                     "# Title of " + name + " {#chapter_" + name +
                         "}\n\nWhy \"\\f$x\\f$\"?\n- **a** \\f$y\\f$ **b \\f$z\\f$** **c**\n\n## What\n\nThis.\n");
        weave::write(dir / "doc/results.md", "## Notice\n\n![A curve](loss.svg)\n\n## Notice\n\nAgain.\n");
        weave::write(dir / "main.cpp", program);
        weave::write(dir / "model.hpp", "#pragma once\n// The model.\nvoid linear_forward();\n");
        weave::write(dir / "expected/output.txt", "loss 0.1\n");
        weave::write(root / "out" / name / "loss.svg", "<svg/>");
        chapters.push_back({name, "What " + name + " is", {}, {}, dir, root / "out" / name});
    }
    chapters[1].builds_on = {"01_first"};
    return chapters;
}

std::size_t occurrences(const std::string& text, const std::string& what) {
    std::size_t count = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) { ++count; }
    return count;
}

} // namespace

TEST_CASE("full-line comments are prose, everything else is code", "[docs]") {
    const auto blocks = weave::split(program);
    REQUIRE(blocks.size() == 5);
    CHECK_FALSE(blocks[0].prose);
    CHECK(blocks[1].prose);
    CHECK(blocks[1].first_line == 3);
    CHECK(blocks[1].lines == std::vector<std::string>{"## The loss", "", "It is $-\\log p$, see `a $ b`."});
    CHECK(blocks[2].lines == std::vector<std::string>{"double loss(double p) {"});
    CHECK(blocks[3].lines == std::vector<std::string>{"The natural logarithm."});
    CHECK(blocks[4].lines.front() == "    return -std::log(p); // not log10");
    CHECK(blocks[4].lines.back() == "int main() {}");
    CHECK(weave::split("").empty());
    CHECK_FALSE(weave::split("// clang-format off\n")[0].prose);
    CHECK(weave::split("//   - indented\n")[0].lines[0] == "  - indented");
}

TEST_CASE("the snippets are the source with markers, byte for byte", "[docs]") {
    const weave::Woven woven = weave::weave(program, "x.cpp", "a");
    CHECK(without_markers(woven.snippets) == program);
    CHECK(occurrences(woven.snippets, "//! [block") == 6);
    for (const std::string name : {"block1", "block2", "block3"}) {
        CHECK(occurrences(woven.page, "@snippet x.cpp " + name + "\n") == 1);
        CHECK(occurrences(woven.snippets, "//! [" + name + "]\n") == 2);
    }
    CHECK(woven.page.find("### The loss {#a_the_loss}") != std::string::npos);
    CHECK(woven.page.find("It is \\f$-\\log p\\f$, see `a $ b`.") != std::string::npos);
    CHECK(woven.plain == "#include <cmath>\n\ndouble loss(double p) {\n    return -std::log(p); // not log10\n}\n\n"
                         "/// A reference comment is code.\nint main() {}\n");
}

TEST_CASE("every chapter's source survives the weaver", "[docs]") {
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(HANDGRAD_CHAPTERS_DIR)) {
        const std::string ending = entry.path().extension().string();
        if (ending != ".cpp" && ending != ".hpp" && ending != ".cu") { continue; }
        INFO(entry.path());
        const std::string source = weave::read(entry.path());
        CHECK(without_markers(weave::weave(source, "x", "a").snippets) == source);
        ++files;
    }
    CHECK(files > 20);
}

TEST_CASE("Markdown becomes Doxygen's", "[docs]") {
    CHECK(weave::to_doxygen("$x$ and\n$$y\n= 1$$") == "\\f$x\\f$ and\n\\f[y\n= 1\\f]");
    CHECK(weave::to_doxygen("`$x$ <b> @` and ``a ` b``") == "`$x$ <b> @` and ``a ` b``");
    CHECK(weave::to_doxygen("a < b & c @ d \\ e") == "a \\< b \\& c \\@ d \\\\ e");
    CHECK(weave::to_doxygen("with --seed") == "with \\--seed");
    CHECK_THROWS_WITH(weave::to_doxygen("cost: 3 $"), "no end of $");
    CHECK_THROWS_WITH(weave::to_doxygen("`open"), "no end of `open");
    CHECK_THROWS_WITH(weave::weave("int x;\n\n// a $b\n", "x.cpp", "a"), "x.cpp:3: no end of $b\n");
}

TEST_CASE("headings get their level and an anchor of their own", "[docs]") {
    CHECK(weave::headings("## A b!\n### C\n## A b\n", 2, "p") == "## A b! {#p_a_b}\n### C {#p_c}\n## A b {#p_a_b_}\n");
    CHECK(weave::headings("### Only\n", 3, "p") == "### Only {#p_only}\n");
    CHECK(weave::headings("# X {#mine}\n", 2, "p") == "## X {#mine}\n");
    CHECK(weave::headings("## A\n#### B\n", 2, "p") == "## A {#p_a}\n### B {#p_b}\n");
    CHECK(weave::headings("```sh\n# no heading\n```\n#pragma\n", 2, "p") == "```sh\n# no heading\n```\n#pragma\n");
}

TEST_CASE("a chapter's directory becomes a page", "[docs]") {
    const support::TemporaryFolder folder;
    const auto chapters = two_chapters(folder.path());
    const fs::path out = folder.path() / "woven";
    weave::write_page(chapters, 1, out);
    const std::string page = weave::read(out / "pages/chapter_02_second.md");
    CHECK(page.rfind("# 02 Title of 02_second {#chapter_02_second}\n", 0) == 0);
    const auto place = [&](const std::string& what) {
        INFO(what);
        const std::size_t at = page.find(what);
        CHECK(at != std::string::npos);
        return at;
    };
    // In this order: facts, introduction, model, program, output, results, plain program, the way on.
    std::size_t before = 0;
    for (const char* what : {"`./run 02`", "@ref chapter_01_first", "@ref op_linear", "Why \u201c\\f$x\\f$\u201d?",
                             "## What {#chapter_02_second_what}", "@snippet 02_second_model.hpp block2",
                             "@snippet 02_second_main.cpp block1", "@verbinclude 02_second_output.txt",
                             "## Notice {#chapter_02_second_results_notice}", "![A curve](02_second_loss.svg)",
                             "@include plain_02_second_main.cpp", "Previous: @ref chapter_01_first"}) {
        CHECK(place(what) > before);
        before = place(what);
    }
    CHECK(weave::read(out / "output/02_second_output.txt") == "loss 0.1\n");
    CHECK(weave::read(out / "figures/02_second_loss.svg") == "<svg/>");

    // A change of the program or of its output changes the page.
    weave::write(chapters[1].directory / "main.cpp", "// New text.\nint main() { return 1; }\n");
    weave::write(chapters[1].directory / "expected/output.txt", "loss 0.2\n");
    weave::write_page(chapters, 1, out);
    CHECK(weave::read(out / "pages/chapter_02_second.md").find("New text.") != std::string::npos);
    CHECK(weave::read(out / "snippets/02_second_main.cpp").find("return 1;") != std::string::npos);
    CHECK(weave::read(out / "output/02_second_output.txt") == "loss 0.2\n");

    weave::write_map(chapters, out);
    CHECK(weave::read(out / "chapter_map.dot").find("\"01_first\" -> \"02_second\"") != std::string::npos);
    CHECK(weave::read(out / "pages/chapters.md").find("@subpage chapter_02_second") != std::string::npos);
}

TEST_CASE("a chapter that lacks something makes no page", "[docs]") {
    const support::TemporaryFolder folder;
    const auto chapters = two_chapters(folder.path());
    const auto page = [&] { weave::write_page(chapters, 0, folder.path() / "woven"); };
    fs::remove(chapters[0].figures / "loss.svg");
    CHECK(contains(error_of(page), "01_first shows loss.svg, which its program has not drawn"));
    weave::write(chapters[0].figures / "loss.svg", "<svg/>");
    fs::remove(chapters[0].directory / "expected/output.txt");
    CHECK(contains(error_of(page), "cannot read"));
    weave::write(chapters[0].directory / "expected/output.txt", "");
    CHECK_NOTHROW(page());
    weave::write(chapters[0].directory / "doc/intro.md", "# Title {#chapter_other}\n");
    CHECK(contains(error_of(page), "must begin with"));
}

TEST_CASE("a page ends with its exercises: answers hidden, code taken from what is compiled", "[docs]") {
    const support::TemporaryFolder folder;
    const auto chapters = two_chapters(folder.path());
    const fs::path out = folder.path() / "woven", dir = chapters[1].directory;
    CHECK(weave::exercises(chapters[1], out).empty()); // it has none
    weave::write_page(chapters, 1, out);
    CHECK_FALSE(contains(weave::read(out / "pages/chapter_02_second.md"), "xercise"));

    weave::write(dir / "doc/exercises.md",
                 "## Exercises\n\n### 02.1 Reckon\n\nHow much?\n\n<details><summary>Answer</summary>\n\n"
                 "\\f$2\\f$.\n\n</details>\n\n### 02.2 Code\n\nSee [a.hpp](../exercises/a.hpp) in a line.\n\n"
                 "[a.hpp](../exercises/a.hpp)\n");
    CHECK(contains(error_of([&] { weave::write_page(chapters, 1, out); }), "exercises/a.hpp"));
    weave::write(dir / "exercises/a.hpp", "// The stub.\n");
    CHECK(contains(error_of([&] { weave::write_page(chapters, 1, out); }), "solutions/a.hpp"));
    weave::write(dir / "exercises/solutions/a.hpp", "// The solution.\n");
    weave::write_page(chapters, 1, out);
    const std::string page = weave::read(out / "pages/chapter_02_second.md");
    std::size_t before = page.find("@include plain_02_second_main.cpp");
    for (const char* what :
         {"\n## Exercises {#chapter_02_second_exercises}", "`./run check 02`",
          "### 02.1 Reckon {#chapter_02_second_exercise_02_1_reckon}",
          "<details class=\"answer\"><summary>Answer</summary>@endhtmlonly", "\\f$2\\f$.", "</details>@endhtmlonly",
          "See [a.hpp]", "@include 02_second_stub_a.hpp", "<summary>A solution</summary>",
          "@include 02_second_solution_a.hpp", "</details>@endhtmlonly", "Previous: @ref chapter_01_first"}) {
        INFO(what);
        const std::size_t at = page.find(what, before);
        REQUIRE(at != std::string::npos);
        before = at + 1;
    }
    CHECK(contains(page, "| exercises | @ref chapter_02_second_exercises, marked by `./run check 02` |"));
    CHECK(weave::read(out / "snippets/02_second_stub_a.hpp") == "// The stub.\n");
    CHECK(weave::read(out / "snippets/02_second_solution_a.hpp") == "// The solution.\n");

    weave::write(dir / "doc/exercises.md", "# Exercises\n");
    CHECK(contains(error_of([&] { weave::exercises(chapters[1], out); }), "must begin with \"## Exercises\""));
}

TEST_CASE("the list of chapters is read strictly", "[docs]") {
    const support::TemporaryFolder folder;
    const fs::path list = folder.path() / "list";
    weave::write(list, "01_a|A|||/c/01_a|/out\n02_b|B|01_a,01_x|m.hpp,main.cpp|/c/02_b|/out\n");
    const auto chapters = weave::read_chapters(list);
    REQUIRE(chapters.size() == 2);
    CHECK(chapters[0].builds_on.empty());
    CHECK(chapters[1].builds_on == std::vector<std::string>{"01_a", "01_x"});
    CHECK(chapters[1].files == std::vector<std::string>{"m.hpp", "main.cpp"});
    weave::write(list, "01_a|A\n");
    CHECK(contains(error_of([&] { weave::read_chapters(list); }), "six fields expected"));
    weave::write(list, "\n");
    CHECK(contains(error_of([&] { weave::read_chapters(list); }), "names no chapter"));
}

TEST_CASE("finished pages have alternative texts and no dead link", "[docs]") {
    CHECK(weave::finish("<object type=\"image/svg+xml\" data=\"a.svg\" style=\"x\"></object>\n<div class=\"caption\">\n"
                        "A curve</div>") ==
          "<img src=\"a.svg\" alt=\"A curve\"/>\n<div class=\"caption\">\nA curve</div>");
    CHECK(
        weave::finish("<img src=\"b.png\" alt=\"\"/>\n<div class=\"caption\">\nDigits</div>").find("alt=\"Digits\"") !=
        std::string::npos);
    CHECK(weave::finish("<img src=\"classX.png\" usemap=\"#m\" alt=\"\"/>").find("alt=\"Diagram") != std::string::npos);
    CHECK(weave::finish("<a href=\"#nested-classes\">Classes</a> &#124; x") == "x");
    const std::string there = "<a id=\"nested-classes\"></a><a href=\"#nested-classes\">Classes</a>";
    CHECK(weave::finish(there) == there);
}

TEST_CASE("code on finished pages begins at the left", "[docs]") {
    const std::string line = "<div class=\"line\">", fragment = "<div class=\"fragment\">",
                      end = "</div><!-- fragment -->";
    const auto page = [&](const std::string& a, const std::string& b) {
        return "<p>  x</p>" + fragment + line + a + "</div>\n" + line + "</div>\n" + line + b + "</div>\n" + end + " y";
    };
    CHECK(weave::finish(page("    <span>if</span> (x) {", "        y();")) ==
          page("<span>if</span> (x) {", "    y();"));
    CHECK(weave::finish(page("  a", "b")) == page("  a", "b"));
    CHECK(weave::finish("no code") == "no code");
}

TEST_CASE("an include guard is no step of the program's", "[docs]") {
    const auto woven = weave::weave("#pragma once\n// The model.\nint x;\n", "model.hpp", "a");
    CHECK(woven.page == "The model.\n\n@snippet model.hpp block2\n\n");
    CHECK(woven.plain.find("#pragma once") == 0);
}
