"""Loads every page of the book in a headless Chromium, wide and narrow: no error in the console, nothing that could not
be loaded, every formula typeset, every picture shown, no page wider than its window.

    pages.py HTML_FOLDER [--screenshots FOLDER [PAGE...]]

With --screenshots it takes pictures, light and dark, of a desktop's and a phone's width, of these pages.
"""
import base64
import multiprocessing
import os
import pathlib
import sys

from chromium import Chromium

STATE = """(() => {
    const pictures = [...document.querySelectorAll('.contents img, .contents object')];
    const wanted = document.querySelectorAll('script[type^="math/tex"]').length;
    return {
        wanted: wanted,
        typeset: document.querySelectorAll('.MathJax_SVG').length,
        formula_errors: document.querySelectorAll('.MathJax_Error, .merror, [data-mjx-error]').length
            + [...document.querySelectorAll('.MathJax_SVG text')].filter(t => t.textContent.includes('\\\\')).length,
        raw: [...document.querySelectorAll('.contents p, .contents li, .contents td')]
            .filter(e => /\\\\f[$\\[\\]]/.test(e.textContent)).length,
        stars: [...document.querySelectorAll('.contents p, .contents li, .contents td')]
            .filter(e => !e.closest('.memproto, .memberdecls, .directory')
                && [...e.childNodes].some(n => n.nodeType === 3 && /\\*\\*|`/.test(n.textContent))).length,
        not_found: (document.querySelector('.contents') || document.body).textContent.split(/\\w+-NOTFOUND/).length - 1,
        pictures: pictures.length,
        missing: pictures.filter(p => p.tagName === 'IMG' ? !p.complete || p.naturalWidth === 0
            : p.getBoundingClientRect().height < 10).length,
        too_wide: document.documentElement.scrollWidth - window.innerWidth
    };
})()"""


def size(browser, width, height, phone, dark=False):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
    browser.call("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])


def check_some(pages):
    """What is wrong with these (page, width, height, phone), and how many formulas and pictures they have."""
    browser, wrong, formulas, pictures = Chromium(), [], 0, 0
    try:
        for page, width, height, phone in pages:
            size(browser, width, height, phone)
            errors = browser.open(page.as_uri())
            state = browser.evaluate(STATE)
            formulas += state["typeset"]
            pictures += state["pictures"]
            if state["typeset"] != state["wanted"]:
                errors.append(f"{state['typeset']} formulas typeset of {state['wanted']}")
            for key, what in (("formula_errors", "formulas in error"), ("raw", "formulas left as they were written"),
                              ("stars", "texts with stars or backquotes left"), ("missing", "pictures not shown"),
                              ("not_found", "names that CMake did not find")):
                if state[key]:
                    errors.append(f"{state[key]} {what}")
            if state["too_wide"] > 1:
                errors.append(f"{state['too_wide']} pixels wider than the window")
            wrong += [f"{page.name} at {width}: {error}" for error in errors]
    finally:
        browser.close()
    return wrong, formulas, pictures


def check(folder):
    pages = sorted(folder.glob("*.html"))
    # The narrow layout of the reference is one and the same on all of its pages.
    work = [(page, 1280, 900, False) for page in pages] + [
        (page, 390, 844, True) for page in pages
        if page.name.startswith(("chapter", "op_", "index", "errata", "glossary", "notation", "from_"))]
    workers = min(8, os.cpu_count() or 1)
    with multiprocessing.Pool(workers) as pool:
        results = pool.map(check_some, [work[i::workers] for i in range(workers)], chunksize=1)
    wrong = sorted(line for result in results for line in result[0])
    formulas, pictures = sum(r[1] for r in results), sum(r[2] for r in results)
    print("\n".join(wrong + [f"{len(work)} pages loaded, {formulas} formulas, {pictures} pictures: {len(wrong)} wrong"]))
    return not wrong and formulas > 500


def take_screenshots(browser, folder, out, names):
    out.mkdir(parents=True, exist_ok=True)
    for name in names:
        for device, width, height in (("desktop", 1280, 900), ("phone", 390, 844)):
            for mode in ("light", "dark"):
                size(browser, width, height, device == "phone", mode == "dark")
                browser.open((folder / f"{name}.html").as_uri())
                picture = browser.call("Page.captureScreenshot", format="png")["data"]
                (out / f"{name}_{device}_{mode}.png").write_bytes(base64.b64decode(picture))


def main(arguments):
    if not arguments or (len(arguments) > 1 and (arguments[1] != "--screenshots" or len(arguments) < 4)):
        sys.exit(__doc__)
    folder = pathlib.Path(arguments[0]).resolve()
    if len(arguments) == 1:
        return 0 if check(folder) else 1
    browser = Chromium()
    try:
        take_screenshots(browser, folder, pathlib.Path(arguments[2]), arguments[3:])
    finally:
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
