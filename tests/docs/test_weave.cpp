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
                         "}\n<!-- time: an hour; needs: nothing; skip: if you know it -->\n\nWhy \"\\f$x\\f$\"?\n- "
                         "**a** \\f$y\\f$ **b \\f$z\\f$** **c**\n\n## What\n\nThis.\n");
        weave::write(dir / "doc/results.md", "## Notice\n\n![A curve](loss.svg)\n\n## Notice\n\nAgain.\n");
        weave::write(dir / "main.cpp", program);
        weave::write(dir / "model.hpp", "#pragma once\n// The model.\nvoid linear_forward();\n");
        weave::write(dir / "expected/output.txt", "loss 0.1\n");
        weave::write(root / "out" / name / "loss.svg", "<svg/>");
        chapters.push_back({name, "What " + name + " is", {}, {}, dir, root / "out" / name, {}});
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
    CHECK(contains(woven.page,
                   "id=\"a_L6\" style=\"--before: 5\"><a class=\"where\" href=\"#a_L6\" title=\"link to this "
                   "piece\">x.cpp:6</a>@endhtmlonly\n\n@snippet x.cpp block2\n"));
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

TEST_CASE("a chapter's directory becomes pages", "[docs]") {
    const support::TemporaryFolder folder;
    const auto chapters = two_chapters(folder.path());
    const fs::path out = folder.path() / "woven";
    weave::Problems problems;
    CHECK(weave::write_pages(chapters, 1, out, problems) ==
          std::vector<std::string>{"chapter_02_second", "chapter_02_second_program", "chapter_02_second_plain"});
    const auto in_order = [&](const std::string& name, const std::vector<std::string>& parts) {
        const std::string page = weave::read(out / "pages" / (name + ".md"));
        std::size_t before = 0;
        for (const std::string& part : parts) {
            INFO(part);
            const std::size_t at = page.find(part, before);
            REQUIRE(at != std::string::npos);
            before = at;
        }
    };
    in_order("chapter_02_second",
             {"# 02 Title of 02_second {#chapter_02_second}\n", "| takes | an hour |", "| needs | nothing |",
              "| may be skipped | if you know it |", "@ref chapter_01_first", "`./run 02`",
              "@ref chapter_02_second_program \"the program\"", "@ref op_linear", "Why \u201c\\f$x\\f$\u201d?",
              "## What {#chapter_02_second_what}", "- @subpage chapter_02_second_program\n",
              "- @subpage chapter_02_second_plain\n"});
    in_order("chapter_02_second_program",
             {"# 02 Title of 02_second: the program {#chapter_02_second_program}\n",
              "## The program: model.hpp {#chapter_02_second_model_hpp}", "@snippet 02_second_model.hpp block1",
              "@snippet 02_second_main.cpp block1", "@verbinclude 02_second_output.txt",
              "## Notice {#chapter_02_second_results_notice}", "![A curve](02_second_loss.svg)"});
    in_order("chapter_02_second_plain", {"@include plain_02_second_model.hpp", "@include plain_02_second_main.cpp"});
    CHECK_FALSE(contains(weave::read(out / "pages/chapter_02_second.md"), "time:"));
    CHECK(weave::read(out / "output/02_second_output.txt") == "loss 0.1\n");
    CHECK(weave::read(out / "figures/02_second_loss.svg") == "<svg/>");

    // A change of the program or of its output changes the pages.
    weave::write(chapters[1].directory / "main.cpp", "// New text.\nint main() { return 1; }\n");
    weave::write(chapters[1].directory / "expected/output.txt", "loss 0.2\n");
    weave::write_pages(chapters, 1, out, problems);
    CHECK(contains(weave::read(out / "pages/chapter_02_second_program.md"), "New text."));
    CHECK(contains(weave::read(out / "snippets/02_second_main.cpp"), "return 1;"));
    CHECK(weave::read(out / "output/02_second_output.txt") == "loss 0.2\n");

    weave::write_map(chapters, out);
    CHECK(contains(weave::read(out / "chapter_map.dot"), "\"01_first\" -> \"02_second\""));
    CHECK(contains(weave::read(out / "pages/chapters.md"), "@subpage chapter_02_second"));
}

