#!/usr/bin/env python3
"""plant_machine.py ROOT OUT LIST CHOSEN: copies the files that LIST names, a line each, relative to ROOT, to OUT, with the
mutants of generate.py in them whose keys CHOSEN lists; the number of a mutant is its place in that list, from 1. What has
not changed is not written again. OUT/places.json says where each mutant has come to be."""
import json
import sys
from pathlib import Path

import generate


def main(root, out, names, chosen):
    numbers = {key: i + 1 for i, key in enumerate(chosen) if key}
    places = {}
    for name in names:
        text = (root / name).read_text(encoding="utf-8")
        if name.startswith("lib/") and numbers:
            mutants = [(numbers[m.key], m) for m in generate.mutants_of(name, text) if m.key in numbers]
            if mutants:
                head = '#include "handgrad_mutant.hpp"\n'
                text, where = generate.switched(text, mutants)
                text = head + text
                places[name] = [(start + len(head), end + len(head), number) for start, end, number in where]
        copy = out / name
        if not copy.exists() or copy.read_text(encoding="utf-8") != text:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text, encoding="utf-8")
    (out / "places.json").write_text(json.dumps(places), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]).read_text(encoding="utf-8").split(),
         json.loads(Path(sys.argv[4]).read_text(encoding="utf-8")))
