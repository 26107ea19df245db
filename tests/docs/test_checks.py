"""The checks of the book fail as they should: each is tried on a small book that is right, and on one broken on purpose.

    test_checks.py SOURCE_TREE static|browser    ends with 77 if there is no Chromium to load pages with
"""
import pathlib
import shutil
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(sys.argv.pop(1)).resolve()
KIND = sys.argv.pop(1)
sys.path.insert(0, str(SOURCE / "docs/check"))

import answers  # noqa: E402
import book  # noqa: E402

NOTATION = """# Notation
| letter | meaning |
| --- | --- |
| \\f$x\\f$, \\f$y\\f$ | input; result |
| \\f$D_{\\text{in}}\\f$ | inputs |
| \\f$w_1\\f$, \\f$\\eta\\f$ | weight; learning rate |

| elsewhere | here |
| --- | --- |
| q | x |
"""

QUESTION = "<h1>Try it</h1><ol><li>Why? <details><summary>Answer</summary>Because it is so.</details></li></ol>"
PAGE = """<html><head><link rel="prev" href="index.html"/><link rel="next" href="b.html"/></head><body><div class="contents">
<p>\\(y = x w_1 + \\eta\\), \\(D_{\\text{in}}\\), \\[\\mathrm{relu}(x^\\top)\\] and <code>\\(q\\)</code></p>
<div class="image"><img src="a.svg" alt="A"/></div>
<div class="output"><pre class="fragment">loss 0.5
</pre></div><div class="fragment">\\(u\\)</div><details class="output"><summary>Output</summary><pre>  done
</pre></details>""" + QUESTION + """</div><nav><a rel="prev" href="index.html">1</a><a rel="next" href="b.html">2</a></nav></body></html>"""
FIRST = '<link rel="next" href="chapter_01_a.html"/><a rel="next" href="chapter_01_a.html">x</a>'
LAST = '<link rel="prev" href="chapter_01_a.html"/><a rel="prev" href="chapter_01_a.html">x</a>'


def broken(text, old, new=""):
    assert text.count(old) >= 1, old
    return text.replace(old, new)