TEST_CASE("code with an apostrophe stays code", "[docs]") {
    const support::TemporaryFolder folder;
    const auto chapters = two_chapters(folder.path());
    weave::Problems problems;
    weave::write(chapters[0].directory / "doc/intro.md",
                 "# T {#chapter_01_first}\n`a'` isn't `b`, ``c'``\n```\nd'\n```\n`e'`, `open'\n");
    weave::write_pages(chapters, 0, folder.path() / "woven", problems);
    CHECK(contains(weave::read(folder.path() / "woven/pages/chapter_01_first.md"),
                   "``a'`` isn't `b`, ``c'``\n```\nd'\n```\n``e'``, `open'\n"));
}

TEST_CASE("a long program has several pages, an appendix after the exercises", "[docs]") {
    const support::TemporaryFolder folder;
    auto chapters = two_chapters(folder.path());
    const fs::path out = folder.path() / "woven";
    weave::Problems problems;
    weave::write(chapters[1].directory / "doc/exercises.md", "## Exercises\n\n### 02.1 Think\n");
    chapters[1].parts = {{"the model", {"model.hpp"}}};
    CHECK(weave::write_pages(chapters, 1, out, problems) ==
          std::vector<std::string>{"chapter_02_second", "chapter_02_second_program", "chapter_02_second_exercises",
                                   "chapter_02_second_program_appendix", "chapter_02_second_plain"});
    chapters[1].parts.push_back({"training", {"main.cpp"}});
    CHECK(weave::write_pages(chapters, 1, out, problems)[2] == "chapter_02_second_program_main");
    const std::string model = weave::read(out / "pages/chapter_02_second_program.md"),
                      training = weave::read(out / "pages/chapter_02_second_program_main.md");
    CHECK(model.rfind("# 02 Title of 02_second: the model {#chapter_02_second_program}\n", 0) == 0);
    CHECK_FALSE(contains(model, "Notice")); // the results are below the last part
    CHECK(contains(training, "## Notice {#chapter_02_second_results_notice}"));
    chapters[1].parts.push_back({"nothing", {"gone.cpp"}});
    CHECK(contains(error_of([&] { weave::write_pages(chapters, 1, out, problems); }), "has no file gone.cpp"));
}

TEST_CASE("output is shown where the program asks for it, each line once and in order", "[docs]") {
    const support::TemporaryFolder folder;
    const fs::path file = folder.path() / "02_x_output_1.txt";
    std::string text = "# head\nA 1\n\n  A 2\n";
    const auto output = [&] { return weave::Output("02_x", text, folder.path()); };
    auto first = output();
    CHECK(first.show("to \"A 1\"") ==
          "@htmlonly[block]<div class=\"output\">@endhtmlonly\n\n@verbinclude 02_x_output_1.txt\n\n"
          "@htmlonly[block]</div>@endhtmlonly\n\n");
    CHECK(weave::read(file) == "# head\nA 1\n");
    CHECK(contains(error_of([&] { first.require_all_shown(); }),
                   "02_x/expected/output.txt:4: no @output shows this line:   A 2"));
    CHECK(contains(error_of([&] { first.show("to \"A 1\""); }), "is it shown already?"));
    CHECK(contains(error_of([&] { first.show("to \"B\""); }), "begins with \"B\""));
    CHECK(contains(error_of([&] { first.show("A 2"); }), "@output takes"));
    CHECK(contains(first.show("to end"), "02_x_output_2.txt"));
    CHECK(weave::read(folder.path() / "02_x_output_2.txt") == "  A 2\n");
    CHECK_NOTHROW(first.require_all_shown());
    CHECK(contains(error_of([&] { first.show("to end"); }), "shows nothing"));
    CHECK_NOTHROW(output().require_all_shown()); // a program without @output is another problem

    for (int i = 0; i < 30; ++i) { text += "line\n"; }
    CHECK(contains(output().show("to end"), "<details class=\"output\"><summary>Output, 34 lines</summary>"));

    auto again = output();
    const auto woven = weave::weave("int x;\n// Before.\n// @output to \"A 1\"\n// After.\n", "f.cpp", "a", &again);
    CHECK(woven.page.find("Before.") < woven.page.find("@verbinclude 02_x_output_1.txt"));
    CHECK(woven.page.find("@verbinclude 02_x_output_1.txt") < woven.page.find("After."));
    CHECK_FALSE(contains(woven.plain, "@output"));
    CHECK(contains(error_of([&] { weave::weave("// @output to \"A 1\"\n", "f.cpp", "a", &again); }), "f.cpp:1: "));
}

