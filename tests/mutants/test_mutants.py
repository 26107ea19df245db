#!/usr/bin/env python3
"""test_mutants.py ROOT: that the list of planted bugs fits the sources, and that one which does not is noticed."""
import sys
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import caught
import generate
import listed
import machine
import mutants

SOURCE = "int f(int a) {\n    int b = a +\n        1;\n    g(a);\n    return b;\n}\n"


def planted(*texts):
    return mutants.mutated(SOURCE, "f.cpp", [mutants.bug("some-bug", "Something", *texts)._replace(number=7)])


class Planting(unittest.TestCase):
    def test_expression(self):
        self.assertIn("int b = (handgrad_mutant(7) ? (a - 1) : (a +\n        1));", planted("int b = <|a + 1|>;", "a - 1"))

    def test_statement(self):
        self.assertIn("if (handgrad_mutant(7)) {  } else { g(a); }", planted("g(a);", ""))

    def test_declaration(self):
        text = planted("always:int b", "int c = 2, b", "return <|b|>;", "c")
        self.assertIn("int c = 2, b = a", text)
        self.assertIn("return (handgrad_mutant(7) ? (c) : (b));", text)

    def test_one_within_another(self):
        bugs = [mutants.bug("inner", "", "g(<|a|>);", "2")._replace(number=1),
                mutants.bug("outer", "", "g(a);", "h(a);")._replace(number=2),
                mutants.bug("same", "", "g(a);", "")._replace(number=3)]
        self.assertIn("if (handgrad_mutant(2)) { h(a); } else { if (handgrad_mutant(3)) {  } else "
                      "{ g((handgrad_mutant(1) ? (2) : (a))); } }", mutants.mutated(SOURCE, "f.cpp", bugs))

    def test_no_bug_leaves_the_file_alone(self):
        self.assertEqual(SOURCE, mutants.mutated(SOURCE, "f.cpp", []))

    def test_text_that_is_not_there(self):
        with self.assertRaisesRegex(mutants.Rotten, r"some-bug \(f.cpp\): its old text occurs 0 times, .* once: h\(a\);"):
            planted("h(a);", "")

    def test_text_that_is_there_twice(self):
        with self.assertRaisesRegex(mutants.Rotten, "occurs 3 times"):
            planted("a", "b")

    def test_overlap(self):
        bugs = [mutants.bug("a", "", "int b = a", "c")._replace(number=1),
                mutants.bug("b", "", "a + 1", "d")._replace(number=2)]
        with self.assertRaisesRegex(mutants.Rotten, "overlap at a$"):
            mutants.mutated(SOURCE, "f.cpp", bugs)


def made(text, kind=None):
    """The changes that a machine makes in the body of a function."""
    return [m.change for m in generate.mutants_of("f.cpp", f"void f() {{\n    {text}\n}}\n") if kind in (None, m.kind)]


class Generating(unittest.TestCase):
    def test_operands(self):
        self.assertEqual(["a + b -> a - b", "a + b - c * d -> a + b + c * d", "c * d -> c + d"],
                         made("const auto n = a + b - c * d;"))
        self.assertEqual(["n / a.b[i + 1] -> n * a.b[i + 1]", "i + 1 -> i - 1"],
                         made("return f(x, n / a.b[i + 1]);", "operator"))
        self.assertEqual(["x -= y -> x += y"], made("for (;; x -= y) {}", "operator"))
        self.assertEqual(["a < b -> a <= b"], made("if (x) return a < b ? c : d;", "comparison"))

    def test_what_is_no_operator(self):
        self.assertEqual([], made("const T* p = &x; T&& r = std::move(x); std::vector<T> v(-x);", "operator"))
        self.assertEqual([], made("static_assert(a < b + 1); constexpr int n = 2 * m; A<N - 1, 3> a;"))
        self.assertEqual([], made("if constexpr (a < 2) {}"))

    def test_constants(self):
        self.assertEqual(["0x1F -> 0x1F + 1", "1.5e-3 -> 1.5e-3 + 1.0", "4'000 -> 4'000 + 1", "true -> false"],
                         made("g(0x1F, 1.5e-3, 4'000, true);", "constant"))

    def test_statements(self):
        self.assertEqual(["without g(a);", "without x = y;", "without ++i;", "without std::fill_n(p, n, T(0));"],
                         made("int a = 1; T b(c); std::vector<int> v(n); const auto& d = e; g(a); if (a) { x = y; } else ++i; "
                              "std::fill_n(p, n, T(0)); return a;", "statement"))
        self.assertEqual(["without g([&] { h(); });", "without h();"], made("g([&] { h(); });", "statement"))
        self.assertEqual([], [m for m in generate.mutants_of("f.hpp", "struct A { void f(); int g(int a, int b); A a; };")])

    def test_checks_and_conditions(self):
        self.assertEqual(["n == 0 -> false"], made("if (n == 0) { throw E(); }", "check"))
        self.assertEqual(["ok -> !(ok)", "a && b -> !(a && b)", "c -> !(c)"],
                         made("if (ok) { g(); } while (a && b) {} return c ? 1 : 2;", "condition"))

    def test_arguments(self):
        self.assertEqual(["g(a + 1, b) exchanged", "g(b, c) exchanged"], made("g(a + 1, b, c, c);", "arguments"))
        self.assertEqual([], made("[&](int a, int b) { return a; }; require(x, \"a message\");", "arguments"))

    def test_cuda_alone(self):
        text = "void f() {\n#if defined(HANDGRAD_THRUST_CUDA)\n    g();\n#else\n    h();\n#endif\n    i();\n}\n"
        self.assertEqual(["without h();", "without i();"], [m.change for m in generate.mutants_of("f.cpp", text)])

    def test_planted(self):
        source = "void f() {\n    g(a + b);\n}\n"
        mutants_made = generate.mutants_of("f.cpp", source)
        text, places = generate.switched(source, [(i + 1, m) for i, m in enumerate(mutants_made)])
        self.assertIn("if (handgrad_mutant(1)) {  } else { g((handgrad_mutant(2) ? (a - b) : (a + b))); }", text)
        for start, end, number in places:
            self.assertIn(f"handgrad_mutant({number})", text[start:end])

    def test_key_is_that_of_the_line(self):
        def keys(text):
            return [m.key for m in generate.mutants_of("f.cpp", text)]
        self.assertEqual(keys("void f() {\n    g(a);\n}\n"), keys("// more\n\nvoid f() {\n    g(a);\n}\n"))
        self.assertEqual(2, len(set(keys("void f() {\n    g(a);\n    g(a);\n}\n"))))

    def test_all_of_lib(self):
        every = machine.all_mutants(ROOT)
        self.assertGreater(len(every), 5000)
        self.assertEqual(len(every), len({m.key for m in every}))
        for file in {m.file for m in every}:
            edits = sorted({(start, end) for m in every if m.file == file for start, end, _ in m.edits})
            for (a, a_end), (b, b_end) in zip(edits, edits[1:]):
                self.assertFalse(a < b < a_end < b_end, f"{file}: two mutants overlap")

    def test_listed_are_there(self):
        """An excuse for a line that is no longer there is to be removed."""
        every = machine.all_mutants(ROOT)
        for file, entries in listed.LISTED.items():
            for line, change, why in entries:
                self.assertTrue(why)
                self.assertTrue([m for m in every if m.file == "lib/handgrad/" + file and m.text == line
                                 and change in ("*", m.change)], f"{file}: no mutant is {change} in: {line}")

    def test_table(self):
        mutant = generate.mutants_of("lib/handgrad/ops/a/a.cpp", "void f() { g(a); }")[0]
        rows = [(mutant, outcome) for outcome in ["caught"] * 3 + ["survived", "listed", "not compiled"]]
        self.assertIn("| ops | 6 | 1 | 1 | 3 | 1 | 75.0 % |\n| all | 6 | 1 | 1 | 3 | 1 | 75.0 % |", machine.table(rows))


