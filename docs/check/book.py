"""Checks what a book needs beyond pages that load: neighbours, figures, output beside its code, answers, one notation.

    book.py SOURCE_TREE BUILD_FOLDER    the folder has html/, woven/ and book.txt; ends with 1 and a list if anything is wrong
"""
import collections
import html
import html.parser
import pathlib
import re
import sys

VOID = ("img", "br", "hr", "input", "meta", "link", "area", "col")
# Pages that quote what others write, in their letters.
QUOTING = ("errata", "notation", "from_pytorch", "planted_bugs", "proof_operations", "proof_sgd", "proof_program")
COMMANDS = re.findall(r"\w+", """alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi
    varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi
    Omega ell hbar imath jmath""")  # those that stand for a letter


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent, self.children = tag, attributes, parent, []

    def classes(self):
        return (self.attributes.get("class") or "").split()

    def all(self, *tags):
        for child in self.children:
            if isinstance(child, Element):
                if not tags or child.tag in tags:
                    yield child
                yield from child.all(*tags)

    def text(self):
        return "".join(child.text() if isinstance(child, Element) else child for child in self.children)


class Tree(html.parser.HTMLParser):
    """A page as a tree of elements, forgiving what browsers forgive."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.root = self.here = Element("", {}, None)
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        element = Element(tag, dict(attributes), self.here)
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag, attributes):
        self.here.children.append(Element(tag, dict(attributes), self.here))

    def handle_endtag(self, tag):
        at = self.here
        while at.parent is not None and at.tag != tag:
            at = at.parent
        if at.parent is not None:
            self.here = at.parent

    def handle_data(self, data):
        self.here.children.append(data)


def read_page(folder, name):
    return Tree((folder / f"{name}.html").read_text(encoding="utf-8")).root


def neighbours(order, pages):
    """Each page of the book leads to the one before and the one after it; one after "- " is led to by none."""
    wrong = []
    main = [line for line in order if not line.startswith("- ")]
    for i, line in enumerate(order):
        name = line.removeprefix("- ")
        before = [p for p in order[:i] if not p.startswith("- ")]
        after = [p for p in order[i + 1:] if not p.startswith("- ")]
        for kind, expected in (("prev", before[-1:]), ("next", after[:1])):
            links = [e.attributes.get("href") for e in pages[name].all("a", "link") if e.attributes.get("rel") == kind]
            wanted = [f"{page}.html" for page in expected]
            word = "previous" if kind == "prev" else "next"
            if wanted and not links:
                wrong.append(f"{name}.html has no link to the {word} page")
            elif set(links) != set(wanted) or len(links) != 2 * len(wanted):  # for eyes and for keys
                wrong.append(f"{name}.html: {word} is {links}, not {wanted}")
    return wrong if len(main) > 1 else wrong + ["the book has no pages"]


def by_chapter(pages):
    chapters = collections.defaultdict(list)
    for name, page in pages.items():
        match = re.match(r"chapter_(\d\d)_", name)
        if match:
            chapters[match[1]].append(page)
    return dict(chapters)


def figures(pages):
    """Each chapter has a figure."""
    return [f"chapter {number} has no figure" for number, of_it in sorted(by_chapter(pages).items())
            if not any("image" in e.classes() and list(e.all("img", "object")) for page in of_it for e in page.all("div"))]


def output(pages, source):
    """Each line of a chapter's expected output is on its pages, in order, once, below the code."""
    wrong = []
    for number, of_it in sorted(by_chapter(pages).items()):
        expected = next(source.glob(f"chapters/{number}_*/expected/output.txt"), None)
        if expected is None:
            wrong.append(f"chapter {number} has no expected/output.txt")
            continue
        shown = [line.rstrip() for page in of_it for box in page.all("div", "details") if "output" in box.classes()
                 for pre in box.all("pre") for line in pre.text().splitlines() if line.strip()]
        lines = [(i, line.rstrip()) for i, line in enumerate(expected.read_text(encoding="utf-8").splitlines(), 1) if line.strip()]
        for i, (place, line) in enumerate(lines):
            if i >= len(shown) or shown[i] != line:
                wrong.append(f"chapter {number} does not show line {place} of its output at its place: {line}")
                break
        else:
            if len(shown) > len(lines):
                wrong.append(f"chapter {number} shows more than its program prints: {shown[len(lines)]}")
    return wrong


def answers(pages):
    """Each question below "Try it" and "Quiz" has an answer that unfolds."""
    wrong = []
    for name, page in pages.items():
        section, asked = None, 0
        for element in page.all("h1", "h2", "h3", "h4", "li"):
            if element.tag != "li":
                section, asked = element.text().strip(), 0
            elif section in ("Try it", "Quiz") and element.parent.tag == "ol" and \
                    not any(a.tag in ("li", "details") for a in ancestors(element)):
                asked += 1
                folded = [d for d in element.all("details") if len(d.text().split()) > len("Answer".split())]
                if not folded:
                    wrong.append(f"{name}.html: \"{section}\" {asked} has no answer: {' '.join(element.text().split())[:60]}")
    return wrong


