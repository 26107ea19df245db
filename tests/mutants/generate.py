"""Makes mutants from a source file by rules, so that nobody chooses them: another operator, a comparison that takes or
leaves its limit, a constant that is one larger, a statement that is missing, two arguments exchanged, a check dropped, a
condition negated.

It reads tokens, not a syntax tree, and relies on clang-format: a binary operator has a space on both sides, and neither
the angle bracket of a template's arguments nor the & of a declaration has one before it. A mutant that does not compile
is found by the compiler and dropped (machine.py). What CUDA alone compiles is left out, and so is what the compiler
computes: constants of type constexpr, arguments of templates.
"""
import bisect
import hashlib
import re
from collections import namedtuple

# A mutant: edits are (start, end, new text) of pieces of the file; a statement may be empty in its place. `key` tells it
# from all others, and stays the same when other lines of the file change.
Mutant = namedtuple("Mutant", "file line text kind change edits statement key")
Token = namedtuple("Token", "kind text start end spaced")

TOKEN = re.compile(r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<directive>(?<![^\n])[ \t]*\#(?:[^\n\\]|\\.)*)
  | (?P<string>(?:u8|[uUL])?R"(?P<raw>[^(\s]*)\(.*?\)(?P=raw)"|(?:u8|[uUL])?"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<number>\.?\d(?:[eEpP][+-]|'(?=\w)|[\w.])*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<operator>\.\.\.|<=>|->\*|<<=|>>=|::|->|\+\+|--|<<|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)
""", re.VERBOSE | re.DOTALL)

PRECEDENCE = {"*": 5, "/": 5, "%": 5, "+": 6, "-": 6, "<<": 7, ">>": 7, "<": 9, "<=": 9, ">": 9, ">=": 9, "==": 10,
              "!=": 10, "&": 11, "^": 12, "|": 13, "&&": 14, "||": 15}
ASSIGNMENT = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}
OTHER_OPERATOR = {"+": "-", "-": "+", "*": "+", "/": "*", "%": "/", "+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=",
                  "&&": "||", "||": "&&"}
OTHER_COMPARISON = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
NO_EXPRESSION = {"return", "throw", "case", "else", "do", "co_return"}
NO_STATEMENT = {
    "return", "using", "const", "auto", "static", "constexpr", "if", "for", "while", "do", "switch", "case", "default",
    "throw", "struct", "class", "union", "enum", "template", "typedef", "namespace", "public", "private", "protected",
    "friend", "static_assert", "extern", "inline", "explicit", "virtual", "try", "catch", "else", "goto", "alignas",
    "thread_local", "mutable", "volatile", "unsigned", "signed", "int", "bool", "double", "float", "char", "long", "short",
    "void", "typename", "operator"}
NO_CALL = NO_STATEMENT | {"sizeof", "decltype", "noexcept", "alignof", "catch", "defined"}
CONSTANT_ARGUMENTS = {"static_assert", "alignas", "decltype", "noexcept", "sizeof", "alignof"}


def without_cuda(source):
    """The source, with blanks for what is compiled for CUDA alone, or without any device."""
    lines, skipped = source.split("\n"), []
    for i, line in enumerate(lines):
        directive = re.match(r"\s*#\s*(if|ifdef|ifndef|else|elif|endif)\b(.*)", line)
        if directive:
            word, rest = directive[1], directive[2]
            if word in ("if", "ifdef", "ifndef"):
                negated = word == "ifndef" or "!" in rest
                only_elsewhere = re.search(r"THRUST_CUDA|THRUST_OFF|__CUDACC__|_WIN32|__CUDA_ARCH__", rest) is not None
                skipped.append([only_elsewhere, only_elsewhere and not negated])
            elif word in ("else", "elif") and skipped[-1][0]:
                skipped[-1][1] = not skipped[-1][1]
            elif word == "endif":
                skipped.pop()
        elif any(region[1] for region in skipped):
            lines[i] = " " * len(line)
    return "\n".join(lines)


class Source:
    """The tokens of a file, and which brackets belong together."""

    def __init__(self, file, text):
        self.file, self.original = file, text
        text = without_cuda(text)
        self.text, self.tokens = text, []
        self.line_starts = [0] + [m.end() for m in re.finditer("\n", text)]
        for match in TOKEN.finditer(text):
            kind = match.lastgroup if match.lastgroup != "raw" else "string"
            if kind in ("comment", "directive") or match[0].isspace():
                continue
            before, after = text[match.start() - 1:match.start()], text[match.end():match.end() + 1]
            spaced = (before.isspace() or not before) and (after.isspace() or not after)
            self.add(Token(kind, match[0], match.start(), match.end(), spaced))
        self.match_brackets()
        self.mark_constants()

    def add(self, token):
        # Two closing angle brackets are one token only between spaces.
        if token.text == ">>" and not token.spaced:
            self.tokens += [token._replace(text=">", end=token.start + 1), token._replace(text=">", start=token.start + 1)]
        else:
            self.tokens.append(token)

    def match_brackets(self):
        tokens = self.tokens
        self.partner, self.enclosing = {}, [None] * len(tokens)
        stack, closing = [], {")": "(", "]": "[", "}": "{"}
        for i, t in enumerate(tokens):
            if t.text in closing:
                while stack and tokens[stack[-1]].text == "<":
                    stack.pop()
                opening = stack.pop()
                self.partner[i], self.partner[opening] = opening, i
            elif t.text == ">" and stack and tokens[stack[-1]].text == "<" and not (t.spaced and tokens[i - 1].text != ","):
                opening = stack.pop()
                self.partner[i], self.partner[opening] = opening, i
            self.enclosing[i] = stack[-1] if stack else None
            if t.text in "([{" and t.kind == "operator":
                stack.append(i)
            elif t.text == "<" and (not t.spaced or tokens[i - 1].text == "template") and (
                    tokens[i - 1].kind == "word" and tokens[i - 1].text != "operator"):
                if self.text[t.start - 1] != " " or tokens[i - 1].text == "template":
                    stack.append(i)
        self.block = {i: self.is_block(i) for i, t in enumerate(tokens) if t.text == "{"}

    def is_block(self, i):
        """Whether the brace opens a block of statements, and not a class, a namespace or a list of values."""
        if i == 0:
            return False
        before = self.tokens[i - 1]
        if before.text in (")", "else", "do", "try", "const", "override", "noexcept", "mutable", "final"):
            return True
        if before.text == "]":
            opening = self.partner[i - 1]
            return self.tokens[opening - 1].kind == "operator" and self.tokens[opening - 1].text not in (")", "]")
        if before.text in (";", "{", "}", ":"):
            return True  # a block by itself, or a constructor's after its last initialiser
        # A lambda's or a function's type: ") -> T {"
        j = i - 1
        while j > 0 and (self.tokens[j].kind == "word" or self.tokens[j].text in ("::", "*", "&", ">")):
            j = self.partner[j] - 1 if self.tokens[j].text == ">" and j in self.partner else j - 1
        return self.tokens[j].text == "->"

    def mark_constants(self):
        """What the compiler computes, and cannot be switched while the program runs."""
        self.constant = [False] * len(self.tokens)
        for i, t in enumerate(self.tokens):
            begin = end = None
            if t.text == "<" and i in self.partner:
                begin, end = i, self.partner[i]
            elif t.text in CONSTANT_ARGUMENTS and self.tokens[i + 1].text == "(":
                begin, end = i, self.partner[i + 1]
            elif t.text == "constexpr" and i > 0 and self.tokens[i - 1].text == "if":
                begin, end = i, self.partner[i + 1]
            elif t.text in ("constexpr", "using", "enum", "case", "typedef"):
                end = i
                while self.tokens[end].text not in ("=", "(", ";", "{", ":"):
                    end = self.partner[end] + 1 if self.tokens[end].text in ("<", "[") and end in self.partner else end + 1
                if t.text != "constexpr" or self.tokens[end].text in ("=", "{"):
                    begin = i
                    if t.text == "case":
                        pass
                    elif t.text == "enum":
                        while self.tokens[end].text not in (";", "{"):
                            end += 1
                        end = self.partner.get(end, end)
                    else:
                        while self.tokens[end].text != ";":
                            end = self.partner[end] + 1 if self.tokens[end].text in "([{" else end + 1
            if begin is not None:
                for j in range(begin, min(end + 1, len(self.tokens))):
                    self.constant[j] = True

    def is_binary(self, i):
        t = self.tokens[i]
        if t.text not in PRECEDENCE or not t.spaced or i == 0 or i in self.partner or i + 1 == len(self.tokens):
            return False
        before = self.tokens[i - 1]
        return before.kind != "operator" or before.text in (")", "]", "}", "++", "--") or i - 1 in self.partner

    def in_block(self, i):
        """Whether a token stands, within any round brackets, in a block of statements."""
        i = self.enclosing[i]
        while i is not None and self.tokens[i].text in ("(", "[", "<"):
            i = self.enclosing[i]
        while i is not None and not self.block[i] and self.tokens[i].text == "{" and self.is_values(i):
            i = self.enclosing[i]
            while i is not None and self.tokens[i].text in ("(", "[", "<"):
                i = self.enclosing[i]
        return i is not None and self.block[i]

    def is_values(self, i):
        return self.tokens[i - 1].text in ("=", "(", ",", "return", "{", "[", "?", ":") or (
            self.tokens[i - 1].kind == "word" and self.tokens[i - 2].text not in ("struct", "class", "namespace", "enum"))

    def left(self, i, precedence):
        """The first token of the left operand of an operator at i."""
        j = i
        while j > 0:
            k = j - 1
            t = self.tokens[k]
            if k in self.partner and self.partner[k] < k:
                opening = self.partner[k]
                if t.text == "}" and (self.block[opening] or self.tokens[opening - 1].kind != "word"):
                    return j
                if t.text == ")" and self.tokens[opening - 1].text in ("if", "while", "for", "switch", "catch", "constexpr"):
                    return j
                j = opening
                continue
            if t.kind == "operator" and t.text in ("(", "[", "{", ";", ",", "?", ":"):
                return j
            if t.text in ASSIGNMENT or t.text in NO_EXPRESSION or (t.text == "<" and k in self.partner):
                return j
            if self.is_binary(k) and PRECEDENCE[t.text] > precedence:
                return j
            j = k
        return j

    def right(self, i, precedence):
        """The token behind the right operand of an operator at i."""
        j = i + 1
        while j < len(self.tokens):
            t = self.tokens[j]
            if j in self.partner and self.partner[j] > j:
                if t.text == "{" and self.block[j] and self.tokens[j - 1].text != ")" and self.tokens[j - 1].text != "]":
                    return j
                j = self.partner[j] + 1
                continue
            if t.text in (")", "]", "}", ";", ",", "?", ":") or t.text in ASSIGNMENT or (t.text == ">" and j in self.partner):
                return j
            if self.is_binary(j) and PRECEDENCE[t.text] >= precedence:
                return j
            j += 1
        return j

    def line(self, position):
        return bisect.bisect_right(self.line_starts, position)

    def piece(self, first, last):
        """Start and end in the text of the tokens first .. last - 1."""
        return self.tokens[first].start, self.tokens[last - 1].end


def one_line(text):
    return " ".join(text.split())


class Maker:
    def __init__(self, file, text):
        self.source, self.found = Source(file, text), []

    def add(self, kind, change, edits, statement=False, mark=None):
        s = self.source
        line = s.line(edits[0][0] if mark is None else mark)
        text = s.original.split("\n")[line - 1].strip()
        self.found.append(Mutant(s.file, line, text, kind, change, edits, statement, None))

    def replace(self, kind, first, last, new, mark=None):
        """Replaces an expression."""
        start, end = self.source.piece(first, last)
        self.add(kind, f"{one_line(self.source.text[start:end])} -> {one_line(new)}", [(start, end, new)], mark=mark)

    def operators(self, i):
        s, t = self.source, self.source.tokens[i]
        other = OTHER_OPERATOR.get(t.text) or OTHER_COMPARISON.get(t.text)
        if s.is_binary(i):
            first, last = s.left(i, PRECEDENCE[t.text]), s.right(i, PRECEDENCE[t.text])
        elif t.text in OTHER_OPERATOR and t.text in ASSIGNMENT and t.spaced:
            first, last = s.left(i, 16), s.right(i, 16)
        else:
            return
        if other is None or first == i or last == i + 1:
            return
        start, end = s.piece(first, last)
        new = s.text[start:t.start] + other + s.text[t.end:end]
        self.replace("comparison" if t.text in OTHER_COMPARISON else "operator", first, last, new, mark=t.start)

    def constants(self, i):
        s, t = self.source, self.source.tokens[i]
        if t.kind == "number":
            before = s.tokens[i - 1]
            pure = before.text == "=" and s.tokens[i - 2].text in (")", "const", "override", "noexcept")
            if not pure:
                is_real = not t.text.lower().startswith("0x") and re.search(r"[.eE]", t.text)
                self.replace("constant", i, i + 1, f"{t.text} + {'1.0' if is_real else '1'}")
        elif t.text in ("true", "false"):
            self.replace("constant", i, i + 1, "false" if t.text == "true" else "true")

    def statements(self, i):
        """A statement that begins at token i, which is left out."""
        s, tokens = self.source, self.source.tokens
        t, before = tokens[i], tokens[i - 1] if i > 0 else None
        if before is None or s.enclosing[i] is None or tokens[s.enclosing[i]].text != "{" or not s.block[s.enclosing[i]]:
            return
        begins = before.text in (";", "{", "}", "else", "do")
        if before.text == ")" and i - 1 in s.partner:
            begins = tokens[s.partner[i - 1] - 1].text in ("if", "while", "for")
        if not begins or t.text in NO_STATEMENT or not (t.kind == "word" or t.text in ("*", "(", "++", "--", "::")):
            return
        if before.text == "}" and not s.block[s.partner[i - 1]] and tokens[s.partner[i - 1] - 1].kind != "operator":
            return  # the end of a local class
        j = i
        while tokens[j].text not in (";", "}"):
            j = s.partner[j] + 1 if j in s.partner and s.partner[j] > j else j + 1
        if tokens[j].text != ";":
            return
        k = i
        while k + 1 < j:  # a declaration: "T name", "T* name", "A<B> name"
            if tokens[k].text in ASSIGNMENT or tokens[k].text in ("(", "[", "{"):
                break
            if tokens[k + 1].kind == "word" and (tokens[k].kind == "word" or (
                    tokens[k].text in ("*", "&", "&&", ">") and k > i and not tokens[k].spaced
                    and tokens[k + 1].start > tokens[k].end)):
                return
            k += 1
            if k in s.partner and tokens[k].text == "<":
                k = s.partner[k]
        start, end = s.piece(i, j + 1)
        self.add("statement", f"without {one_line(s.text[start:end])}", [(start, end, "")], statement=True)

    def conditions(self, i):
        s, tokens = self.source, self.source.tokens
        t = tokens[i]
        if t.text in ("if", "while") and tokens[i + 1].text == "(":
            first, last = i + 2, s.partner[i + 1]
            for j in range(first, last):
                if tokens[j].text == ";" and s.enclosing[j] == i + 1:
                    first = j + 1
            if any(tokens[j].text == "=" and s.enclosing[j] == i + 1 for j in range(first, last)):
                return
            start, end = s.piece(first, last)
            body = tokens[last + 1:last + 3]
            throws = any(b.text in ("throw", "fail", "refuse") or b.text.startswith("refuse") for b in body)
            self.replace("check" if throws else "condition", first, last,
                         "false" if throws else f"!({s.text[start:end]})")
        elif t.text == "?":
            first = s.left(i, 16)
            if first < i:
                start, end = s.piece(first, i)
                self.replace("condition", first, i, f"!({s.text[start:end]})")

    def arguments(self, i):
        """Neighbours among the arguments of a call whose bracket opens at i, exchanged."""
        s, tokens = self.source, self.source.tokens
        before = tokens[i - 1]
        called = before.kind == "word" and before.text not in NO_CALL or (before.text == ">" and i - 1 in s.partner)
        if not called or not s.in_block(i):
            return
        parts, first = [], i + 1
        for j in range(i + 1, s.partner[i] + 1):
            if j == s.partner[i] or (tokens[j].text == "," and s.enclosing[j] == i):
                parts.append((first, j))
                first = j + 1
        for (a, a_end), (b, b_end) in zip(parts, parts[1:]):
            if a == a_end or b == b_end:
                continue
            one, two = s.text[slice(*s.piece(a, a_end))], s.text[slice(*s.piece(b, b_end))]
            if any(c in one + two for c in ";{\"") or one == two or "[&]" in one + two:
                continue
            if any(x.kind == "word" and y.kind == "word" for x, y in zip(tokens[a:b_end], tokens[a + 1:b_end])):
                continue  # "int x": a function's parameters
            self.add("arguments", f"{before.text}({one_line(one)}, {one_line(two)}) exchanged",
                     [(*s.piece(a, a_end), f"handgrad_exchanged<decltype(({one}))>({two})"),
                      (*s.piece(b, b_end), f"handgrad_exchanged<decltype(({two}))>({one})")])

    def all(self):
        for i, t in enumerate(self.source.tokens):
            if self.source.constant[i]:
                continue
            self.operators(i)
            self.constants(i)
            self.statements(i)
            self.conditions(i)
            if t.text == "(" and i > 0:
                self.arguments(i)
        times, named = {}, []
        for m in self.found:
            name = f"{m.file}|{m.text}|{m.kind}|{m.change}"
            times[name] = times.get(name, 0) + 1
            key = hashlib.sha256(f"{name}|{times[name]}".encode()).hexdigest()[:16]
            named.append(m._replace(key=key))
        return named


def mutants_of(file, text):
    """All mutants of a source file."""
    return Maker(file, text).all()


def switched(source, mutants):
    """The source with mutants, each of which its number switches on. @param mutants pairs of number and Mutant
    @returns the text, and for each mutant's edit (start, end, number): the part of the text that tells them apart"""
    edits = [(*edit, number, m.statement) for number, m in mutants for edit in m.edits]
    edits.sort(key=lambda e: (e[0], -e[1], not e[4]))
    parts, places, length = [], [], 0

    def put(text):
        nonlocal length
        parts.append(text)
        length += len(text)

    def render(start, end, some):
        while some:
            outer, rest = some[0], some[1:]
            inner = [e for e in rest if e[1] <= outer[1]]
            put(source[start:outer[0]])
            begin = length
            if outer[4]:
                put(f"if (handgrad_mutant({outer[3]})) {{ {outer[2]} }} else {{ ")
                render(outer[0], outer[1], inner)
                put(" }")
            else:
                put(f"(handgrad_mutant({outer[3]}) ? ({outer[2]}) : (")
                render(outer[0], outer[1], inner)
                put("))")
            places.append((begin, length, outer[3]))
            start, some = outer[1], rest[len(inner):]
        put(source[start:end])

    render(0, len(source), edits)
    return "".join(parts), places