class List(unittest.TestCase):
    def test_fits_the_sources(self):
        bugs = mutants.all_bugs()
        self.assertGreaterEqual(len(bugs), 40)
        for file in {b.file for b in bugs}:
            mutants.mutated((ROOT / file).read_text(encoding="utf-8"), file, [b for b in bugs if b.file == file])

    def test_is_what_the_page_lists(self):
        self.assertIsNone(caught.check(ROOT / "docs/mutants.md", mutants.all_bugs()))


class Table(unittest.TestCase):
    BUGS = [mutants.Bug("a-bug", "It is wrong", [], "lib/handgrad/a.cpp", 1)]

    def page(self, folder, text):
        path = Path(folder) / "page.md"
        path.write_text(text, encoding="utf-8")
        return path

    def test_is_written_and_read(self):
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            path = self.page(folder, "Prose.\n\n" + caught.HEAD)
            failure = lambda says: {"a-bug": type("Failure", (), {"test": "all | is `well`", "error": says})}
            self.assertEqual("page.md: nobody catches a-bug", caught.check(path, self.BUGS))
            self.assertTrue(caught.write(path, self.BUGS, failure("1 == 2")))
            self.assertEqual(path.read_text(encoding="utf-8"), "Prose.\n\n" + caught.HEAD +
                             "| `a-bug` | It is wrong | `lib/handgrad/a.cpp` | `all ¦ is ’well’` | `1 == 2` |\n")
            self.assertEqual({"a-bug": "all ¦ is ’well’"}, caught.read(path))
            self.assertIsNone(caught.check(path, self.BUGS))
            self.assertEqual("page.md: a-bug is not in the list of planted bugs", caught.check(path, []))
            self.assertFalse(caught.write(path, self.BUGS, failure("1 == 3")), "other digits are nothing new")
            self.assertTrue(caught.write(path, self.BUGS, {"a-bug": None}))
            self.assertEqual("page.md: nobody catches a-bug", caught.check(path, self.BUGS))

    def test_says_what_a_check_saw(self):
        def says(xml):
            return caught.error_of(ElementTree.fromstring(f"<TestCase name='t'>{xml}</TestCase>"))
        gradient = ("<Info>db (2): FAILED, 1 of 2 entries differ\n required: ...\n entry analytic numeric error relative\n"
                    " db[1] 5.0e-01 1.0e+00 5.0e-01 5.0e-01</Info>")
        check = "<Expression success='false'><Original>good</Original><Expanded>false</Expanded></Expression>"
        self.assertEqual("db[1] is 0.5, numerically 1: relative error 5.0e-01", says(gradient + check))
        self.assertEqual("false: good (N 3)", says("<Info>N 3</Info>" + check))
        self.assertEqual("false: 1 == 2", says(check.replace("false</E", "1 == 2</E")))
        self.assertEqual("throws: no such file", says("<Exception filename='f'> no such file </Exception>"))


if __name__ == "__main__":
    ROOT = Path(sys.argv.pop(1))
    unittest.main()
