"""What a person meant where YAML cannot read on: nearly always a text that needs quotes.

The parser says where it stopped and in its own words why; the mistake is usually earlier on the
line. Each diagnosis names it, says what to write, and where possible carries the line as it was
meant, so that reading goes on and all problems come out at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from campaign_runner.campaign_file.syntax.parser import Fault, quoted, single_braces

_LINE = re.compile(
    r"""(?P<lead>\s*(?:-\s+)*(?:(?:[^\s#'"{\[&*!|>%@`:][^:{}\[\]#]*|"[^"]*"|'[^']*'):\s+)?)(?P<value>\S.*)"""
)
_COMMENT = re.compile(r"\s+#.*$")
_NO_SPACE = re.compile(r"\s*(?:-\s+)?[A-Za-z0-9_-]+:(?=[^\s/])")
_SIGNS = "@`%&*!|>,]}"
_PAIRS = {"{": "}", "[": "]"}
_CLOSE = "add the closing quote at the end of the text"
_LONGEST_LINE = 4000  # characters; what is longer is not a prompt, and costly to look through
_LOOK_BACK = 30  # lines searched for a quote that was never closed


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong, and the line (from 0) as it was `meant`, None if that is not clear.

    `inserted` is the column (from 1) of a sign that the line got, 0 if it got none.
    """

    finding: Fault
    line: int = -1
    meant: str | None = None
    inserted: int = 0


def diagnose(text: str, error: yaml.YAMLError) -> Diagnosis:
    """The mistake behind a parser's error."""
    lines = _Lines(text)
    mark = getattr(error, "problem_mark", None)
    context = getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or "it stops here")
    if mark is None:
        return Diagnosis(Fault(0, f"YAML cannot read this file: {problem}"))
    stopped = min(mark.line, lines.last)
    scanned = context.line if context and "scanning" in str(getattr(error, "context", "")) else stopped
    for number in dict.fromkeys((scanned, stopped, lines.before(stopped))):
        if found := _needs_quotes(lines, number) or _needs_space(lines, number):
            return found
    if (
        found := _in_quotes(lines, problem, mark, context)
        or _unclosed_quote(lines, stopped)
        or _in_braces(lines, problem, mark, context)
    ):
        return found
    return _indentation(lines, problem, stopped)


class _Lines:
    """The lines of a text and where each begins."""

    def __init__(self, text: str) -> None:
        self.rows = text.split("\n")
        self.starts = [0]
        for row in self.rows:
            self.starts.append(self.starts[-1] + len(row) + 1)
        self.last = max((number for number, row in enumerate(self.rows) if row.strip()), default=0)

    def before(self, number: int) -> int:
        """The line before that is neither empty nor a comment."""
        earlier = (n for n in range(number - 1, -1, -1) if self.rows[n].strip() and self.rows[n].lstrip()[0] != "#")
        return next(earlier, number)

    def value(self, number: int) -> tuple[int, str, str] | None:
        """Where the value of a line begins, the value, and the comment after it."""
        row = self.rows[number]
        found = _LINE.fullmatch(row.rstrip()) if len(row) <= _LONGEST_LINE else None
        if not found or found["value"].startswith("#"):
            return None
        value = _COMMENT.sub("", found["value"])
        return found.start("value"), value, found["value"][len(value) :]

    def diagnosis(self, number: int, column: int, message: str, meant: str, inserted: int = 0) -> Diagnosis:
        """A mistake in a line (from 0) at a column (from 0), and the line as it was meant."""
        finding = Fault(self.starts[number] + column, message, f"try: {meant.strip()}")
        return Diagnosis(finding, number, meant, inserted)


def _needs_quotes(lines: _Lines, number: int) -> Diagnosis | None:
    found = lines.value(number)
    if found is None:
        return None
    start, value, comment = found
    row = lines.rows[number]
    if not row[:start].strip():
        return None  # a line of its own, without a key
    if value[0] in "\"'":
        return _quote_inside(lines, number, start, value, comment)
    if not (reason := _reason(value)):
        return None
    meant = row[:start] + quoted(single_braces(value)) + comment
    return lines.diagnosis(number, start, f"a text {reason} needs quotes", meant, start + 1)


def _reason(value: str) -> str:
    """Why a value has to be quoted; empty if it need not."""
    first = value[0]
    if first in _PAIRS:
        end = _closing(value)
        return f"that begins with {first}" if end and value[end:].strip() else ""
    if first in _SIGNS or value.startswith(("- ", "? ")):
        return f"that begins with {first}"
    return "with ': ' in it" if ": " in value or value.endswith(":") else ""


def _closing(value: str) -> int:
    """The position after the bracket that closes the first one, 0 if none does."""
    depth = 0
    for at, character in enumerate(value):
        depth += (character in "{[") - (character in "}]")
        if not depth:
            return at + 1
    return 0


def _quote_inside(lines: _Lines, number: int, start: int, value: str, comment: str) -> Diagnosis | None:
    """`"a "big" candle"` ends after the second quote."""
    quote = value[0]
    ends = [at for at in range(1, len(value)) if value[at] == quote and value[at - 1] != "\\"]
    if not ends or ends[0] == len(value) - 1:
        return None
    around = value.endswith(quote) and not value[ends[0] + 1].isspace()
    is_needed = value[1] in _PAIRS or value[1] in _SIGNS
    # `"Big" candle` has quotes of its own, `"a "big" candle"` has them around it, too, `"{product}" here` needs them
    inner = value[1:-1] if around else value.replace(quote, "") if is_needed else value
    meant = lines.rows[number][:start] + quoted(inner) + comment
    message = f"the text ends at this {quote}, but the line goes on"
    return lines.diagnosis(number, start + ends[0], message, meant)


def _needs_space(lines: _Lines, number: int) -> Diagnosis | None:
    row = lines.rows[number]
    found = _NO_SPACE.match(row)
    if not found:
        return None
    end = found.end()
    message = "a space is missing after the colon"
    return lines.diagnosis(number, end - 1, message, f"{row[:end]} {row[end:]}", end + 1)


def _in_quotes(lines: _Lines, problem: str, mark: yaml.Mark, context: yaml.Mark | None) -> Diagnosis | None:
    if "escape" in problem:
        advice = "in double quotes \\ begins an escape: put the text in single quotes, or write \\\\"
        return Diagnosis(Fault(lines.starts[mark.line] + mark.column, "YAML doesn't know this escape", advice))
    if context and "end of stream" in problem:
        return Diagnosis(Fault(lines.starts[context.line] + context.column, "this quote is never closed", _CLOSE))
    return None


def _unclosed_quote(lines: _Lines, stopped: int) -> Diagnosis | None:
    for number in range(stopped, max(-1, stopped - _LOOK_BACK), -1):
        found = lines.value(number)
        if found and found[1][0] in "\"'" and found[1].count(found[1][0]) == 1:
            start, value, comment = found
            meant = lines.rows[number][:start] + quoted(value[1:].rstrip()) + comment
            return lines.diagnosis(number, start, "this quote is never closed", meant)
    return None


def _in_braces(lines: _Lines, problem: str, mark: yaml.Mark, context: yaml.Mark | None) -> Diagnosis | None:
    if context is None or "or '" not in problem:
        return None
    closing = problem[-2]
    if mark.line != context.line:
        row, start = lines.rows[context.line], lines.starts[context.line]
        if row.count('"') % 2:
            return Diagnosis(Fault(start + row.rindex('"'), "this quote is never closed", _CLOSE))
        opening, start = row[context.column], start + context.column
        return Diagnosis(Fault(start, f"this {opening} is never closed", f"write {closing} where the list ends"))
    return next(_braces_in_braces(lines, mark), None) or Diagnosis(
        Fault(
            lines.starts[mark.line] + mark.column,
            "a comma is missing before this, or the text needs quotes",
            'inside { } and [ ] a text with ": " or "," in it needs quotes',
        )
    )


def _braces_in_braces(lines: _Lines, mark: yaml.Mark) -> Iterator[Diagnosis]:
    """`{light: {season} light}`: the inner braces were meant as text."""
    row = lines.rows[mark.line]
    before = row[: mark.column].rstrip()
    start = before.rfind("{")
    if not before.endswith("}") or start < 1:
        return
    end = next((at for at in range(mark.column, len(row)) if row[at] in ",}]"), len(row))
    meant = row[:start] + quoted(row[start:end].rstrip()) + row[end:]
    yield lines.diagnosis(mark.line, start, "a text that begins with { needs quotes", meant, start + 1)


def _indentation(lines: _Lines, problem: str, stopped: int) -> Diagnosis:
    row = lines.rows[stopped]
    column = len(row) - len(row.lstrip())
    at = lines.starts[stopped] + column
    if "could not find expected ':'" in problem:
        before = lines.before(stopped) if stopped and ":" in row else stopped
        at = lines.starts[before] + len(lines.rows[before]) - len(lines.rows[before].lstrip())
        return Diagnosis(Fault(at, "this line has no ': '", "a line is a key, a colon, a space and a value"))
    if "not allowed" in problem or "did not find expected" in problem:
        advice = "indent all entries of a list equally, two spaces deeper than the key they belong to"
        return Diagnosis(Fault(at, "the indentation doesn't match the lines above", advice))
    return Diagnosis(Fault(at, f"YAML cannot read this: {problem}", "put the text of this line in quotes"))
