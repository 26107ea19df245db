"""The planted bugs: what one is, and how they get into a copy of the sources. "run" has the tests look for them.

A bug is a name, a sentence, and one or more edits of one file. An edit is a piece of the file's text, which must occur
there exactly once, and the text that takes its place. Where a piece alone is not unique, more of the text stands around
it, and <| |> around the piece:

    bug("linear-no-bias", "The bias is not added", "T sum = <|b(k)|>;", "T(0)")

White space need not agree. All bugs of all files are compiled into one program. Each piece is replaced by both texts,
and the number in the variable HANDGRAD_MUTANT says which runs: an expression becomes
(handgrad_mutant(7) ? (T(0)) : (b(k))), and what has a ";" in it is a statement and becomes
if (handgrad_mutant(7)) { ... } else { ... }. No number, or 0: no bug.
"""
import re
from collections import namedtuple

Bug = namedtuple("Bug", "name what edits file number")
Edit = namedtuple("Edit", "start end new number")


class Rotten(Exception):
    """The list does not fit the sources any more."""


def bug(name, what, *texts):
    """texts: old, new, old, new, ... An old text that begins with "always:" is replaced in any case, to declare what
    the others need."""
    assert len(texts) % 2 == 0 and texts, name
    return Bug(name, what, list(zip(texts[::2], texts[1::2])), None, None)


def all_bugs():
    """Every bug of the list, with its file and its number, from 1."""
    import bugs_cuda
    import bugs_device
    import bugs_operations
    import bugs_optimisers
    import bugs_tensor
    import bugs_training
    bugs = []
    for module in (bugs_operations, bugs_device, bugs_cuda, bugs_tensor, bugs_training, bugs_optimisers):
        for file, some in module.BUGS.items():
            bugs += [b._replace(file=file) for b in some]
    names = [b.name for b in bugs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise Rotten(f"two bugs are called {twice.pop()}")
    return [b._replace(number=i + 1) for i, b in enumerate(bugs)]


def pattern(text):
    """A regular expression for the text, with any white space for white space."""
    return r"\s+".join(re.escape(word) for word in re.split(r"\s+", text))


def find(source, old, where):
    """The place of an edit's old text in the source."""
    before, piece, after = re.fullmatch(r"(.*)<\|(.*)\|>(.*)", old, re.DOTALL).groups() if "<|" in old else ("", old, "")
    found = list(re.finditer(f"{pattern(before)}({pattern(piece)}){pattern(after)}", source))
    if len(found) != 1:
        raise Rotten(f"{where}: its old text occurs {len(found)} times, expected once: {' '.join(old.split())}")
    return found[0].span(1)


def switched(edit, old):
    """The edit's text and the old one, of which one runs."""
    if edit.number is None:
        return edit.new
    if ";" in old:
        return f"if (handgrad_mutant({edit.number})) {{ {edit.new} }} else {{ {old} }}"
    return f"(handgrad_mutant({edit.number}) ? ({edit.new}) : ({old}))"


def render(source, start, end, edits):
    """source[start:end] with the edits; one that lies within another ends up in its old text."""
    text = ""
    while edits:
        outer, rest = edits[0], edits[1:]
        inner = [e for e in rest if e.end <= outer.end]
        text += source[start:outer.start] + switched(outer, render(source, outer.start, outer.end, inner))
        start, edits = outer.end, rest[len(inner):]
    return text + source[start:end]


def mutated(source, file, bugs):
    """The source of a file with all its bugs."""
    edits = []
    for b in bugs:
        for old, new in b.edits:
            always = old.startswith("always:")
            span = find(source, old.removeprefix("always:"), f"{b.name} ({file})")
            edits.append(Edit(*span, new, None if always else b.number))
    edits.sort(key=lambda e: (e.start, -e.end))
    for i, a in enumerate(edits):
        for b in edits[i + 1:]:
            if a.start < b.start < a.end < b.end:
                raise Rotten(f"{file}: two bugs overlap at {source[b.start:a.end]}")
    return '#include "handgrad_mutant.hpp"\n' + render(source, 0, len(source), edits) if edits else source
