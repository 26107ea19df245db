"""Runs every shell command that README, CONTRIBUTING and the pages show, in the order in which they stand there.

    commands.py SOURCE_TREE [--list]

Each text's commands run in one shell, in the source tree; the home folder is a temporary one, so that "install to
~/handgrad" touches nobody's. What would run all tests inside of a test, or make the book inside of its own check, is
named in SKIPPED, with the reason; the CI runs it by itself.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SKIPPED = {
    r"\./run test$": "all tests, which the CI runs",
    r"\./run test --long": "takes an hour",
    r"tests/mutants/run": "takes an hour, or a day",
    r"\./run coverage|tests/fuzz/run": "take many minutes and compilers of their own",
    r"\./run docs\b": "this check is a part of it",
    r"HANDGRAD_PRESET=cuda": "needs a GPU",
    r"ctest --preset": "all tests, which the CI runs",
    r"\./run bench\b": "takes many minutes; the tests labelled benchmark run it with small sizes",
}


def commands(text):
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S):
        for line in block.replace("\\\n", " ").splitlines():
            line = re.sub(r"\s+#\s.*$", "", line).strip()
            if line:
                yield line


def main(root, only_list):
    texts = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md")),
             *sorted((root / "chapters").glob("*/doc/*.md"))]
    seen, failed, skipped = {}, [], 0
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HOME": home, "CI": "true"}
        for text in texts:
            for line in commands(text.read_text(encoding="utf-8")):
                if line in seen:
                    continue
                seen[line] = text
                reason = next((why for pattern, why in SKIPPED.items() if re.search(pattern, line)), None)
                print(f"{text.relative_to(root)}: {line}" + (f"    [not run: {reason}]" if reason else ""), flush=True)
                if reason or only_list:
                    skipped += 1
                    continue
                done = subprocess.run(["bash", "-c", line], cwd=root, env=environment, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                if done.returncode != 0:
                    failed.append(line)
                    print(done.stdout[-2000:] + f"\n  ended with {done.returncode}")
    print(f"{len(seen)} commands, {skipped} not run: {len(failed)} failed")
    return 1 if failed or len(seen) < 10 else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--list"]):
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), len(sys.argv) == 3))