TEST_CASE("answers are folded, with the item they belong to", "[docs]") {
    const std::string open = "@htmlonly[block]<details class=\"answer\"><summary>Answer</summary>@endhtmlonly\n",
                      close = "@htmlonly[block]</details>@endhtmlonly\n";
    const std::string answer = "<details><summary>Answer</summary>\n\nYes.\n\n</details>\n";
    CHECK(weave::markup(answer) == open + "\nYes.\n\n" + close);
    CHECK(weave::markup("1. Why?\n   Say.\n\n" + answer + "\n2. So?\n") ==
          "1. Why?\n   Say.\n\n   " + open + "\n   Yes.\n\n   " + close + "\n2. So?\n");
    CHECK(weave::markup("1. Why?\n\nText.\n\n" + answer) == "1. Why?\n\nText.\n\n" + open + "\nYes.\n\n" + close);
    CHECK(weave::markup("a\n" + answer + "b\n", weave::Answers::left_out) == "a\nb\n");
    CHECK(weave::markup(
              "<details class=\"predict\"><summary>Is `a < b`, or \\f$x\\f$, or $y$?</summary>\n</details>\n") ==
          "@htmlonly[block]<details class=\"predict\"><summary>Is <code>a &lt; b</code>, or \\(x\\), or "
          "\\(y\\)?</summary>"
          "@endhtmlonly\n" +
              close);
    const std::string code = "```cpp\n1. <details><summary>x</summary>\n```\n";
    CHECK(weave::markup(code) == code);
    CHECK(weave::markup("```console\n$ ./run 5\n0.5\n```\n") ==
          "@htmlonly[block]<div class=\"console\">@endhtmlonly\n\n```{.unparsed}\n$ ./run 5\n0.5\n```\n\n"
          "@htmlonly[block]</div>@endhtmlonly\n");
    CHECK(contains(weave::markup("```text\nx\n```\n"), "<div class=\"output\">@endhtmlonly\n\n```{.unparsed}\nx\n```"));
    CHECK_THROWS_WITH(weave::markup("</details>\n"), "</details> without <details>");
    CHECK_THROWS_WITH(weave::markup("<details><summary>A</summary>\n"), "a <details> has no </details>");
    CHECK(contains(error_of([&] { weave::markup("<details><summary>A</summary>\n" + answer); }), "inside of"));
    // In a program's comments as well, where the text is no Markdown of Doxygen's yet.
    const auto woven =
        weave::weave("// <details><summary>$x$</summary>\n//\n// a < b\n//\n// </details>\n", "f.cpp", "a");
    CHECK(contains(woven.page, "<summary>\\(x\\)</summary>@endhtmlonly\n\na \\< b\n\n" + close));
}

TEST_CASE("diagrams show the numbers that the program has computed", "[docs]") {
    const support::TemporaryFolder folder;
    const fs::path run = folder.path() / "run.json";
    weave::write(run, R"({"results": {"loss": 0.123456, "p": [[1, 2.5], [3, 4]], "n": 7, "name": "a<b"}})");
    const auto fill = [&](const std::string& text) { return weave::fill(text, run, "x.svg"); };
    CHECK(fill("<t>{{loss}} {{loss|.2f}} {{p.0.1|+.1f}} {{n}} {{n|3d}} {{name}}</t>") ==
          "<t>0.123456 0.12 +2.5 7   7 a&lt;b</t>");
    CHECK(fill("none") == "none");
    CHECK(contains(error_of([&] { fill("{{gone}}"); }), "x.svg: {{gone}}: the program's results have no gone"));
    CHECK(contains(error_of([&] { fill("{{p.0.2}}"); }), "have no p.0.2"));
    CHECK(contains(error_of([&] { fill("{{p}}"); }), "not a number or a text"));
    CHECK(contains(error_of([&] { fill("{{name|.2f}}"); }), "not a number"));
    CHECK(contains(error_of([&] { fill("{{loss|s}}"); }), "a format is written as in printf"));
    CHECK(contains(error_of([&] { fill("{{a b}}"); }), "not a placeholder"));
}

TEST_CASE("a chapter without its files makes no page", "[docs]") {
    const support::TemporaryFolder folder;
    const auto chapters = two_chapters(folder.path());
    weave::Problems problems;
    const auto page = [&] { weave::write_pages(chapters, 0, folder.path() / "woven", problems); };
    fs::remove(chapters[0].directory / "expected/output.txt");
    CHECK(contains(error_of(page), "cannot read"));
    weave::write(chapters[0].directory / "expected/output.txt", "");
    CHECK_NOTHROW(page());
    weave::write(chapters[0].directory / "doc/intro.md", "# Title {#chapter_other}\n");
    CHECK(contains(error_of(page), "must begin with"));
}

