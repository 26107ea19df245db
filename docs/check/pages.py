"""Loads every page of the book in a headless Chromium, wide and narrow: no error in the console, nothing that could not
be loaded, every formula typeset, every picture shown, no page wider than its window. On the pages of the book, which
book.txt beside the folder names, code and tables fit into 1280 pixels, and text has a contrast of 4.5, light and dark.

    pages.py HTML_FOLDER [--screenshots FOLDER [PAGE...]]

With --screenshots it takes pictures, light and dark, of a desktop's and a phone's width, of these pages.
"""
import base64
import multiprocessing
import os
import pathlib
import re
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

# Code and tables that do not fit, everything unfolded. A line of code that would be broken does not fit either; but a long
# line that a program printed may be, since it is one on the terminal, too.
TOO_WIDE = """(() => {
    document.querySelectorAll('details').forEach(d => { d.open = true; });
    const style = document.createElement('style');
    style.textContent = 'div.fragment .line, pre.fragment { white-space: pre !important; overflow-wrap: normal !important; }'
        + '.console .fragment .line, .output .fragment .line, .output pre.fragment { white-space: pre-wrap !important; overflow-wrap: anywhere !important; }';
    document.head.append(style);
    const wide = [...document.querySelectorAll('.contents div.fragment, .contents pre, .contents table, .contents tbody')]
        .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0).map(e => {
            const lines = e.tagName === 'DIV' ? [...e.querySelectorAll('.line')].map(l => l.textContent) : e.innerText.split('\\n');
            const longest = lines.reduce((a, b) => b.length > a.length ? b : a, '');
            return (e.tagName[0] === 'T' ? 'a table' : 'code') + ` is ${e.scrollWidth - e.clientWidth} pixels too wide: `
                + longest.trim().slice(0, 70);
        });
    style.remove();
    return wide;
})()"""

# Text whose colour is too near to what is behind it, everything unfolded: WCAG's contrast, below 4.5.
PALE = """(() => {
    document.querySelectorAll('details').forEach(d => { d.open = true; });
    const colour = text => {
        const n = text.match(/[\\d.]+/g).map(Number);
        return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1];
    };
    const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
    const background = e => {
        const layers = [];
        for (; e; e = e.parentElement) {
            const c = colour(getComputedStyle(e).backgroundColor);
            if (c[3] > 0) { layers.push(c); }
            if (c[3] === 1) { break; }
        }
        return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
    };
    const luminance = c => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
        const v = c[i] / 255;
        return sum + weight * (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    }, 0);
    const contrast = (a, b) => {
        const [x, y] = [luminance(a), luminance(b)];
        return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
    };
    const found = new Map(), seen = new Map();
    const check = (e, pseudo, what) => {
        const style = getComputedStyle(e, pseudo), behind = background(e);
        const key = style.color + '|' + behind;
        if (seen.has(key)) { return; }
        const ratio = contrast(over(colour(style.color), behind), behind);
        seen.set(key, ratio);
        if (ratio < 4.5) { found.set(key, `contrast ${ratio.toFixed(1)} of ${style.color}: ${what.trim().slice(0, 50)}`); }
    };
    const parts = document.querySelectorAll('.contents, .header .title, nav.book-navigation, #nav-tree, #projectname, #projectbrief');
    for (const part of parts) {
        const walk = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
        for (let node; (node = walk.nextNode());) {
            const e = node.parentElement, box = e.getBoundingClientRect();
            if (!node.textContent.trim() || e.closest('script, svg, .ttc, .MathJax_Preview') || !box.width || !box.height) { continue; }
            const style = getComputedStyle(e);
            if (style.visibility === 'hidden' || style.opacity === '0') { continue; }
            check(e, null, node.textContent);
        }
        for (const line of part.querySelectorAll('.numbered .line')) { check(line, '::before', 'line numbers'); break; }
        for (const formula of part.querySelectorAll('.MathJax_SVG')) { check(formula, null, 'formula'); }
    }
    return [...found.values()];
})()"""


def size(browser, width, height, phone, dark=False):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
    browser.call("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])


def look_closely(browser, page):
    """What is too wide and what is too pale on a page of the book that has been loaded, light; then the same, dark."""
    errors = browser.evaluate(TOO_WIDE) + browser.evaluate(PALE)
    size(browser, 1280, 900, False, dark=True)
    errors += browser.open(page.as_uri())
    return errors + ["dark: " + error for error in browser.evaluate(PALE)]


def check_some(pages):
    """What is wrong with these (page, width, height, phone, of the book), and how many formulas and pictures they have."""
    browser, wrong, formulas, pictures = Chromium(), [], 0, 0
    try:
        for page, width, height, phone, book in pages:
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
            if book:
                errors += look_closely(browser, page)
            wrong += [f"{page.name} at {width}: {error}" for error in errors]
    finally:
        browser.close()
    return wrong, formulas, pictures


# What a reader may look for, and a page that has to be among the first eight found.
SEARCHES = {"backprop": "chapter_05_two_layer_net.html", "chain rule": "chapter_0[45]_|op_", "learning rate": "chapter_07_sgd",
            "convolution backward": "chapter_09_cnn|op_conv2d", "linear_forward": "LinearOperations|op_linear"}


def check_search(folder):
    """What the search box does not find, and what its box on the page does not show."""
    browser, wrong = Chromium(), []
    try:
        size(browser, 1280, 900, False)
        wrong += browser.open((folder / "index.html").as_uri())
        for words, page in SEARCHES.items():
            found = browser.evaluate(f"handgradSearch({words!r}).then(entries => entries.slice(0, 8).map(e => e[0]))")
            if not any(re.search(page, place) for place in found):
                wrong.append(f"search for \"{words}\" does not find {page}: {found}")
        browser.evaluate("""new Promise(done => {
            const input = document.getElementById('book-search');
            input.value = 'chain rule';
            input.dispatchEvent(new Event('input'));
            setTimeout(done, 500);
        })""")
        if not browser.evaluate("document.querySelectorAll('#book-results a mark').length"):
            wrong.append("the search box shows nothing for \"chain rule\"")
    finally:
        browser.close()
    return ["search: " + error for error in wrong]


def check(folder):
    pages = sorted(folder.glob("*.html"))
    book = {line.removeprefix("- ") + ".html" for line in (folder.parent / "book.txt").read_text(encoding="utf-8").splitlines()}
    # The narrow layout of the reference is one and the same on all of its pages.
    work = [(page, 1280, 900, False, page.name in book) for page in pages]
    work += [(page, 390, 844, True, False) for page in pages if page.name in book]
    workers = min(8, os.cpu_count() or 1)
    with multiprocessing.Pool(workers) as pool:
        results = pool.map(check_some, [work[i::workers] for i in range(workers)], chunksize=1)
    wrong = sorted(line for result in results for line in result[0])
    formulas, pictures = sum(r[1] for r in results), sum(r[2] for r in results)
    wrong = list(dict.fromkeys(wrong)) + check_search(folder)
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
