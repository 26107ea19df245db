#!/usr/bin/env python3
"""Mark the coding exercises of chapters: what ./run check does once the library is built.

    mark.py --build BUILD [--solutions] [--exercise NUMBER] [--timeout SECONDS] [--jobs N] [--points FILE] [--json] CHAPTER...

CHAPTER is a folder with exercises/check.cpp. Each exercise has a program and a process of its own. The process writes
its result to a file; its output cannot change the result. The list of the exercises is read from check.cpp, so the totals
include exercises that do not compile. The exit status is 0 if all exercises passed, 1 if not, 2 for an invalid argument.
With --json the report is one JSON document on standard output; docs/teachers.md describes it.
"""
import argparse
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

SHOWN_DIAGNOSTICS = 5
SHOWN_LINES_OF_OUTPUT = 20


def displayed(path):
    """The path as the reader can use it here: relative within the current directory, otherwise from the root."""
    relative = os.path.relpath(path)
    return os.path.abspath(path) if relative.startswith(os.pardir) else relative


class Exercise:
    def __init__(self, chapter, number, function, file, arguments):
        name = os.path.basename(chapter)
        self.chapter, self.number, self.function = chapter, number, function
        self.path = os.path.join(chapter, "exercises", file)
        self.file = os.path.relpath(self.path, os.path.dirname(os.path.dirname(chapter)))
        self.shown_path = displayed(self.path)
        self.title = ""
        self.build = arguments.build
        self.points = 1
        if arguments.solutions:
            self.path = os.path.join(chapter, "exercises", "solutions", file)
            self.target = "check_{}_solutions".format(name)
        else:
            self.target = "check_{}_{}".format(name, os.path.splitext(file)[0])
        self.program = os.path.join(arguments.build, "chapters", name, self.target)
        self.configured = os.path.join(arguments.build, "chapters", name, "exercises", os.path.splitext(file)[0])
        self.link = os.path.join(self.configured, file)  # what check.cpp includes (HandgradChapter.cmake)
        self.passed = False
        self.seconds = 0.0
        self.sentence = ""  # says what happened, if there is no result
        self.first_error = ""  # of the compiler, ends the sentence if nothing follows it
        self.report = ""  # wrong entries and hints
        self.diagnostics = []  # the compiler's errors and warnings
        self.output = ""  # what the exercise printed

    def sentence_is(self, text):
        self.sentence = "{} {} ({}) {}".format(self.number, self.function, self.shown_path, text)

    def place(self):
        """Where the code is to be written or fixed: "path:line", which terminals and editors can open."""
        lines = read(self.path).splitlines()
        function = re.compile(r"\b" + re.escape(re.split(r"\W", self.function)[0]) + r"\s*\(")
        for found in (lambda line: "Your code goes here" in line, function.search):
            for number, line in enumerate(lines, 1):
                if found(line) and (not line.lstrip().startswith("//") or "Your code" in line):
                    return "{}:{}".format(self.shown_path, number)
        return self.shown_path

    def message(self):
        """What is wrong, as the report of a chapter says it; empty if the exercise passed."""
        if self.passed:
            return ""
        lines = [self.sentence] if self.sentence else []
        for diagnostic in self.diagnostics[:SHOWN_DIAGNOSTICS]:
            lines += diagnostic
        return "\n".join(printable(line) for line in lines + self.report.splitlines())


def exercises_of(chapter, arguments):
    """The exercises of a chapter, in the order of the lines exercises.add("05.4", "function", "file.hpp", ...)."""
    source = os.path.join(chapter, "exercises", "check.cpp")
    with open(source, encoding="utf-8") as stream:
        found = re.findall(r'\bexercises\.add\(\s*"([^"]+)",\s*"([^"]+)",\s*"([^"]+)"', stream.read())
    if not found:
        sys.exit("mark: {}: no exercises.add(\"number\", \"function\", \"file\", ...) found".format(source))
    exercises = [Exercise(chapter, *fields, arguments) for fields in found]
    titles = dict(re.findall(r"^### (\d+\.\d+) +(.*?) *$", read(os.path.join(chapter, "doc", "exercises.md")), re.M))
    for exercise in exercises:
        exercise.title = titles.get(exercise.number, exercise.function)
    return exercises


