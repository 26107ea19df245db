"""Mutants made by machine, over all of lib: which there are, how they get into one program, and which tests catch them.
"run --sample N" and "run --all" call it.

A sample is the same in every run: the mutants whose keys come first. A batch of mutants is compiled into one program; those
that the compiler refuses are found by the places of its messages, and dropped. Then every test runs once by itself, and
notes the mutants whose place it goes through. With a mutant at work only those tests run, the quick ones first, until one
fails. What no test catches either is listed in listed.py, with the reason, or is a failure."""
import collections
import concurrent.futures
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import generate
import listed

# What CUDA alone compiles.
ONLY_CUDA = ("device/cuda_check.hpp", "device/cublas.hpp", "device/cuda_tiles.hpp", "ops/conv2d/cuda_tiles.hpp")
LIB = "lib/handgrad/"
# The device's tests run once more on its fast kernels, as in tests/CMakeLists.txt.
ON_FAST_KERNELS = "*Device<*,[device]"
ERROR = re.compile(r"^(/[^:\n]*/planted/(lib/[^:\n]*)):(\d+):(\d+): (?:fatal )?error: ", re.MULTILINE)
PLACE = re.compile(r"/planted/(lib/[^:\n]*):(\d+):(\d+)")

Test = collections.namedtuple("Test", "program name fast seconds")


def all_mutants(root):
    """All mutants of lib, in the order of their keys: the first N are a sample of all."""
    found = []
    for path in sorted((root / LIB).glob("**/*.[hc]pp")):
        name = path.relative_to(root).as_posix()
        if not name.endswith(ONLY_CUDA):
            found += generate.mutants_of(name, path.read_text(encoding="utf-8"))
    return sorted(found, key=lambda m: m.key)


