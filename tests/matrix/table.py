"""The page about the matrix: every kind with what comes of it, told by the registry alone."""

from __future__ import annotations

from collections.abc import Iterator

from tests.matrix.kinds import Kind, Play
from tests.matrix.registry import KINDS

TITLE = "## What can go wrong, and what comes of it"
HEAD = """
`matrix/` knows {kinds} kinds of failure. {ways} ways in which they come are played in virtual time: at the
first job they can reach, one in the middle and the last, in a cold run and in one that goes on with another
that was stopped. That makes {runs} runs, each followed by one on which nothing goes wrong, each held by the
checker. Where real processes, signals or disks are the subject, or a part alone, the tests that prove it are
named; {absent} kinds do not apply. The default command plays each kind once, `pytest -m proof tests/matrix`
the rest; `python -m tests.matrix` prints this section.

What is in doubt is never sent again by itself; what is pending or accepted is had by the next run.

| | what goes wrong | what comes of it: **exit status** | proof |
|---|---|---|---|"""


def page() -> str:
    """The section of the page, its title included."""
    played = [each for kind in KINDS for each in kind.plays]
    runs = sum(len(each.cells) for each in played)
    absent = sum(bool(kind.apart) for kind in KINDS)
    head = HEAD.format(kinds=len(KINDS), ways=len(played), runs=runs, absent=absent)
    return "\n".join([TITLE, head, *map(_row, KINDS), ""])


def _row(kind: Kind) -> str:
    if kind.apart:
        return f"| {kind.id} | {kind.name} | does not apply: {kind.apart} | |"
    return f"| {kind.id} | {kind.name} | {'; '.join(_ends(kind))} | {'; '.join(_proofs(kind))} |"


def _ends(kind: Kind) -> Iterator[str]:
    """What comes of it, each with its exit status."""
    codes: dict[tuple[str, int], dict[str, None]] = {}
    for each in kind.plays:
        codes.setdefault((_end(each), each.exit), {})[each.why] = None
    for (told, exit), whys in codes.items():
        why = ", ".join(f"`{why}`" for why in whys if why)
        yield f"{told}{f' as {why}' if why else ''}: **{exit}**"
    if kind.ends:
        yield f"{kind.ends}: **{kind.exit}**"


def _end(what: Play) -> str:
    """How the struck job ends."""
    told = " and ".join(state.replace("_", " ") for state in what.leaves)
    if what.stays:
        told += ", and lost after a day"
    return f"{told}, nothing more is sent" if what.stops else told


def _proofs(kind: Kind) -> Iterator[str]:
    runs = sum(len(each.cells) for each in kind.plays)
    if runs:
        yield f"{runs} runs: {' · '.join(each.name for each in kind.plays)}"
    for test in kind.tests:
        path, _, name = test.partition("::")
        yield f"`{path}` {name.removeprefix('test_').replace('_', ' ')}"
