#!/usr/bin/env python3
"""test_mutants.py ROOT: that the list of planted bugs fits the sources, and that one which does not is noticed."""
import sys
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import caught
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