class Program:
    """The programs with a batch of mutants, and the folder in which they are built."""

    def __init__(self, build, jobs):
        self.build, self.jobs, self.folder = build, jobs, build / "tests/mutants/machine"
        self.dropped_file = self.folder / "dropped.json"
        self.dropped = set(json.loads(self.dropped_file.read_text())) if self.dropped_file.exists() else set()
        self.tests = str(build / "tests/mutants/machine_tests")
        self.frame_tests = str(build / "tests/mutants/machine_frame_tests")

    def plant(self):
        """Writes the list of mutants, and has the files planted. @returns the places of the mutants in the files"""
        chosen = [None if key in self.dropped else key for key in self.keys]
        (self.folder / "chosen.json").write_text(json.dumps(chosen), encoding="utf-8")
        self.dropped_file.write_text(json.dumps(sorted(self.dropped)), encoding="utf-8")
        here = Path(__file__).resolve().parent
        subprocess.run([sys.executable, here / "plant_machine.py", here.parents[1], self.folder / "planted",
                        self.folder / "sources.list", self.folder / "chosen.json"], check=True)
        self.places = json.loads((self.folder / "planted/places.json").read_text(encoding="utf-8"))

    def make(self, mutants):
        """Compiles the mutants; drops those that do not compile."""
        self.keys = [m.key for m in mutants]
        chosen = self.folder / "chosen.json"
        before = chosen.read_text(encoding="utf-8")
        self.plant()
        if chosen.read_text(encoding="utf-8") != before:
            self.check_syntax()
        for _ in range(20):
            output = self.compile()
            if output is None:
                return
            self.drop(output)
            self.plant()
        sys.exit("mutants: the compiler still refuses some after 20 attempts")

    def check_syntax(self):
        """Only reads the library's files, and the tests', which instantiate its templates: that is quicker than to compile
        them, and finds nearly all mutants that do not compile."""
        commands = json.loads((self.build / "compile_commands.json").read_text(encoding="utf-8"))
        left = []
        for entry in commands:
            if "/machine_" in entry["command"] and "cmake_pch.hxx" not in entry["file"]:
                words = shlex.split(entry["command"])
                command, skip = [], False
                for word, after in itertools.zip_longest(words, words[1:]):
                    if skip:
                        skip = False
                    elif word in ("-o", "-include"):
                        skip = True
                    elif word not in ("-c", "-Winvalid-pch"):
                        command.append(word)
                left.append((command + ["-fsyntax-only"], entry["directory"]))
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for _ in range(20):
                outputs = list(pool.map(lambda c: subprocess.run(c[0], cwd=c[1], capture_output=True, text=True), left))
                left = [command for command, output in zip(left, outputs) if output.returncode != 0]
                print(f"{len(left)} of {len(outputs)} files do not compile", flush=True)
                if not left:
                    return
                self.drop("\n".join(output.stderr for output in outputs))
                self.plant()

    def compile(self):
        """Builds all programs. @returns the compiler's messages if it failed, or None"""
        keep_going = ["-k", "0"] if (self.build / "build.ninja").exists() else ["-k"]
        done = subprocess.run(["cmake", "--build", self.build, "--target", "machine_mutants", "--parallel",
                               str(self.jobs), "--", *keep_going], capture_output=True, text=True)
        return None if done.returncode == 0 else done.stdout + done.stderr

    def drop(self, output):
        """Drops the mutants at the places of the messages."""
        refused, texts, unknown, begin = set(), {}, [], 0
        for error in re.finditer(r"^[^\n]*(?:fatal )?error: [^\n]*", output, re.MULTILINE):
            # The message itself, then the lines before it, which say what was being instantiated.
            context, begin = output[begin:error.start()], error.end()
            found = None
            for place in [PLACE.search(error[0])] + list(reversed(list(PLACE.finditer(context)))):
                found = place and self.mutant_at(place[1], int(place[2]), int(place[3]), texts)
                if found:
                    refused.add(self.keys[found - 1])
                    break
            if not found:
                unknown.append(error[0])
        if not refused:  # a mutant has another type than the code around it expects: those of the nearest line
            for error in unknown:
                place = PLACE.search(error)
                refused |= self.nearest(place[1], int(place[2]), texts) if place else set()
        if not refused:
            sys.exit("mutants: the compiler refuses what is no mutant:\n" + "\n".join(unknown[:5] or [output[-3000:]]))
        self.dropped |= refused

    def nearest(self, name, line, texts):
        """The keys of the mutants on that line of a planted file that is the nearest to `line` among those that have any."""
        text = "\n".join(self.lines_of(name, texts))
        distances = [(abs(text.count("\n", 0, start) + 1 - line), self.keys[number - 1])
                     for start, _, number in self.places.get(name, [])]
        return {key for distance, key in distances if distance == min(distances)[0]}

    def lines_of(self, name, texts):
        if name not in texts:
            texts[name] = (self.folder / "planted" / name).read_text(encoding="utf-8").split("\n")
        return texts[name]

    def mutant_at(self, name, line, column, texts):
        """The number of the mutant at a place of a planted file, or None."""
        position = sum(len(t) + 1 for t in self.lines_of(name, texts)[:line - 1]) + column - 1
        around = [(end - start, number) for start, end, number in self.places.get(name, []) if start <= position < end]
        return min(around)[1] if around else None

    # ---- Running the tests ----

    def run(self, program, names, fast, number, seconds, reached=None):
        """Runs tests. @returns the failing test, or what else went wrong, or None; and the seconds"""
        environment = dict(os.environ, HANDGRAD_MUTANT=str(number), MALLOC_PERTURB_="90")
        for name in ("HANDGRAD_TEST_ALGORITHM", "HANDGRAD_REACHED"):
            environment.pop(name, None)
        if fast:
            environment["HANDGRAD_TEST_ALGORITHM"] = "fast"
        if reached:
            environment["HANDGRAD_REACHED"] = str(reached)
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            environment["TMPDIR"] = folder
            (Path(folder) / "names").write_text("\n".join(names) + "\n", encoding="utf-8")
            # A mutant may calculate for ever, or ask for all memory there is.
            limits = f"ulimit -t {int(10 + 10 * seconds)} -v 8000000; exec \"$@\""
            command = ["bash", "-c", limits, "bash", program, "--abort", "--input-file", str(Path(folder) / "names")]
            try:
                done = subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, timeout=60 + 40 * seconds)
            except subprocess.TimeoutExpired:
                return "no end", time.monotonic() - begin
        wrong = None
        if done.returncode != 0 or b"No tests ran" in done.stdout:
            text = done.stdout.decode("utf-8", "replace")
            # Catch2 frames the name of the test that failed by lines of dashes.
            failed = re.search(r"\n-{20,}\n(.*?)\n(?:  [^\n]*\n)*-{20,}\n", text, re.DOTALL)
            wrong = " ".join(failed[1].split()) if failed else f"status {done.returncode}"
        return wrong, time.monotonic() - begin

    def list_tests(self, program, fast):
        wanted = [ON_FAST_KERNELS] if fast else []
        for how in (["--list-test-names-only"], ["--list-tests", "--verbosity", "quiet"]):
            done = subprocess.run([program, *how, *wanted], capture_output=True, text=True)
            if done.stdout and "nrecogni" not in done.stdout + done.stderr:
                return [line for line in done.stdout.splitlines() if line.strip()]
        sys.exit(f"mutants: {program} does not list its tests")

    def map_tests(self, pool):
        """Runs every test once without a mutant. @returns number of a mutant -> tests that go through its place"""
        kinds = [(self.tests, False), (self.tests, True), (self.frame_tests, False)]
        jobs = [(program, name, fast) for program, fast in kinds for name in self.list_tests(program, fast)]

        def record(job):
            program, name, fast = job
            with tempfile.TemporaryDirectory() as folder:
                reached = Path(folder) / "reached"
                for _ in range(3):  # on a busy machine a test that looks at the clock may fail
                    wrong, seconds = self.run(program, [quoted(name)], fast, 0, 120, reached)
                    if not wrong:
                        break
                numbers = set(map(int, reached.read_text().split())) if reached.exists() else set()
            return Test(program, name, fast, seconds), wrong, numbers

        by_mutant = collections.defaultdict(list)
        for test, wrong, numbers in pool.map(record, jobs):
            if wrong:
                sys.exit(f"mutants: without any mutant, \"{test.name}\" fails: {wrong}")
            for number in numbers:
                by_mutant[number].append(test)
        return by_mutant, len(jobs)