TEST_CASE("figures are drawn by the program, by hand or by graphviz", "[docs]") {
    const support::TemporaryFolder folder;
    const auto chapters = two_chapters(folder.path());
    const fs::path out = folder.path() / "woven", doc = chapters[0].directory / "doc";
    weave::Problems problems;
    const auto shown = [&](const std::string& text) { return weave::take_figures(text, chapters[0], out, problems); };
    weave::write(chapters[0].figures / "run.json", R"({"results": {"a": 0.5}})");
    weave::write(doc / "net.svg", "<svg>{{a|.2f}}</svg>");
    weave::write(doc / "flow.dot", "digraph { x [label=\"{{a}}\"]; }");
    CHECK(shown("![C](loss.svg)") == "![C](01_first_loss.svg)");
    CHECK(shown("![C](net.svg)") == "![C](diagram_01_first_net.svg)");
    CHECK(weave::read(out / "figures/diagram_01_first_net.svg") == "<svg>0.50</svg>");
    CHECK(shown("![C](flow.svg)") == "![C](diagram_01_first_flow.svg)");
    CHECK(weave::read(out / "diagrams/diagram_01_first_flow.dot") == "digraph { x [label=\"0.5\"]; }");
    CHECK(problems.empty());
    CHECK(contains(shown("![C](gone.svg)"), "The figure gone.svg is missing"));
    CHECK(problems.size() == 1);
    CHECK(contains(problems[0], "01_first shows gone.svg, which its program has not drawn"));
}

TEST_CASE("what a chapter lacks is said", "[docs]") {
    const support::TemporaryFolder folder;
    const auto chapter = two_chapters(folder.path())[0];
    const std::string answer = "\n<details><summary>Answer</summary>\n\nYes.\n\n</details>\n\n";
    const std::string predict = "<details class=\"predict\"><summary>Q?</summary>\n\nYes.\n\n</details>\n";
    const std::string results = "![A curve](loss.svg)\n\n## Try it\n\n1. Why?\n" + answer + "## Quiz\n\n1. A?\n" +
                                answer + "2. B?\n" + answer + predict + predict + predict;
    const auto problems = [&](const std::string& intro, const std::string& code, const std::string& text) {
        weave::write(chapter.directory / "doc/intro.md", intro);
        weave::write(chapter.directory / "main.cpp", code);
        weave::write(chapter.directory / "doc/results.md", text);
        weave::Problems found;
        weave::look_for_problems(chapter, found);
        return found;
    };
    const std::string facts = "<!-- time: 1 hour; needs: 04; skip: never -->\n", output = "// @output to end\n";
    CHECK(problems(facts, output, results).empty());
    const auto only = [&](const weave::Problems& found, const std::string& what) {
        INFO(what);
        REQUIRE(found.size() == 1);
        CHECK(contains(found[0], "01_first: "));
        CHECK(contains(found[0], what));
    };
    const auto without = [&](const std::string& part) {
        std::string text = results;
        return text.erase(text.find(part), part.size());
    };
    only(problems("<!-- time: 1 hour; needs: 04 -->\n", output, results), "<!-- time: ...; needs: ...; skip: ... -->");
    only(problems(facts, "", results), "no @output");
    only(problems(facts, output, without("![A curve](loss.svg)")), "no figure");
    only(problems(facts, output, without(answer)), "\"Try it\" 1. in doc/results.md has no answer");
    only(problems(facts, output, without("2. B?\n" + answer) + "\n3. C?\n"),
         "\"Quiz\" 3. in doc/results.md has no answer");
    only(problems(facts, output, without("## Try it\n\n1. Why?\n")), "no questions below \"## Try it\"");
    only(problems(facts, output, without(predict)), "2 boxes \"Predict\"");
}

