"""test_mark.py SOURCE: which of a compiler's messages the marker of exercises shows, and in which form."""
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(sys.argv[1], "lib/tools"))
import mark  # noqa: E402


def shown(text):
    own = {"/b/ex/tanh.hpp": "ex/tanh.hpp", "/b/ex/check.cpp": "ex/check.cpp"}
    return ["\n".join(lines) for lines in mark.diagnostics(text, own.get)]


class Diagnostics(unittest.TestCase):
    def test_own_error_with_its_lines(self):
        text = """In file included from /b/ex/check.cpp:10:
/b/ex/tanh.hpp: In function 'double f()':
/b/ex/tanh.hpp:16:14: error: expected ';' before '}' token
   16 |     return dx
      |              ^
   17 | }
compilation terminated.
"""
        self.assertEqual(shown(text), ["""ex/tanh.hpp:16:14: error: expected ';' before '}' token
   16 |     return dx
      |              ^
   17 | }"""])

    def test_warnings_of_the_reader_but_not_of_the_library(self):
        text = """/usr/include/x.hpp:3:1: warning: unused variable 'a' [-Wunused-variable]
    3 | int a;
/b/ex/tanh.hpp:4:5: warning: unused variable 'b' [-Wunused-variable]
    4 | int b;
/usr/include/x.hpp:9:1: note: declared elsewhere
    9 | int c;
"""
        self.assertEqual(shown(text),
                         ["ex/tanh.hpp:4:5: warning: unused variable 'b' [-Wunused-variable]\n    4 | int b;"])

    def test_an_error_in_a_template_is_shown_where_the_reader_used_it(self):
        gcc = """In file included from /usr/include/x.hpp:1:
/usr/include/x.hpp: In instantiation of 'auto f(T) [with T = int]':
/usr/include/x.hpp:20:6:   required from 'auto g(T) [with T = int]'
/b/ex/tanh.hpp:16:29:   required from here
/b/ex/check.cpp:40:2:   required from here
/usr/include/x.hpp:75:44: error: no match for 'operator*'
   75 |     return a * b;
/usr/include/x.hpp:48:16: note: candidate: 'operator*(C, C)'
/usr/include/x.hpp:20:6:   required from 'auto g(T) [with T = int]'
/b/ex/tanh.hpp:16:29:   required from here
/usr/include/x.hpp:76:44: error: no match for 'operator+'
"""
        self.assertEqual(shown(gcc), ["ex/tanh.hpp:16:29: error: no match for 'operator*'"])
        clang = """In file included from /b/ex/check.cpp:6:
/usr/include/x.hpp:109:45: error: invalid operands to binary expression
        F(multiplies, *);
/usr/include/x.hpp:75:44: note: expanded from macro 'F'
/b/ex/tanh.hpp:16:27: note: in instantiation of template class 'x' requested here
    dx = y * s;
/usr/include/x.hpp:110:45: error: invalid operands to binary expression
/b/ex/tanh.hpp:16:27: note: in instantiation of template class 'x' requested here
/usr/include/x.hpp:9:1: error: another
/b/ex/tanh.hpp:18:27: note: in instantiation of template class 'z' requested here
1 error generated.
"""
        self.assertEqual(shown(clang), ["ex/tanh.hpp:16:27: error: invalid operands to binary expression",
                                        "ex/tanh.hpp:18:27: error: another"])

    def test_a_place_belongs_to_the_next_message_only(self):
        text = """/b/ex/tanh.hpp:16:29:   required from here
/usr/include/x.hpp:48:16: note: candidate
/usr/include/x.hpp:75:44: warning: of the library
/b/ex/tanh.hpp:17:1: error: own
"""
        self.assertEqual(shown(text), ["ex/tanh.hpp:17:1: error: own"])

    def test_an_error_that_names_no_file_of_the_reader(self):
        self.assertEqual(shown("/usr/include/x.hpp:1:2: fatal error: y.h: No such file or directory\n"),
                         ["in the library: fatal error: y.h: No such file or directory"])

    def test_what_the_call_expects_is_kept_and_colours_are_not(self):
        text = """\x1b[01m/b/ex/check.cpp:35:31:\x1b[m\x1b[K error: too many arguments to function 'f(int)'
   35 |     f(1, 2);
/b/ex/tanh.hpp:14:8: note: declared here
   14 | double f(int);
"""
        self.assertEqual(shown(text), ["""ex/check.cpp:35:31: error: too many arguments to function 'f(int)'
   35 |     f(1, 2);
ex/tanh.hpp:14:8: note: declared here
   14 | double f(int);"""])

    def test_nothing(self):
        self.assertEqual(shown(""), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
