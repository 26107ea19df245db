#!/usr/bin/env python3
"""Draws the diagrams of the book, docs/diagrams/draw.py [NAME ...]: the numbers in them are computed here.

Each function of chapters.py and operations.py makes one; `@diagram(FILE)` says which. The SVG files are committed, so
that the book needs no Python for them. `draw.py --check` says which of them are not what the functions make.
"""

import pathlib
import sys
import tempfile

import chapters
import operations

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    names = [name for name in sys.argv[1:] if name != "--check"]
    stale = []
    for file, draw in {**chapters.DIAGRAMS, **operations.DIAGRAMS}.items():
        if names and pathlib.Path(file).stem not in names:
            continue
        diagram = draw()
        if "--check" in sys.argv:
            with tempfile.TemporaryDirectory() as folder:
                made = pathlib.Path(folder) / "diagram.svg"
                diagram.write(made)
                if not (ROOT / file).exists() or made.read_bytes() != (ROOT / file).read_bytes():
                    stale.append(file)
        else:
            diagram.write(ROOT / file)
            print(file)
    if stale:
        sys.exit("not what docs/diagrams/draw.py makes: " + ", ".join(stale))


if __name__ == "__main__":
    main()