TEST_CASE("a chapter has a page of exercises: answers folded, code taken from what is compiled", "[docs]") {
    const support::TemporaryFolder folder;
    const auto chapters = two_chapters(folder.path());
    const fs::path out = folder.path() / "woven", dir = chapters[1].directory;
    CHECK(weave::exercises(chapters[1], out).empty()); // it has none
    weave::Problems problems;
    weave::write_pages(chapters, 1, out, problems);
    CHECK_FALSE(contains(weave::read(out / "pages/chapter_02_second.md"), "xercise"));

    weave::write(dir / "doc/exercises.md",
                 "## Exercises\n\n### 02.1 Reckon\n\nHow much?\n\n<details><summary>Answer</summary>\n\n"
                 "\\f$2\\f$.\n\n</details>\n\n### 02.2 Code\n\nSee [a.hpp](../exercises/a.hpp) in a line.\n\n"
                 "[a.hpp](../exercises/a.hpp)\n");
    CHECK(contains(error_of([&] { weave::write_pages(chapters, 1, out, problems); }), "exercises/a.hpp"));
    weave::write(dir / "exercises/a.hpp", "// The stub.\n");
    CHECK(contains(error_of([&] { weave::write_pages(chapters, 1, out, problems); }), "solutions/a.hpp"));
    weave::write(dir / "exercises/solutions/a.hpp", "// The solution.\n");
    weave::write_pages(chapters, 1, out, problems);
    const std::string page = weave::read(out / "pages/chapter_02_second_exercises.md");
    std::size_t before = 0;
    for (const char* what :
         {"# 02 Title of 02_second: exercises {#chapter_02_second_exercises}", "`./run check 02`",
          "`./run check 02 --solutions`", "## 02.1 Reckon {#chapter_02_second_exercise_02_1_reckon}",
          "<details class=\"answer\"><summary>Answer</summary>@endhtmlonly", "\\f$2\\f$.", "</details>@endhtmlonly",
          "See [a.hpp]", "`chapters/02_second/exercises/a.hpp`", "@include 02_second_stub_a.hpp",
          "<summary>A solution</summary>", "@include 02_second_solution_a.hpp", "</details>@endhtmlonly"}) {
        INFO(what);
        const std::size_t at = page.find(what, before);
        REQUIRE(at != std::string::npos);
        before = at + 1;
    }
    CHECK(contains(
        weave::read(out / "pages/chapter_02_second.md"),
        "| exercises | @ref chapter_02_second_exercises \"on a page of their own\", marked by `./run check 02` |"));
    CHECK(weave::read(out / "snippets/02_second_stub_a.hpp") == "// The stub.\n");
    CHECK(weave::read(out / "snippets/02_second_solution_a.hpp") == "// The solution.\n");

    // For a class: neither answers nor solutions are anywhere in what Doxygen reads.
    const fs::path other = folder.path() / "without";
    weave::write_pages(chapters, 1, other, problems, weave::Answers::left_out);
    const std::string asked = weave::read(other / "pages/chapter_02_second_exercises.md");
    CHECK(contains(asked, "How much?"));
    CHECK(contains(asked, "@include 02_second_stub_a.hpp"));
    for (const char* what : {"\\f$2\\f$.", "<details", "olution", "Answer"}) {
        INFO(what);
        CHECK_FALSE(contains(asked, what));
    }
    CHECK_FALSE(fs::exists(other / "snippets/02_second_solution_a.hpp"));

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
    weave::write(list, "01_a|A|||/c/01_a|/out|one: a.hpp b.hpp^two: c.hpp\n");
    const auto parts = weave::read_chapters(list)[0].parts;
    REQUIRE(parts.size() == 2);
    CHECK(parts[0].title == "one");
    CHECK(parts[0].files == std::vector<std::string>{"a.hpp", "b.hpp"});
    weave::write(list, "01_a|A|||/c/01_a|/out|one\n");
    CHECK(contains(error_of([&] { weave::read_chapters(list); }), "a page is written \"Title: file file\""));
    weave::write(list, "01_a|A\n");
    CHECK(contains(error_of([&] { weave::read_chapters(list); }), "seven fields expected"));
    weave::write(list, "\n");
    CHECK(contains(error_of([&] { weave::read_chapters(list); }), "names no chapter"));
}

TEST_CASE("finished pages have alternative texts and no dead link", "[docs]") {
    CHECK(weave::finish("<object type=\"image/svg+xml\" data=\"a.svg\" style=\"x\"></object>\n<div class=\"caption\">\n"
                        "A curve</div>") ==
          "<img class=\"diagram\" src=\"a.svg\" alt=\"A curve\"/>\n<div class=\"caption\">\nA curve</div>");
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
    CHECK(occurrences(woven.page, "@snippet") == 1);
    CHECK(contains(woven.page, "@snippet model.hpp block1\n"));
    CHECK(woven.plain.find("#pragma once") == 0);
}

