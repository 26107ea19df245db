#!/usr/bin/env python3
"""plant.py ROOT OUT LIST: copies the files that LIST names, a line each, relative to ROOT, to OUT, with all planted
bugs in them. What has not changed is not written again, so that nothing is compiled without need."""
import sys
from pathlib import Path

import mutants


def main(root, out, names):
    try:
        bugs = mutants.all_bugs()
        missing = {b.file for b in bugs} - set(names)
        if missing:
            raise mutants.Rotten(f"no such file: {missing.pop()}")
        for name in names:
            source = (root / name).read_text(encoding="utf-8")
            text = mutants.mutated(source, name, [b for b in bugs if b.file == name])
            copy = out / name
            if not copy.exists() or copy.read_text(encoding="utf-8") != text:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(text, encoding="utf-8")
    except mutants.Rotten as error:
        sys.exit(f"mutants: {error}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]).read_text(encoding="utf-8").split())
