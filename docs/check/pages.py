"""Loads every page of the book in a headless Chromium, wide and narrow: no error in the console, nothing that could not
be loaded, every formula typeset, every picture shown, no page wider than its window.

    pages.py HTML_FOLDER [--screenshots FOLDER [PAGE...]]

With --screenshots it takes pictures, light and dark, of a desktop's and a phone's width, of these pages.
"""
import base64
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


def check(browser, folder):
    wrong, pages, formulas, pictures = [], sorted(folder.glob("*.html")), 0, 0
    for width, height, phone in ((1280, 900, False), (390, 844, True)):
        size(browser, width, height, phone)
        for page in pages:
            if phone and not page.name.startswith(("chapter", "op_", "index", "errata", "glossary", "notation", "from_")):
                continue  # the narrow layout of the reference is one and the same on all of its pages
            errors = browser.open(page.as_uri())
            state = browser.evaluate(STATE)
            formulas += state["typeset"]
            pictures += state["pictures"]
            if state["typeset"] != state["wanted"]:
                errors.append(f"{state['typeset']} formulas typeset of {state['wanted']}")
            for key, what in (("formula_errors", "formulas in error"), ("raw", "formulas left as they were written"),
                              ("missing", "pictures not shown")):
                if state[key]:
                    errors.append(f"{state[key]} {what}")
            if state["too_wide"] > 1:
                errors.append(f"{state['too_wide']} pixels wider than the window")
            wrong += [f"{page.name} at {width}: {error}" for error in errors]
    print("\n".join(wrong))
    print(f"{len(pages)} pages, {formulas} formulas, {pictures} pictures: {len(wrong)} wrong")
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
    browser = Chromium()
    try:
        if len(arguments) > 1:
            take_screenshots(browser, folder, pathlib.Path(arguments[2]), arguments[3:])
            return 0
        return 0 if check(browser, folder) else 1
    finally:
        browser.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
