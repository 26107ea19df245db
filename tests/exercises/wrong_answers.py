#!/usr/bin/env python3
"""Wrong answers to the coding exercises, and what the checker says to each.

    wrong_answers.py generate SOURCE OUT         writes OUT/CHAPTER/K/FILE.hpp, the K-th wrong answer to every exercise
    wrong_answers.py check SOURCE BUILD [--write]  runs the checker on each, and compares docs/wrong_answers.md with the
                                                 table of its hints; --write writes the table

wrong/NN.M.txt has six wrong answers to exercise NN.M. Each is a change of the solution, as somebody might make it:

    == the mistake, in a few words
    - text of the solution, which must stand there once; several such lines follow each other there
    + what takes its place
    ? regular expression that the hint must match, because it names the cause; "-": nothing is expected of the hint

A wrong answer must fail, and at least five of an exercise's six must get a hint that names the cause.
"""
import argparse
import collections
import os
import re
import sys

sys.dont_write_bytecode = True
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, "lib", "tools"))
import mark  # noqa: E402

COUNT = 6
NAMED = 5  # so many hints must name the cause
HERE = os.path.dirname(os.path.abspath(__file__))

Wrong = collections.namedtuple("Wrong", "mistake changes cause")


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def wrong_answers(number):
    """The wrong answers to an exercise: of each its name, its changes (removed, added) and the expression for the hint."""
    path = os.path.join(HERE, "wrong", number + ".txt")
    result = []
    for block in re.split(r"^== ", read(path), flags=re.M)[1:]:
        mistake, *lines = block.strip().splitlines()
        changes, cause = [], None
        for line in lines:
            sign, text = line[:1], line[1:].strip()
            if sign == "-":
                if not changes or changes[-1][1]:
                    changes.append(([], []))
                changes[-1][0].append(text)
            elif sign == "+":
                changes[-1][1].append(text)
            elif sign == "?":
                cause = text
            else:
                sys.exit("{}: expected a line with -, + or ?, not {}".format(path, line))
        if not changes or cause is None:
            sys.exit("{}: \"{}\" has no change or no line with ?".format(path, mistake))
        result.append(Wrong(mistake, changes, cause))
    if len(result) != COUNT:
        sys.exit("{}: expected {} wrong answers, found {}".format(path, COUNT, len(result)))
    return result


def changed(solution, wrong, path):
    """The solution with the changes of a wrong answer."""
    for removed, added in wrong.changes:
        pattern = re.compile(r"\s*\n\s*".join(re.escape(line) for line in removed))
        if len(pattern.findall(solution)) != 1:
            sys.exit("{}: \"{}\": expected once: {}".format(path, wrong.mistake, " / ".join(removed)))
        solution = pattern.sub(lambda _, text="\n".join(added): text, solution)
    return solution


def exercises(source):
    """The exercises of all chapters, as the checker has them."""
    options = argparse.Namespace(solutions=False, build="")
    folder = os.path.join(source, "chapters")
    for name in sorted(os.listdir(folder)):
        if os.path.exists(os.path.join(folder, name, "exercises", "check.cpp")):
            yield from mark.exercises_of(os.path.join(folder, name), options)


def generate(source, out):
    for exercise in exercises(source):
        chapter, file = os.path.basename(exercise.chapter), os.path.basename(exercise.path)
        solution = read(os.path.join(exercise.chapter, "exercises", "solutions", file))
        for k, wrong in enumerate(wrong_answers(exercise.number), 1):
            path = os.path.join(out, chapter, str(k), file)
            text = changed(solution, wrong, path)
            if not os.path.exists(path) or read(path) != text:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as stream:
                    stream.write(text)


def said(exercise):
    """What the checker says about the cause: its hint, or that the exercise crashed or threw."""
    hints = re.findall(r"^hint: (.*)$", exercise.report, re.M)
    if hints:
        return hints[0]
    return exercise.sentence.split(") ", 1)[-1] if exercise.sentence else ""


def check(source, build, write):
    build = os.path.abspath(build)
    faults, rows = [], []
    for exercise in exercises(source):
        chapter = os.path.basename(exercise.chapter)
        named = 0
        for k, wrong in enumerate(wrong_answers(exercise.number), 1):
            exercise.program = os.path.join(build, "wrong_{}_{}".format(chapter, k))
            exercise.passed, exercise.sentence, exercise.report = False, "", ""
            mark.mark(exercise, 60)
            hint = said(exercise)
            what = "{}, {}".format(exercise.number, wrong.mistake)
            if exercise.passed:
                faults.append("{}: passed".format(what))
            if wrong.cause != "-" and not re.search(wrong.cause, hint):
                faults.append("{}: the hint should match \"{}\" and is \"{}\"".format(what, wrong.cause, hint))
            good = wrong.cause != "-" and re.search(wrong.cause, hint)
            named += 1 if good else 0
            rows.append((exercise.number, wrong.mistake, hint or "(no hint)", "yes" if good else "no"))
        if named < NAMED:
            faults.append("{}: {} hints of {} name the cause, expected {}".format(exercise.number, named, COUNT, NAMED))
    text = table(rows)
    path = os.path.join(source, "docs", "wrong_answers.md")
    if write:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
    elif not os.path.exists(path) or read(path) != text:
        faults.append("docs/wrong_answers.md is not what the checker says; {} check {} {} --write writes it".format(
            os.path.relpath(os.path.abspath(__file__), source), source, build))
    print("{} wrong answers, {} hints that name the cause, {} faults".format(
        len(rows), sum(1 for row in rows if row[3] == "yes"), len(faults)))
    for fault in faults:
        print("  " + fault)
    return 1 if faults else 0


def cell(text):
    """Text for a table of Markdown, in which Doxygen sees no markup."""
    return re.sub(r"([\\|*_<>#@`~&\[\]])", lambda m: {"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;",
                                                     "*": "&#42;", "_": "&#95;", "#": "&#35;", "@": "&#64;",
                                                     "`": "&#96;", "~": "&#126;", "\\": "&#92;", "[": "&#91;",
                                                     "]": "&#93;"}[m.group()], text)


def table(rows):
    named = sum(1 for row in rows if row[3] == "yes")
    lines = ["# Wrong answers, and the hints {#wrong_answers}", "",
             "<!-- Written by tests/exercises/wrong_answers.py, do not edit. -->",
             "A checker that says only \"wrong\" is of little help. This page lists six wrong answers to each coding exercise,",
             "each a change of the solution as a student might make it, and the hint that `./run check` gives. {} of the".format(
                 named),
             "{} hints name the cause. `./run test --long -R exercises.wrong_answers` repeats all of them.".format(len(rows)), "",
             "| exercise | mistake | hint | cause named |", "| --- | --- | --- | --- |"]
    lines += ["| {} | {} | {} | {} |".format(number, cell(mistake), cell(hint), good)
              for number, mistake, hint, good in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1] == "generate":
        generate(*sys.argv[2:4])
    else:
        sys.exit(check(sys.argv[2], sys.argv[3], "--write" in sys.argv[4:]))
