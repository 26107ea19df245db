"""The table of planted bugs on the page docs/mutants.md: which test caught which one, and what it said. As a program,
caught.py PAGE checks that the table lists the bugs that there are, and no others."""
import re
import sys
import tempfile
from pathlib import Path

import mutants

HEAD = "| bug | what is wrong | in | caught by | which says |\n| --- | --- | --- | --- | --- |\n"


def error_of(case):
    """What went wrong first in a test of Catch2's XML report, in one line."""
    notes = []
    for element in case.iter():
        text = " ".join("".join(element.itertext()).split())
        if element.tag == "Info":
            notes.append(text)
        elif element.tag == "Exception":
            return "throws: " + text
        elif element.tag == "FatalErrorCondition":
            return "dies: " + text
        elif element.tag == "Failure":
            return text
        elif element.tag == "Expression":
            if element.get("success") != "true":
                return error_of_check(element, notes)
            notes = []
    return "fails"


def error_of_check(element, notes):
    """A failed check: the worst entry of a gradient; otherwise what was compared, and of which case."""
    for note in notes:
        worst = re.search(r"FAILED.* error relative (\S+) (\S+) (\S+) (\S+) (\S+)", note)
        if worst:
            entry, analytic, numeric, _, relative = worst.groups()
            return f"{entry} is {float(analytic):.4g}, numerically {float(numeric):.4g}: relative error {relative}"
    thrown = element.find("Exception")
    if thrown is not None:
        return "throws: " + " ".join(thrown.text.split())
    original, expanded = (" ".join(element.find(tag).text.split()) for tag in ("Original", "Expanded"))
    says_nothing = expanded in ("false", "true", "!true", "!false") or "\\x" in expanded # bytes of a file
    says = "false: " + (original if says_nothing else expanded)
    return f"{says} ({notes[-1]})" if notes else says


def code(text):
    """Text for a cell, to be shown as it is."""
    text = re.sub(re.escape(tempfile.gettempdir()) + r"/[^ /]*/", "", text)
    # Doxygen ends code at a straight quote.
    text = text.replace("|", "¦").replace("`", "’").replace("'", "’").replace("\\", "/")
    return "`" + (text if len(text) <= 110 else text[:107] + "...") + "`"


def row(bug, failure):
    who = [code(failure.test), code(failure.error)] if failure else ["nobody", ""]
    return "| " + " | ".join([code(bug.name), bug.what, code(bug.file)] + who) + " |\n"


def rows(page):
    """The table's lines: bug's name -> line."""
    lines = page.split(HEAD)[1].splitlines(keepends=True) if HEAD in page else []
    return {re.match(r"\| `([^`]*)`", line)[1]: line for line in lines if line.startswith("| `")}


def read(path):
    """The name of the test that caught each bug, by the table; nothing where there is none."""
    found = {}
    for name, line in rows(path.read_text(encoding="utf-8")).items():
        found[name] = line.split(" | ")[3].strip("`")
    return found


def write(path, bugs, found):
    """Puts the table on the page. A line whose bug, file and test are the same stays: digits differ between machines.
    @returns whether the page has changed"""
    page = path.read_text(encoding="utf-8")
    old, text = rows(page), ""
    for bug in bugs:
        new = row(bug, found[bug.name])
        before = old.get(bug.name, "")
        text += before if before.split(" | ")[:4] == new.split(" | ")[:4] else new
    new_page = page.split(HEAD)[0] + HEAD + text
    path.write_text(new_page, encoding="utf-8")
    return new_page != page


def check(path, bugs):
    """What is wrong with the table, or None."""
    listed, names = read(path), [b.name for b in bugs]
    for name in names:
        if listed.get(name, "nobody") == "nobody":
            return f"{path.name}: nobody catches {name}"
    for name in listed:
        if name not in names:
            return f"{path.name}: {name} is not in the list of planted bugs"
    return None


if __name__ == "__main__":
    problem = check(Path(sys.argv[1]), mutants.all_bugs())
    if problem:
        sys.exit(f"mutants: {problem}; ./run test --long writes the table")