def read_points(path):
    """The points by exercise from a file of lines "05.6 3"; "#" begins a comment. Ends the program on other lines."""
    points = {}
    try:
        with open(path, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except (OSError, UnicodeError) as error:
        fail("{}: the points cannot be read: {}".format(path, error))
    for number, line in enumerate(lines, 1):
        fields = line.split("#")[0].split()
        if not fields:
            continue
        if len(fields) != 2 or not re.fullmatch(r"\d+\.\d+", fields[0]) or not re.fullmatch(r"\d{1,6}(\.\d+)?", fields[1]):
            fail("{}:{}: expected an exercise and its points, such as 05.6 3, not \"{}\"".format(path, number, line))
        points[fields[0]] = float(fields[1]) if "." in fields[1] else int(fields[1])
    return points


def fail(text):
    print("check: " + text, file=sys.stderr)
    sys.exit(2)


# ---- The compiler's messages ----


def diagnostics(text, own):
    """The errors and warnings in a compiler's messages, each a list of lines, without the library's own lines.

    own  returns the path to be shown for a file of the reader or check.cpp, None for any other
    A message about another file is shown at the place of the reader's file that led to it, if the compiler names one.
    """
    located = re.compile(r"^(.*?):(\d+):(?:(\d+):)?\s+(.*)$")
    kind = re.compile(r"(fatal error|error|warning|note): (.*)")
    shown, others, led_to = [], [], ""
    current = None  # the lines of the message that following lines belong to
    waiting = None  # an error elsewhere, whose notes may name the reader's file (clang)

    def show_elsewhere(place, message):
        if not shown or not shown[-1][0].startswith(place + ": "):  # one for each place
            shown.append([place + message])

    for line in re.sub(r"\x1b\[[0-9;]*[mK]", "", text).splitlines():  # without colours
        match = located.match(line)
        if not match:
            if current is not None and line.startswith(" "):
                current.append(line)
            elif line.startswith("In file included from"):
                current = None
            continue
        path, row, column, rest = match.groups()
        place = own(path)
        here = place and ":".join(filter(None, [place, row, column]))
        message = kind.match(rest)
        current = None
        if not message:  # the places that led to the next message, the nearest first
            if here:
                led_to = led_to or here
        elif message.group(1) == "note":
            led_to = ""
            if here and waiting is not None:
                show_elsewhere(here, waiting)
                waiting = None
            elif here and shown and "declared here" in rest:
                current = shown[-1]
                current.append(here + ": " + rest)
        else:
            if waiting is not None:
                others.append(waiting)
            waiting = None
            if here:
                shown.append([here + ": " + rest])
                current = shown[-1]
            elif led_to:
                show_elsewhere(led_to, ": " + rest)
            elif message.group(1) != "warning":
                waiting = ": " + rest
            led_to = ""
    if waiting is not None:
        others.append(waiting)
    if not shown and others:
        shown.append(["in the library" + others[0]])
    return shown


def own_path(exercise):
    """The function `own` of diagnostics(): files in the chapter's folder, whose links are followed."""
    chapter = os.path.realpath(exercise.chapter)

    def own(path):
        real = os.path.realpath(os.path.join(exercise.build, path))  # ccache makes paths relative to the build folder
        return displayed(real) if real.startswith(chapter + os.sep) else None

    return own


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def build(exercises, arguments):
    """Builds the programs, each as far as it compiles. Those that do not compile are missing afterwards."""
    targets = sorted({exercise.target for exercise in exercises})
    missing = sum(1 for exercise in exercises if not os.path.exists(exercise.program))
    if missing > 2:
        print("run: compiling {} exercises".format(missing), file=sys.stderr)
    keep_going = ["-k", "0"] if os.path.exists(os.path.join(arguments.build, "build.ninja")) else ["-k"]
    command = ["cmake", "--build", arguments.build, "--parallel", str(arguments.jobs), "--target"] + targets
    made = subprocess.run(command + ["--"] + keep_going, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    for exercise in exercises:
        messages = read(exercise.program + ".diagnostics").replace(exercise.link, exercise.path)
        exercise.diagnostics = diagnostics(messages, own_path(exercise))
        errors = [lines[0] for lines in exercise.diagnostics if "error: " in lines[0]]
        if os.path.exists(exercise.program) and not errors:
            continue
        if errors:
            exercise.sentence_is("does not compile:")
            exercise.first_error = errors[0]
            continue
        link = [line for line in made.stdout.splitlines()
                if re.search(r"undefined reference|[Uu]ndefined symbol|multiple definition", line)]
        reason = link[0].split(": ", 1)[-1] if link else "see what the build says"
        exercise.sentence_is("could not be built: " + reason)
        if not link:
            sys.stderr.write(made.stdout)


# ---- A process for each exercise ----

SIGNALS = {
    signal.SIGSEGV: "crashed: it used memory that is not its own (an index out of range? a pointer to nothing?)",
    signal.SIGBUS: "crashed: it used memory that does not exist (an index out of range? a pointer to nothing?)",
    signal.SIGFPE: "crashed: it divided a whole number by zero",
    signal.SIGILL: "crashed: illegal instruction (does a function end without a return?)",
    signal.SIGTRAP: "crashed: trap (does a function end without a return?)",
    signal.SIGXFSZ: "was stopped: it wrote more than 64 MiB",
    signal.SIGKILL: "was killed, perhaps by the system because memory ran out",
}


def how_it_ended(status, result, errors):
    """What happened to a process without a valid result, in words that follow the exercise's name."""
    if result.get("crash") == "stack overflow":
        return "crashed: stack overflow (does a function call itself without end?)"
    last = next((line.strip() for line in reversed(errors.splitlines()) if line.strip()), "")
    if status == -signal.SIGABRT:
        return "was aborted" + (": " + last[:200] if last else " (std::abort, a failed assert?)")
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = "signal {}".format(-status)
        return SIGNALS.get(-status, "was ended by " + name)
    sanitizer = re.search(r"ERROR: (\w+Sanitizer: .*)|(runtime error: .*)", errors)
    if sanitizer:
        return "crashed: " + (sanitizer.group(1) or sanitizer.group(2))[:200]
    return "ended the program with status {} before its result was known (a call of exit?)".format(status)


RUNNING = set()


def kill(process):
    """Ends a process and those that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def run(exercise, timeout):
    """Runs an exercise in a process of its own and interprets how the process ended."""
    environment = dict(os.environ, OPENBLAS_NUM_THREADS="1", LIBC_FATAL_STDERR_="1")
    with tempfile.TemporaryDirectory(prefix="handgrad-check-") as folder:
        out, errors, result_file = (os.path.join(folder, name) for name in ("output", "errors", "result.json"))
        begin = time.monotonic()
        with open(out, "wb") as out_stream, open(errors, "wb") as errors_stream:
            process = subprocess.Popen([exercise.program, exercise.number, "--result", result_file],
                                       stdin=subprocess.DEVNULL, stdout=out_stream, stderr=errors_stream, cwd=folder,
                                       env=environment, start_new_session=True)
            RUNNING.add(process)
            try:
                status = process.wait(timeout)
            except subprocess.TimeoutExpired:
                status = None
            exercise.seconds = time.monotonic() - begin
            kill(process)
            process.wait()
            RUNNING.discard(process)
        try:
            result = json.loads(read(result_file))
            if not isinstance(result, dict):
                result = {}
        except (ValueError, RecursionError):
            result = {}
        exercise.output = read(out) + read(errors)
        if status is None:
            exercise.sentence_is("did not end within {:g} s (an endless loop?)".format(timeout))
        elif result.get("exercise") != exercise.number or status != (0 if result.get("passed") else 1):
            exercise.sentence_is(how_it_ended(status, result, read(errors)))
        elif result.get("exception"):
            exercise.sentence_is("threw an exception: {}".format(result["exception"]))
        else:
            exercise.passed = result.get("passed") is True
        if not exercise.passed and status is not None:
            exercise.report = str(result.get("report", ""))


def mark(exercise, timeout):
    """run(), and a sentence if the system refuses: a program that cannot be executed, a full disk."""
    try:
        run(exercise, timeout)
    except OSError as error:
        exercise.sentence_is("could not be marked: {}".format(error))


# ---- The report ----


def printable(text):
    """Control characters could move the cursor, and so change a line that is not theirs."""
    return "".join(c if c.isprintable() or c == "\t" else "?" for c in text)


def show(exercise, details):
    warnings = sum(1 for lines in exercise.diagnostics if "warning: " in lines[0])
    remark = ", {} warning{}".format(warnings, "" if warnings == 1 else "s") if warnings else ""
    print("{:<5} {:<28} {}{}".format(exercise.number, exercise.function, "passed" if exercise.passed else "FAILED",
                                     remark))
    if exercise.sentence:
        print("  " + printable(exercise.sentence + ("" if details or not exercise.first_error
                                                   else " " + exercise.first_error)))
    if details:
        for lines in exercise.diagnostics[:SHOWN_DIAGNOSTICS]:
            print("\n".join("  " + printable(line[:300]) for line in lines))
        if len(exercise.diagnostics) > SHOWN_DIAGNOSTICS:
            print("  and {} more messages of the compiler".format(len(exercise.diagnostics) - SHOWN_DIAGNOSTICS))
        for line in exercise.report.splitlines():
            print("  " + printable(line))
        output = exercise.output.splitlines()
        if output:
            print("  it printed:")
            if len(output) > SHOWN_LINES_OF_OUTPUT:
                print("  | ({} lines before)".format(len(output) - SHOWN_LINES_OF_OUTPUT))
            for line in output[-SHOWN_LINES_OF_OUTPUT:]:
                print("  | " + printable(line[:200]))
        if not exercise.passed:
            print("  to fix in {}\n".format(printable(exercise.place())))
    sys.stdout.flush()


def document(exercises):
    """The result as one JSON document; docs/teachers.md describes it for those who read it."""
    entries = [{"exercise": e.number, "title": e.title, "function": e.function, "file": e.file, "passed": e.passed,
                "points": e.points, "earned": e.points if e.passed else 0, "message": e.message(),
                "seconds": round(e.seconds, 3)} for e in exercises]
    return {"exercises": entries, "count": len(entries), "passed": sum(1 for e in entries if e["passed"]),
            "points": sum(e["points"] for e in entries), "earned": sum(e["earned"] for e in entries),
            "seconds": round(sum(e["seconds"] for e in entries), 3)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], usage=__doc__.splitlines()[2].strip())
    parser.add_argument("--build", required=True)
    parser.add_argument("--solutions", action="store_true")
    parser.add_argument("--exercise")
    parser.add_argument("--timeout", type=float, default=20)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--points", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "points.txt"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("chapters", nargs="+")
    arguments = parser.parse_args()
    arguments.build = os.path.abspath(arguments.build)
    exercises = [e for chapter in arguments.chapters for e in exercises_of(os.path.abspath(chapter), arguments)]
    if arguments.exercise:
        wanted = [e for e in exercises if e.number == arguments.exercise]
        if not wanted:
            known = " ".join(e.number for e in exercises)
            print("check: {} is no coding exercise; expected any of {}".format(arguments.exercise, known),
                  file=sys.stderr)
            return 2
        exercises = wanted
    points = read_points(arguments.points)
    for exercise in exercises:
        exercise.points = points.get(exercise.number, 1)

    present = []
    for exercise in exercises:
        if not os.path.isdir(exercise.configured):
            exercise.sentence_is("cannot be marked: its chapter is not part of this build")
        elif os.path.isfile(exercise.path) and os.access(exercise.path, os.R_OK):
            present.append(exercise)
        else:  # the compiler would find the solution instead
            exercise.sentence_is("cannot be read: there is no such file, or it may not be read")
    if present:
        build(present, arguments)
    pool = concurrent.futures.ThreadPoolExecutor(max(1, arguments.jobs))
    try:
        pending = {e: pool.submit(mark, e, arguments.timeout) for e in present if not e.sentence}
        for exercise in exercises:
            if exercise in pending:
                pending[exercise].result()
            if not arguments.json:
                show(exercise, details=len(arguments.chapters) == 1)
    finally:  # Ctrl-C: their sessions are their own, so it did not reach them
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(RUNNING):
            kill(process)
    passed = sum(1 for exercise in exercises if exercise.passed)
    if arguments.json:
        print(json.dumps(document(exercises), indent=1))
        return 0 if passed == len(exercises) else 1
    more = "" if len(arguments.chapters) == 1 else "; ./run check CHAPTER says more"
    print("{} of {} exercises passed{}".format(passed, len(exercises), more))
    return 0 if passed == len(exercises) else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