TEST_CASE("the headers that a program includes are folded", "[docs]") {
    const auto woven =
        weave::weave("// Text.\n#include <a>\n\n#include <b>\n\nint x;\n\n// More.\n#include <c>\n", "f.cpp", "a");
    const std::string fold = "<details class=\"includes\"><summary>The headers that f.cpp includes</summary>";
    CHECK(occurrences(woven.page, fold) == 1);
    CHECK(woven.page.find(fold) < woven.page.find("id=\"a_L2\""));
    CHECK(woven.page.find("</details>") < woven.page.find("id=\"a_L6\""));
    CHECK(contains(woven.page, "id=\"a_L9\"")); // not at the top: it has its reason to be there
    const auto named = weave::weave("#include <a>\n\nint x;\n", "10_b_two_words.hpp", "a", nullptr, "two_words.hpp");
    CHECK(contains(named.page, "The headers that two_words.hpp includes"));
    CHECK(contains(named.page, "@snippet 10_b_two_words.hpp block1"));
}

TEST_CASE("numbered code keeps its place, and a formula its punctuation", "[docs]") {
    const std::string fragment =
        "<div class=\"fragment\"><div class=\"line\">    a (\\(x\\)).</div>\n</div><!-- fragment -->";
    CHECK(weave::finish("<div class=\"numbered\">" + fragment + "</div>") ==
          "<div class=\"numbered\">" + fragment + "</div>");
    CHECK(weave::finish("a ( \\(x\\)). \\(y\\) b") == "a <span class=\"nowrap\">(\\(x\\)).</span> \\(y\\) b");
}

TEST_CASE("an option of a command line is not divided", "[docs]") {
    const auto held = [](const std::string& option) { return "<span class=\"nowrap\">" + option + "</span>"; };
    CHECK(weave::finish("<code>./run 4 --batch-size 3</code> --a <code>i--, --</code>") ==
          "<code>./run 4 " + held("--batch-size") + " 3</code> --a <code>i--, --</code>");
    CHECK(weave::finish("<code>data/mnist/x.hpp, a/b<a href=\"abc/def\">y</a></code> data/mnist") ==
          "<code>data/<wbr/>mnist/x.hpp, a/b<a href=\"abc/def\">y</a></code> data/mnist");
    CHECK(weave::finish("<pre class=\"fragment\">or --lr</pre>") ==
          "<pre class=\"fragment\">or " + held("--lr") + "</pre>");
    CHECK(weave::finish("<div class=\"fragment\"><div class=\"line\">$ a --b</div>\n</div><!-- fragment -->") ==
          "<div class=\"fragment\"><div class=\"line\">$ a " + held("--b") + "</div>\n</div><!-- fragment -->");
}

TEST_CASE("pages are linked in the order of the book", "[docs]") {
    const support::TemporaryFolder folder;
    for (const std::string name : {"a", "b", "c", "other"}) {
        weave::write(folder.path() / (name + ".html"),
                     "<head></head><div class=\"title\">Page " + name + " </div><div></div><!-- contents -->");
    }
    weave::write(folder.path() / "navtreedata.js",
                 "[ \"05 A net: the program\", \"chapter_05_net_program.html\", null ]");
    weave::write(folder.path() / "order", "a\n- b\nc\n");
    weave::finish_all(folder.path(), folder.path() / "order");
    const auto page = [&](const std::string& name) { return weave::read(folder.path() / (name + ".html")); };
    const std::string to_a = "<a class=\"prev\" rel=\"prev\" href=\"a.html\"><small>Previous</small> Page a</a>",
                      to_c = "<a class=\"next\" rel=\"next\" href=\"c.html\"><small>Next</small> Page c</a>";
    CHECK(contains(page("a"), "<head><link rel=\"next\" href=\"c.html\"/>\n</head>"));
    CHECK(contains(page("a"), "<span></span>" + to_c));
    CHECK(contains(page("b"), to_a + to_c));
    CHECK(contains(page("c"), to_a + "<span></span>"));
    CHECK_FALSE(contains(page("other"), "book-navigation"));
    CHECK(contains(weave::read(folder.path() / "navtreedata.js"),
                   "[ \"The program\", \"chapter_05_net_program.html\", null ]"));
    CHECK_THROWS(weave::with_neighbours("no page", {}, {}));
}