class Static(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.write("docs/notation.md", NOTATION)
        self.write("chapters/01_a/expected/output.txt", "loss 0.5\n\n  done\n")
        self.write("chapters/01_a/CMakeLists.txt", "handgrad_chapter(TITLE a TOLERANCE 1e-2)\n")

    def write(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, encoding="utf-8")

    def pages(self, text=PAGE):
        return {"index": book.Tree(FIRST).root, "chapter_01_a": book.Tree(text).root, "b": book.Tree(LAST).root}

    def only(self, wrong, what):
        self.assertEqual(len(wrong), 1, wrong)
        self.assertIn(what, wrong[0])

    def test_a_book_that_is_right(self):
        pages = self.pages()
        self.assertEqual(book.neighbours(["index", "chapter_01_a", "b"], pages), [])
        self.assertEqual(book.figures(pages) + book.answers(pages), [])
        self.assertEqual(book.output(pages, self.root), [])
        self.assertEqual(book.one_notation(pages, self.root), [])

    def test_neighbours(self):
        order = ["index", "chapter_01_a", "b"]
        without = broken(PAGE, '<a rel="next" href="b.html">2</a>')
        self.only(book.neighbours(order, self.pages(without)), "next is ['b.html'], not ['b.html']")
        without = broken(without, '<link rel="next" href="b.html"/>')
        self.only(book.neighbours(order, self.pages(without)), "chapter_01_a.html has no link to the next page")
        self.only(book.neighbours(order, self.pages(broken(PAGE, "index.html", "b.html"))), "previous is")
        # A page beside the way is not led to, but leads on.
        self.assertEqual(len(book.neighbours(["index", "- chapter_01_a", "b"], self.pages())), 2)

    def test_figures(self):
        self.only(book.figures(self.pages(broken(PAGE, '<img src="a.svg" alt="A"/>'))), "chapter 01 has no figure")

    def test_output(self):
        for old, new, what in (("loss 0.5", "loss 0.6", "line 1 of its output at its place: loss 0.5"), ("  done\n", "", "line 3"),
                               ("  done\n", "  done\nmore\n", "more than its program prints: more")):
            self.only(book.output(self.pages(broken(PAGE, old, new)), self.root), what)
        self.only(book.output(self.pages(broken(PAGE, 'div class="output"', "div")), self.root), "line 1")

    def test_answers(self):
        empty = broken(PAGE, "Because it is so.")
        self.only(book.answers(self.pages(empty)), "chapter_01_a.html: \"Try it\" 1 has no answer: Why?")
        open_question = broken(PAGE, QUESTION, "<h1>Quiz</h1><ol><li>Why?</li></ol>")
        self.only(book.answers(self.pages(open_question)), "\"Quiz\" 1 has no answer")

    def test_captions(self):
        caption = '<div class="caption">As `fc` sees it</div>'
        self.only(book.captions(self.pages(PAGE + caption)), "chapter_01_a.html: a caption with marks")
        self.assertEqual(book.captions(self.pages(PAGE + broken(caption, "`"))), [])

    def test_broken_lists(self):
        self.write("docs/a.md", "1. One\n   of 16.\n2. Two\n\n# Next\n1. One\n")
        self.write("chapters/01_a/main.cpp", "// 1. One\nint x = 16. + 1;\n")
        self.assertEqual(book.broken_lists(self.root), [])
        self.write("chapters/01_a/doc/results.md", "- Registers of\n  16. More.\n")
        self.only(book.broken_lists(self.root), "chapters/01_a/doc/results.md:2: this line begins a list: 16. More.")

    def test_notation(self):
        def wrong(text):
            return book.one_notation(self.pages(text), self.root)
        self.only(wrong(broken(PAGE, "x w_1", "u w_1")), "u is not in docs/notation.md")
        self.only(wrong(broken(PAGE, "\\eta", "\\mu")), "\\mu is not in docs/notation.md")
        self.only(wrong(broken(PAGE, "x^\\top", "x^\\mathrm{T}")), "a transpose other than \\top")
        self.assertEqual(book.letters("\\operatorname{relu}(x_{ni}) \\le \\frac{1}{\\sigma}"), {"x", "n", "i", "\\sigma"})
        self.write("docs/notation.md", broken(NOTATION, "| \\f$D_", "| \\f$y\\f$ | the classes |\n| \\f$D_"))
        self.only(wrong(PAGE), "y has two meanings")
        self.assertEqual(book.notation("| q | not a table of letters |\n")[0], set())

    def test_sessions(self):
        self.write("a.md", "Text\n```console\n$ echo loss 0.5; echo; echo a; echo done in 3 s\nloss 0.5001\n...\ndone in ~4 s\n```\n")
        self.write("b.cpp", "  // ```console\n  // $ echo x\n  // x\n  // ```\nint x;\n")
        session = answers.sessions(self.root / "a.md")[0]
        self.assertEqual((session.line, session.shown), (3, ["loss 0.5001", "...", "done in ~4 s"]))
        self.assertEqual(answers.sessions(self.root / "b.cpp")[0].shown, ["x"])
        self.assertTrue(answers.same("loss 0.5001", "loss  0.5", 1e-3))
        self.assertFalse(answers.same("loss 0.5001", "loss 0.5", 1e-6))
        self.assertFalse(answers.same("loss 0.5", "test 0.5", 1))
        self.assertTrue(answers.same("in ~3 s", "in ~12 s", 1e-6))
        self.assertFalse(answers.same("in ~3 s", "in 3 s", 1e-6))
        printed = ["head", "a 1", "b 2", "c 3"]
        self.assertIsNone(answers.compare(["a 1", "b 2"], printed, 1e-6))
        self.assertIsNone(answers.compare(["head", "...", "c 3"], printed, 1e-6))
        self.assertEqual(answers.compare(["a 1", "c 3"], printed, 1e-6), "c 3")
        self.assertEqual(answers.compare(["b 2", "...", "a 1"], printed, 1e-6), "a 1")

        def error(text):
            self.write("c.md", "```console\n" + text + "```\n")
            return answers.run(self.root, self.root / "build", answers.sessions(self.root / "c.md")[0], self.root)
        self.assertIsNone(error("$ echo loss 0.5\nloss 0.5\n"))
        self.assertIn("does not print: loss 0.6", error("$ echo loss 0.5\nloss 0.6\n"))
        self.assertIn("must begin with a line", error("loss 0.5\n"))
        self.assertIn("no line of the output", error("$ echo loss 0.5\n"))
        self.assertIn("has not been built", error("$ ./run 1\nx\n"))
        self.write("build/chapters/01_a/01_a", "#!/bin/sh\necho loss 0.5 $1\n")
        (self.root / "build/chapters/01_a/01_a").chmod(0o755)
        self.assertIsNone(error("$ ./run 1 --hidden\nloss 0.5001 --hidden\n"))  # within the chapter's tolerance


class Browser(unittest.TestCase):
    """A page in Chromium, 1280 pixels wide."""

    @classmethod
    def setUpClass(cls):
        import pages
        cls.pages = pages
        cls.browser = pages.Chromium()
        cls.folder = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.folder.cleanup()

    def wrong(self, body, style=""):
        page = pathlib.Path(self.folder.name) / "page.html"
        css = (SOURCE / "docs/theme/handgrad.css").read_text(encoding="utf-8")
        page.write_text(f"<!DOCTYPE html><style>body {{ color: #222; background: #fff }} {css} .contents {{ width: 900px }} "
                        f"@media (prefers-color-scheme: dark) {{ body {{ color: #eee; background: #111 }} }} "
                        f".fragment {{ overflow-x: auto; font-family: monospace }} {style}</style>"
                        f'<div class="contents">{body}</div>', encoding="utf-8")
        self.pages.size(self.browser, 1280, 900, False)
        return self.browser.open(page.as_uri()) + self.pages.look_closely(self.browser, page)

    def code(self, columns):
        return f'<div class="fragment"><div class="line">{"x" * columns}</div></div>'

    def only(self, wrong, what):
        self.assertEqual(len(wrong), 1, wrong)
        self.assertIn(what, wrong[0])

    def test_a_page_that_is_right(self):
        self.assertEqual(self.wrong("<p>Text</p>" + self.code(80) + "<table><tr><td>a</td></tr></table>"), [])

    def test_code_too_wide(self):
        self.only(self.wrong(self.code(200)), "code is ")
        self.only(self.wrong("<details>" + self.code(200) + "</details>"), "pixels too wide: xxx")
        self.assertEqual(self.wrong('<div class="console">' + self.code(200) + "</div>"), [])  # is broken in sight

    def test_table_too_wide(self):
        table = '<table style="display: block; overflow: auto"><tr><td style="white-space: nowrap">' + "x " * 400 + "</td></tr></table>"
        self.only(self.wrong(table), "a table is ")

    def test_pale(self):
        self.only(self.wrong("<p>Text</p>", "@media (prefers-color-scheme: light) { p { color: #999 } }"), "contrast 2.8 of rgb(153, 153, 153)")
        self.only(self.wrong("<p>Text</p>", "@media (prefers-color-scheme: dark) { p { color: #555 } }"), "dark: contrast 2.5")
        pale_code = '<div class="fragment"><div class="line"><span class="comment">// x</span></div></div>'
        self.only(self.wrong(pale_code, ".comment { color: #aaa } @media (prefers-color-scheme: dark) { .comment { color: #ccc } }"), "contrast 2.3")


if __name__ == "__main__":
    if KIND == "browser" and not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        print("there is no chromium")
        sys.exit(77)
    unittest.main(defaultTest={"static": "Static", "browser": "Browser"}[KIND])
