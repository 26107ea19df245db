"""Prints the front page, the chapters and the derivations as PDF files, by a headless Chromium.

    print.py HTML_FOLDER PDF_FOLDER
"""
import base64
import pathlib
import sys

from chromium import Chromium


def main(folder, out):
    out.mkdir(parents=True, exist_ok=True)
    browser = Chromium()
    try:
        browser.call("Emulation.setEmulatedMedia", media="print",
                     features=[{"name": "prefers-color-scheme", "value": "light"}])
        for page in sorted(folder.glob("*.html")):
            if page.name.startswith(("index", "chapter_", "op_", "notation", "glossary", "errata", "from_pytorch")):
                wrong = browser.open(page.as_uri())
                if wrong:
                    sys.exit(f"{page.name}: {wrong[0]}")
                pdf = browser.call("Page.printToPDF", timeout=120, printBackground=True, preferCSSPageSize=True)
                (out / (page.stem + ".pdf")).write_bytes(base64.b64decode(pdf["data"]))
    finally:
        browser.close()
    print(f"{len(list(out.glob('*.pdf')))} PDF files in {out}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]))
