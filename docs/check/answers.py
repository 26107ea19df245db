"""Runs the sessions that the pages show, blocks ```console, and compares what they show with what the programs print.

    answers.py SOURCE_TREE BUILD_FOLDER [WORD...]    only of files whose path has one of the words, if any is given

A line "$ command" is run; the lines below it are lines of its output, in order. "..." alone in a line stands for any number
of lines. Numbers are compared within the chapter's TOLERANCE, those after ~ not at all. `./run CHAPTER` runs the program in
the build folder, which must have been built, and the rest of the commands run in the source tree.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

NUMBER = re.compile(r"~\s*[-+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
TIME_LIMIT = 120


class Session:
    def __init__(self, file, line, command):
        self.file, self.line, self.command, self.shown = file, line, command, []


def sessions(path):
    """The sessions in a file: of Markdown, or of a program, whose comments are Markdown."""
    inside, found = False, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if path.suffix != ".md":
            comment = re.match(r"\s*// ?(.*)", line)
            if not comment:
                inside = False
                continue
            line = comment[1]
        line = line.rstrip()
        if re.fullmatch(r"\s*```\s*console", line):
            inside, indent = True, len(line) - len(line.lstrip())
            opened = number
            begun = False
        elif inside and line.strip() == "```":
            inside = False
            if not begun:
                found.append(Session(path, opened, None))
        elif inside:
            line = line[indent:] if not line[:indent].strip() else line
            if line.startswith("$ "):
                found.append(Session(path, number, line[2:].strip()))
                begun = True
            elif begun:
                found[-1].shown.append(line)
            else:
                found.append(Session(path, number, None))
                begun = True
    return found


def chapter_of(source, word):
    """The chapter that `./run WORD` runs, if any."""
    names = sorted(p.parent.name for p in source.glob("chapters/[0-9][0-9]_*/CMakeLists.txt"))
    if word.isdigit():
        word = f"{int(word):02d}"
    for name in names:
        if word in (name, name.split("_", 1)[1], name.split("_", 1)[0]):
            return name
    parts = [name for name in names if word in name] if word not in ("check", "test", "docs", "bench", "help") else []
    return parts[0] if len(parts) == 1 and not word.isdigit() else None


def tolerance_of(source, chapter):
    given = re.search(r"TOLERANCE\s+([\d.eE+-]+)", (source / "chapters" / chapter / "CMakeLists.txt").read_text(encoding="utf-8"))
    return float(given[1]) if given else 1e-6


def same(shown, printed, tolerance):
    """Whether two lines agree: their words exactly, but for blanks between them, their numbers within the tolerance."""
    if [re.sub(r"\s+", " ", part) for part in NUMBER.split(shown.strip())] != \
            [re.sub(r"\s+", " ", part) for part in NUMBER.split(printed.strip())]:
        return False
    for a, b in zip(NUMBER.findall(shown), NUMBER.findall(printed)):
        if a.startswith("~") or b.startswith("~"):
            if a[0] != b[0]:
                return False
        elif abs(float(a) - float(b)) > tolerance * max(abs(float(a)), abs(float(b))):
            return False
    return True


def compare(shown, printed, tolerance):
    """The first line shown that is not printed where it should be; None if all are."""
    shown = [line for line in shown if line.strip()]
    at, free = 0, True  # output above the first line shown may be left out
    for line in shown:
        if line.strip() == "...":
            free = True
            continue
        while at < len(printed) and not same(line, printed[at], tolerance):
            if not free and printed[at].strip():
                return line
            at += 1
        if at == len(printed):
            return line
        at, free = at + 1, False
    return None


def run(source, build, session, folder):
    """What is wrong with a session, or None."""
    if session.command is None:
        return "a block ```console must begin with a line \"$ command\""
    match = re.match(r"\./run (\S+)", session.command)
    chapter = chapter_of(source, match[1]) if match else None
    command, where, tolerance = session.command, source, 1e-6
    if chapter:
        program = build / "chapters" / chapter / chapter
        if not program.exists():
            return f"{program} has not been built"
        command, where, tolerance = str(program) + command[match.end():], folder, tolerance_of(source, chapter)
    if not any(line.strip() for line in session.shown):
        return "no line of the output is shown"
    try:
        done = subprocess.run(["bash", "-c", command], cwd=where, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=TIME_LIMIT, env={**os.environ, "CI": "true"})
    except subprocess.TimeoutExpired:
        return f"takes more than {TIME_LIMIT} seconds"
    line = compare(session.shown, done.stdout.splitlines(), tolerance)
    if line is not None:
        close = [p for p in done.stdout.splitlines() if p.split()[:1] == line.split()[:1]]
        return f"does not print: {line}" + "".join(f"\n    but: {p}" for p in close[:2])
    return None


def main(source, build, words):
    files = [*source.glob("chapters/*/doc/*.md"), *source.glob("chapters/*/*.?pp"), *source.glob("docs/**/*.md"),
             *source.glob("lib/handgrad/ops/*/*.md"), source / "README.md"]
    files = sorted(f for f in files if not words or any(word in str(f.relative_to(source)) for word in words))
    wrong, count = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for session in (s for file in files for s in sessions(file)):
            count += 1
            begin = time.monotonic()
            error = run(source, build, session, folder)
            place = f"{session.file.relative_to(source)}:{session.line}: {session.command}"
            print(f"{place}    {time.monotonic() - begin:.1f} s", flush=True)
            if error:
                wrong.append(f"{place}: {error}")
    print("\n".join(wrong + [f"{count} sessions: {len(wrong)} wrong"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3:]))