def captions(pages):
    """A caption is text: stars and backquotes are shown as they are."""
    return [f"{name}.html: a caption with marks that are not shown as meant: {' '.join(box.text().split())[:60]}"
            for name, page in pages.items() for box in page.all("div")
            if "caption" in box.classes() and re.search(r"[`*]", box.text())]


def broken_lists(source):
    """A line of prose that begins with a number and a dot begins a list, also where the sentence before ended so: of\\n16. The."""
    wrong = []
    files = [*source.glob("docs/*.md"), *source.glob("lib/handgrad/ops/*/*.md"), *source.glob("chapters/*/doc/*.md"),
             *source.glob("chapters/*/*.?pp")]
    for file in files:
        before = 0
        for place, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            line = re.sub(r"^//", "", line) if file.suffix != ".md" else line
            item = re.match(r"\s*(\d+)\. ", line)
            if item:
                if int(item[1]) not in (1, before + 1):
                    wrong.append(f"{file.relative_to(source)}:{place}: this line begins a list: {line.strip()[:60]}")
                before = int(item[1])
            elif re.match(r"\s*#", line):
                before = 0
    return wrong


def ancestors(element):
    while element.parent is not None:
        element = element.parent
        yield element


def formulas(page):
    """The formulas of a page, but for those in code."""
    def text_of(element):
        if element.tag in ("pre", "code", "script") or "fragment" in element.classes() or "ttc" in element.classes():
            return " "
        return "".join(text_of(c) if isinstance(c, Element) else c for c in element.children)
    text = text_of(page)
    return re.findall(r"\\\((.*?)\\\)", text, re.S) + re.findall(r"\\\[(.*?)\\\]", text, re.S)


def letters(formula):
    """The letters of a formula: those of the alphabet, and commands that stand for one. Words do not count."""
    words = r"\\(?:text|mathrm|operatorname\*?|mathtt|texttt|textrm|mathsf|begin|end|label|tag|href|color)\s*(?:\{[^{}]*\}|\w)"
    formula = re.sub(words, " ", formula)
    found = set()
    for command in re.findall(r"\\([A-Za-z]+)", formula):
        if command in COMMANDS:
            found.add("\\" + command)
    return found | set(re.findall(r"[A-Za-z]", re.sub(r"\\[A-Za-z]+", " ", formula)))


def notation(text):
    """Letters that the tables `| letter | ... |` of the notation explain, and those that two rows explain."""
    known, where, twice = set(), {}, []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[0].lower() in ("letter", "letters", "symbol"):
            inside = True
        elif inside and not cells[0].startswith("---"):
            for symbol in re.split(r"[,;]\s+|\.\.\.", re.sub(r"\\f\$|[`*]", "", cells[0])):
                symbol = re.sub(r"\s|\\,", "", symbol)
                if not symbol:
                    continue
                # A subscript of several letters is a word: D_in.
                known |= letters(re.sub(r"_\{?\\?\w*\{?[A-Za-z]{2,}\}*|_[A-Za-z]{2,}", "", symbol))
                if symbol in where and where[symbol] != line:
                    twice.append(f"docs/notation.md: {symbol} has two meanings: \"{cells[1]}\" and "
                                 f"\"{where[symbol].split(' | ')[1]}\"")
                where[symbol] = line
    return known, twice


def one_notation(pages, source):
    """Every letter of a formula is in the notation, where no letter means two things; there is one transpose."""
    known, wrong = notation((source / "docs/notation.md").read_text(encoding="utf-8"))
    for name, page in pages.items():
        if name in QUOTING:
            continue
        unknown = collections.defaultdict(list)
        for formula in formulas(page):
            for letter in letters(formula) - known:
                unknown[letter].append(formula)
            if re.search(r"\^\{?\s*(T\b|\\mathrm\{T\}|\\text\{T\}|\\intercal)", formula):
                wrong.append(f"{name}.html: a transpose other than \\top: {formula.strip()[:60]}")
        wrong += [f"{name}.html: {letter} is not in docs/notation.md: {' '.join(where[0].split())[:60]}"
                  for letter, where in sorted(unknown.items())]
    return wrong


def main(source, build):
    order = [line for line in (build / "book.txt").read_text(encoding="utf-8").split("\n") if line]
    pages = {line.removeprefix("- "): read_page(build / "html", line.removeprefix("- ")) for line in order}
    problems = (build / "woven/problems.txt").read_text(encoding="utf-8").splitlines()
    wrong = problems + neighbours(order, pages) + figures(pages) + output(pages, source) + answers(pages)
    wrong += captions(pages) + broken_lists(source) + one_notation(pages, source)
    count = sum(len(formulas(page)) for page in pages.values())
    print("\n".join(wrong + [f"{len(pages)} pages of the book, {count} formulas: {len(wrong)} wrong"]))
    return 1 if wrong or len(pages) < 50 or count < 500 else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
