"""Checks every page of the book by itself: each link leads to a page and an anchor that exist, each picture is there
and has an alternative text, no id occurs twice.

    links.py HTML_FOLDER    ends with 1 and a list if anything is wrong
"""
import collections
import html.parser
import pathlib
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.ids, self.names, self.links, self.pictures = [], set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if a.get("id"):
            self.ids.append(a["id"])
        if tag == "a" and a.get("name"):
            self.names.add(a["name"])
        if tag in ("a", "link") and a.get("href"):
            self.links.append(a["href"])
        if tag == "script" and a.get("src"):
            self.links.append(a["src"])
        if tag == "img" and a.get("src"):
            self.pictures.append((a["src"], a.get("alt")))
        if tag == "object" and a.get("data"):
            # Doxygen's way to show an SVG file; handgrad.js gives it the text of its caption.
            self.pictures.append((a["data"], "object"))


def main(folder):
    root = pathlib.Path(folder)
    pages = {p.name: Page(p.read_text(encoding="utf-8")) for p in root.glob("*.html")}
    wrong, checked, anchors = [], 0, collections.Counter()
    for name, page in sorted(pages.items()):
        for i, count in collections.Counter(page.ids).items():
            if count > 1 and not i.startswith(("MathJax", "MSearch")):
                wrong.append(f"{name}: id {i} occurs {count} times")
        for link in page.links + [source for source, _ in page.pictures]:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme in ("http", "https", "mailto", "javascript", "data") or parts.netloc:
                continue
            checked += 1
            target = urllib.parse.unquote(parts.path) or name
            if target not in pages:
                if not (root / target).is_file():
                    wrong.append(f"{name}: {link} does not exist")
                continue
            if parts.fragment:
                anchors[target] += 1
                anchor = urllib.parse.unquote(parts.fragment)
                if anchor not in pages[target].ids and anchor not in pages[target].names:
                    wrong.append(f"{name}: {link}: no such anchor")
        for source, alternative in page.pictures:
            if alternative is None or (alternative == "" and "doxygen" not in source):
                wrong.append(f"{name}: {source} has no alternative text")
    for line in wrong:
        print(line)
    print(f"{len(pages)} pages, {checked} links and pictures, {sum(anchors.values())} anchors: {len(wrong)} wrong")
    return 1 if wrong or len(pages) < 50 or checked < 1000 else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: links.py HTML_FOLDER")
    sys.exit(main(sys.argv[1]))
