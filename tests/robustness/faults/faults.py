#!/usr/bin/env python3
"""Lets things go wrong around handgrad's programs, sees what they do, and compares that with the table in faults.md.

    faults.py --writer FILE --disk FILE --chapters DIR --data DIR [--sanitized] (--compare TABLE | --write TABLE)

What must never happen fails the test by itself: a program that hangs or crashes, a file that is neither the old nor the
new one, more than one line of error. The words of what happens are in the table, for people to judge.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import data_faults  # noqa: E402
import disk_faults  # noqa: E402
import process_faults  # noqa: E402
from harness import Setting, faults  # noqa: E402

HEAD = """\
| what goes wrong | what is expected | what happens |
| --- | --- | --- |
"""


def happened(fault, setting):
    with tempfile.TemporaryDirectory(prefix="handgrad-faults-") as folder:
        try:
            return fault.run(setting.at(pathlib.Path(folder)))
        except subprocess.TimeoutExpired:
            return "**it hangs**"
        except AssertionError as error:
            return f"**wrong:** {error}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    for name in ("writer", "disk", "chapters", "data"):
        parser.add_argument("--" + name, type=pathlib.Path, required=True)
    parser.add_argument("--sanitized", action="store_true", help="leave out what a sanitizer makes impossible")
    parser.add_argument("--compare", type=pathlib.Path)
    parser.add_argument("--write", type=pathlib.Path)
    arguments = parser.parse_args()
    setting = Setting(arguments)

    committed = arguments.compare.read_text() if arguments.compare else ""
    rows, wrong = [], 0
    for fault in faults:
        if fault.memory and arguments.sanitized:
            continue
        row = f"| {fault.name} | {fault.expected} | {happened(fault, setting)} |\n"
        if arguments.compare and row not in committed or "**wrong" in row or "**it hangs" in row:
            print("not in the table:" if arguments.compare else "wrong:", row, end="", flush=True)
            wrong += 1
        rows.append(row)
    if arguments.write:
        arguments.write.write_text(HEAD + "".join(rows))
    elif not arguments.sanitized and committed.count("\n") != len(rows) + HEAD.count("\n"):
        print(f"the table has {committed.count(chr(10)) - HEAD.count(chr(10))} faults, {len(rows)} were tried")
        wrong += 1
    print(f"{len(rows)} faults, {wrong} not as in the table")
    return 1 if wrong else 0


# The modules register their faults when they are imported, in this order.
assert data_faults and disk_faults and process_faults
sys.exit(main())
