"""Writes what the search box of the book looks through: the text of every page of the book, section by section, and each
name of the reference with what is said of it.

    make_index.py HTML_FOLDER BOOK    writes HTML_FOLDER/search_text.js; the file BOOK has the book's pages, one a line
"""
import html.parser
import json
import pathlib
import re
import sys

HEADINGS = ("h1", "h2", "h3", "h4")
VOID = ("img", "br", "hr", "input", "meta", "link", "area", "col")
# Parts of a page that say nothing, or that stand somewhere else as well.
SKIPPED_TAGS = ("script", "style", "nav")
SKIPPED_CLASSES = ("fragment", "toc", "ttc", "where", "permalink", "anchorlink", "memproto", "mlabels", "navpath", "dyncontent")
NAME, PAGE, IDEA, EXERCISES = range(4)  # what an entry is: search_box.js weighs them
LONGEST = 6000  # characters of a section; nobody reads further to see whether a page is the right one


def readable(text):
    """Text with its short formulas as they are read and its long ones left out."""
    def formula(match):
        inside = re.sub(r"\\(?:mathrm|text|operatorname)\{(\w+)\}", r"\1", match[1])
        inside = re.sub(r"\\(log|exp|max|min|eta|beta|lambda|mu|sigma|epsilon|delta|alpha|gamma)\b", r"\1", inside).replace("\\top", "T")
        return inside if len(inside) < 30 and "\\" not in inside else "\u2026"
    text = re.sub(r"\\\((.*?)\\\)", formula, text, flags=re.S)
    text = re.sub(r"\\\[.*?\\\]", " ", text, flags=re.S)
    return re.sub(r"\s+", " ", text).strip()


class Sections(html.parser.HTMLParser):
    """The sections of a page's contents: (anchor, heading, text)."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.title, self.sections, self.anchor = "", [["", "", ""]], ""
        self.open, self.skip, self.heading, self.in_title = [], None, None, False
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        classes = (a.get("class") or "").split()
        if tag in VOID:
            if tag == "img" and self.inside and self.skip is None:
                self.sections[-1][2] += " " + (a.get("alt") or "") + " "
            return
        self.open.append(tag)
        if "contents" in classes:
            self.inside = True
        if tag == "div" and "title" in classes:
            self.in_title = True
        if self.skip is None and (tag in SKIPPED_TAGS or any(c in SKIPPED_CLASSES for c in classes)):
            self.skip = len(self.open)
        if tag == "a" and a.get("id") and self.inside:
            self.anchor = a["id"]
            if self.heading is not None:  # Doxygen puts the anchor into the heading
                self.sections[-1][0] = self.anchor
        if self.inside and self.skip is None and tag in HEADINGS:
            self.sections.append([self.anchor if "memtitle" in classes else "", "", ""])
            self.heading = len(self.open)

    def handle_endtag(self, tag):
        if tag in VOID or tag not in self.open:
            return
        while self.open:
            depth = len(self.open)
            last = self.open.pop()
            if self.skip == depth:
                self.skip = None
            if self.heading == depth:
                self.heading = None
            if last == "div":
                self.in_title = False
            if last == tag:
                break
        if self.inside and tag in ("p", "li", "td", "th", "div", "dt", "dd", "summary", "pre"):
            self.handle_data(" ")

    def handle_data(self, data):
        if self.in_title and not self.inside:
            self.title += data
        elif self.inside and self.skip is None:
            self.sections[-1][1 if self.heading is not None else 2] += data


def main(folder, book):
    entries = []
    for name in [line.removeprefix("- ") for line in book.read_text(encoding="utf-8").split("\n") if line]:
        if name.endswith("_plain") or name.startswith("proof_"):
            continue  # code, which stands on other pages as well
        page = Sections((folder / f"{name}.html").read_text(encoding="utf-8"))
        title = readable(page.title)
        # Where an idea is explained counts more than where it is asked for.
        idea = name.startswith("chapter_") and "_program" not in name
        kind = EXERCISES if name.endswith("_exercises") else IDEA if idea else PAGE
        for anchor, heading, text in page.sections:
            heading, text = readable(heading), readable(text)[:LONGEST]
            if heading or text:
                entries.append([f"{name}.html" + (f"#{anchor}" if anchor else ""), title, heading, text, kind])
    of_the_book = len(entries)
    for path in sorted(folder.glob("*.html")):
        if not re.match(r"(class|struct|namespace)handgrad", path.name) or path.name.endswith("-members.html"):
            continue
        page = Sections(path.read_text(encoding="utf-8"))
        title = readable(page.title).replace(" Reference", "")
        entries.append([path.name, title, "", readable(page.sections[0][2])[:300], NAME])
        for anchor, heading, text in page.sections[1:]:
            name = readable(heading).removeprefix("\u25c6").strip()
            if re.fullmatch(r"[\w~:=<>+*/ -]+\(\)|\w+", name) and anchor:
                entries.append([f"{path.name}#{anchor}", title, name, readable(text)[:300], NAME])
    script = "handgradSearchText(" + json.dumps(entries, ensure_ascii=False, separators=(",", ":")) + ");\n"
    (folder / "search_text.js").write_text(script, encoding="utf-8")
    print(f"search: {of_the_book} sections of the book, {len(entries) - of_the_book} names, {len(script) / 1e6:.1f} MB")
    return 0 if of_the_book > 100 else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
