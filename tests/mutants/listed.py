"""Mutants that no test catches, and the reason why none can. An entry names a file below lib/handgrad, a line of it
without its indentation, and the change as "run --sample" prints it, or "*" for every change of the line."""

LISTED = {
}


def reason(mutant):
    """Why no test can see the mutant, or None."""
    for line, change, why in LISTED.get(mutant.file.removeprefix("lib/handgrad/"), []):
        if line == mutant.text and change in ("*", mutant.change):
            return why
    return None