def quoted(name):
    """A test's name as Catch2 takes it from a file."""
    return re.sub(r'([\\,\["])', r"\\\1", name)


def in_batches(tests):
    """The tests, the quick ones first, in batches that take longer and longer."""
    def kind(test):
        return test.program, test.fast

    waiting = sorted(tests, key=lambda t: t.seconds)
    limit = 0.25
    while waiting:
        total, batch, rest = 0.0, [], []
        for test in waiting:
            if batch and (kind(test) != kind(batch[0]) or total + test.seconds > limit):
                rest.append(test)
            else:
                batch.append(test)
                total += test.seconds
        yield batch
        waiting, limit = rest, 2 * limit


def hunt(program, number, tests):
    """The test that catches the mutant, or None."""
    for batch in in_batches(tests):
        wrong, _ = program.run(batch[0].program, [quoted(t.name) for t in batch], batch[0].fast, number,
                               sum(t.seconds for t in batch))
        if wrong:
            return wrong
    return None


def folder_of(mutant):
    return mutant.file.removeprefix(LIB).split("/")[0] if mutant.file.count("/") > 2 else "(top)"


def table(rows):
    """The table by folder. @param rows mutants with what came of each"""
    columns = ["made", "not compiled", "listed", "caught", "survived"]
    counts = collections.defaultdict(collections.Counter)
    for mutant, outcome in rows:
        for name in (folder_of(mutant), "all"):
            counts[name][outcome] += 1
            counts[name]["made"] += 1
    lines = ["| folder | " + " | ".join(columns) + " | rate |", "| --- |" + " ---: |" * (len(columns) + 1)]
    for name in sorted(counts, key=lambda n: (n == "all", n)):
        c = counts[name]
        tried = c["caught"] + c["survived"]
        rate = f"{100 * c['caught'] / tried:.1f} %" if tried else ""
        lines.append(f"| {name} | " + " | ".join(str(c[column]) for column in columns) + f" | {rate} |")
    return "\n".join(lines)


def main(root, options):
    begin = time.monotonic()
    every = all_mutants(root)
    wanted = [m for m in every if not options.files or any(m.file.startswith(f) for f in options.files)]
    if not options.all:
        wanted = wanted[:options.sample]
    if not wanted:
        sys.exit(f"mutants: no source file of lib is {' or '.join(options.files)}")
    print(f"{len(every)} mutants of lib; {len(wanted)} of them to be tried", flush=True)
    program, outcomes, reach = Program(options.build.resolve(), options.jobs), {}, {}
    results = program.folder / "results.json"
    last = json.loads(results.read_text(encoding="utf-8")) if options.again and results.exists() else {}
    reasons = {m.key: listed.reason(m) for m in wanted}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for i in range(0, len(wanted), options.batch):
            batch = wanted[i:i + options.batch]
            program.make(batch)
            print(f"compiled {sum(m.key not in program.dropped for m in batch)} of {len(batch)}, "
                  f"{time.monotonic() - begin:.0f} s", flush=True)
            hunts = {}
            for number, m in enumerate(batch, 1):
                if m.key in program.dropped:
                    outcomes[m.key] = "not compiled"
                elif reasons[m.key] and not options.listed:
                    outcomes[m.key] = "listed"
                elif last.get(m.key) == "caught":
                    outcomes[m.key] = "caught"
                else:
                    hunts[m.key] = number, m
            if not hunts:
                continue
            by_mutant, tests = program.map_tests(pool)
            print(f"{tests} tests pass without a mutant, {time.monotonic() - begin:.0f} s", flush=True)
            hunts = {pool.submit(hunt, program, number, by_mutant[number]): (m, len(by_mutant[number]))
                     for number, m in hunts.values()}
            for done in concurrent.futures.as_completed(hunts):
                (m, reach[m.key]), who = hunts[done], done.result()
                outcomes[m.key] = "caught" if who else "listed" if reasons[m.key] else "survived"
                says = f"caught by \"{who}\"" if who else f"NOT CAUGHT by {reach[m.key]} tests"
                print(f"{m.file}:{m.line}: {m.kind}: {m.change}: {says}", flush=True)
                results.write_text(json.dumps(outcomes), encoding="utf-8")
    results.write_text(json.dumps(outcomes), encoding="utf-8")
    times = os.times()
    print(f"\n{table([(m, outcomes[m.key]) for m in wanted])}\n\nprocessor minutes: "
          f"{(times.user + times.system + times.children_user + times.children_system) / 60:.0f}, "
          f"minutes: {(time.monotonic() - begin) / 60:.0f}")
    survivors = sorted((m for m in wanted if outcomes[m.key] == "survived"), key=lambda m: (m.file, m.line))
    if survivors:
        print(f"\n{len(survivors)} that no test catches:")
    for m in survivors:
        print(f"{m.file}:{m.line}: {m.kind}: {m.change}\n    {m.text}  [{reach[m.key]} tests go through it]")
    caught = sum(outcome == "caught" for outcome in outcomes.values())
    if caught < 0.95 * (caught + len(survivors)):
        sys.exit("mutants: fewer than 95 % are caught")
