"""Prints the book as one PDF file: a headless Chromium prints its pages, pypdf joins them.

    print.py BUILD_FOLDER PDF_FILE    the folder has html/ and book.txt

After the title page follows a table of contents with page numbers. Pages are numbered, the outline has an entry for each page
of the book, links between pages of the book lead within the file, and what is folded on a page is open.
"""
import base64
import html
import io
import pathlib
import sys
import urllib.parse

try:
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject, NullObject
except ImportError:
    sys.exit("print.py: there is no pypdf (Debian's package python3-pypdf)")

from chromium import Chromium

STYLE = """<!DOCTYPE html><meta charset="utf-8"><style>
    @page { size: A4; margin: 20mm 18mm; }
    body { font-family: Helvetica, Arial, sans-serif; font-size: 11pt; margin: 0; }
    .title { height: 240mm; display: flex; flex-direction: column; justify-content: center; page-break-after: always; }
    .title h1 { font-size: 40pt; margin: 0 0 8mm; } h2 { font-size: 18pt; }
    .entry { display: flex; margin: 1.4mm 0; } .entry.part { margin-left: 8mm; }
    .entry i { flex: 1; border-bottom: 1px dotted #888; margin: 0 2mm 1.2mm; }
</style>"""


def pdf_of(browser):
    data = browser.call("Page.printToPDF", timeout=120, printBackground=True, preferCSSPageSize=True)["data"]
    return PdfReader(io.BytesIO(base64.b64decode(data)))


def written(browser, folder, body):
    """A page of ours, printed. It lies in the book's folder for as long as that takes."""
    page = folder / "print_page.html"
    page.write_text(STYLE + body, encoding="utf-8")
    try:
        browser.open(page.as_uri())
        return pdf_of(browser)
    finally:
        page.unlink()


def contents(entries):
    """The title page and the table of contents, for (title, depth, number of its first page)."""
    rows = "".join(f'<div class="entry{" part" if depth else ""}"><span>{html.escape(title)}</span><i></i>{number}</div>'
                   for title, depth, number in entries)
    return ('<div class="title"><h1>handgrad</h1><div>Every gradient by hand: a textbook that runs</div></div>'
            f"<h2>Contents</h2>{rows}")


def printed(browser, folder, name):
    """A page of the book: its title and its printed pages."""
    page = folder / f"{name}.html"
    wrong = browser.open(page.as_uri())
    if wrong:
        sys.exit(f"print.py: {page.name}: {wrong[0]}")
    browser.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    title = browser.evaluate("(document.querySelector('.headertitle .title') || {}).textContent || document.title")
    return " ".join(title.split()), pdf_of(browser)


def number_pages(writer):
    """Writes the numbers of all pages but the first below their text."""
    def stream(text):
        content = DecodedStreamObject()
        content.set_data(text.encode())
        return writer._add_object(content)

    font = writer._add_object(DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"):
                                                NameObject("/Type1"), NameObject("/BaseFont"): NameObject("/Helvetica")}))
    before = stream("q\n")
    for number, page in enumerate(writer.pages, 1):
        if number == 1:
            continue
        fonts = page["/Resources"].get_object().setdefault(NameObject("/Font"), DictionaryObject()).get_object()
        fonts[NameObject("/PageNumber")] = font
        middle = float(page.mediabox.width) / 2 - 2.5 * len(str(number))
        after = stream(f"\nQ BT /PageNumber 9 Tf 0.3 g {middle:.1f} 26 Td ({number}) Tj ET\n")
        content = page.raw_get("/Contents")
        parts = list(content.get_object()) if isinstance(content.get_object(), list) else [content]
        page[NameObject("/Contents")] = ArrayObject([before, *parts, after])


def lead_within(writer, folder, starts):
    """Makes links to the book's files lead to their first page in this file."""
    for page in writer.pages:
        for reference in page.get("/Annots") or []:
            note = reference.get_object()
            action = note.get("/A", {})
            target = urllib.parse.urlparse(str(action.get("/URI", "")))
            name = pathlib.PurePosixPath(urllib.parse.unquote(target.path))
            if target.scheme != "file" or name.parent != pathlib.PurePosixPath(folder) or name.stem not in starts:
                continue
            start = writer.pages[starts[name.stem]].indirect_reference
            fit = ArrayObject([start, NameObject("/XYZ"), NullObject(), NullObject(), NullObject()])
            note[NameObject("/A")] = DictionaryObject({NameObject("/S"): NameObject("/GoTo"), NameObject("/D"): fit})


def main(build, out):
    folder = build / "html"
    # Not the plain programs: they repeat code.
    names = [line for line in (build / "book.txt").read_text(encoding="utf-8").split("\n") if line and line[0] != "-"]
    browser = Chromium()
    try:
        browser.call("Emulation.setEmulatedMedia", media="print",
                     features=[{"name": "prefers-color-scheme", "value": "light"}])
        documents = [(name, *printed(browser, folder, name)) for name in names]
        chapter = ""
        entries, count = [], len(written(browser, folder, contents([(title, 0, 0) for _, title, _ in documents])).pages)
        starts = {}
        for name, title, document in documents:
            depth = int(chapter != "" and name.startswith(chapter) or name.startswith(("op_", "proof_")))
            chapter = name if name.startswith("chapter_") and not depth else chapter if depth else ""
            starts[name] = count
            entries.append((title, depth, count + 1))
            count += len(document.pages)
        front = written(browser, folder, contents(entries))
    finally:
        browser.close()
    if len(front.pages) != starts[names[0]]:
        sys.exit("print.py: the table of contents did not come out as it was counted")
    writer = PdfWriter()
    for document in [front] + [document for _, _, document in documents]:
        for page in document.pages:
            writer.add_page(page)
    number_pages(writer)
    lead_within(writer, folder.as_posix(), starts)
    above = None
    for (name, title, _), (_, depth, _) in zip(documents, entries):
        item = writer.add_outline_item(title, starts[name], parent=above if depth else None)
        above = above if depth else item
    writer.add_metadata({"/Title": "handgrad: every gradient by hand"})
    out.parent.mkdir(parents=True, exist_ok=True)
    writer.write(str(out))
    print(f"{out}: {count} pages, {out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve())
