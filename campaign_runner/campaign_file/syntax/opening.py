"""From the bytes of a campaign file to a tree, telling everything that YAML itself cannot know.

Size, encoding, tabs and invisible characters are looked at before the parser sees anything. A line
that YAML cannot read is read as it was meant, where that is plain, so that one run of `check`
tells all problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import yaml

from campaign_runner.campaign_file.syntax.diagnosis import diagnose
from campaign_runner.campaign_file.syntax.parser import Fault, UnreadableText, read_tree
from campaign_runner.campaign_file.syntax.source import Hole, Source
from campaign_runner.disk.litter import is_litter
from campaign_runner.disk.regular_files import TooManyBytes, content_of, text_of
from campaign_runner.errors import CampaignFileError
from campaign_runner.problem import Problem
from campaign_runner.text import joined, nearest, plural

LARGEST_BYTES = 1024 * 1024
_MOST_MENDED = 25  # lines
_SLOW_TEXT = 100_000  # characters; a larger file is mended less often, since each time it is read again
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_ODDLY_INDENTED = re.compile(
    "^ *[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000][ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]*", re.MULTILINE
)
"""Spaces that YAML takes for letters: non-breaking and wide ones."""
_INDENTED_BY_TAB = re.compile(r"^ *\t", re.MULTILINE)
_INIT = "`campaign-runner init` writes one that runs"
_LIST = "`campaign-runner list` shows the campaigns of this machine, and where they are"
_IS_TEXT = f"a campaign file is a text whose name ends in .yaml; {_INIT}"
_SAVE_AS = "save it as UTF-8: text editors offer that under `Save as`, spreadsheets as `CSV UTF-8`"


def open_source(path: Path, content: bytes | None = None) -> tuple[Source, list[Problem]]:
    """The file as a tree, and what is wrong with it so far. Raises CampaignFileError where nothing can be read.

    `content` stands in for what the file holds.
    """
    content = _content(path) if content is None else content
    text = _decoded(path, content)
    if text.startswith("\ufeff"):
        message = "the file begins with two byte order marks (U+FEFF): two programs each added one"
        raise CampaignFileError([Problem(path, 1, 1, message, advice=_SAVE_AS)])
    source = Source(path, text, sha256(content).hexdigest(), Hole(0, 0), text)
    findings = list(_odd_characters(text))
    problems = [source.problem(found.at, found.message, found.advice) for found in findings]
    if _INDENTED_BY_TAB.search(text):
        raise CampaignFileError(problems)
    seen = _INVISIBLE.sub(" ", text).replace("\t", " ")
    return _parsed(source, _ODDLY_INDENTED.sub(lambda found: " " * len(found[0]), seen), problems)


def is_campaign(file: Path) -> bool:
    """Whether a YAML file is a campaign's: one of its lines begins with `campaign:`."""
    try:
        text = text_of(file, LARGEST_BYTES).removeprefix("\ufeff")
        return any(line.startswith("campaign:") for line in text.splitlines())
    except OSError:
        return False


def _content(path: Path) -> bytes:
    try:
        return content_of(path, LARGEST_BYTES)
    except TooManyBytes:
        message = "the file is larger than 1 MiB"
        raise CampaignFileError(
            [Problem(path, 1, 1, message, advice="split the campaign into several files")]
        ) from None
    except FileNotFoundError:
        meant = _meant(path)
        advice = "" if meant else _LIST
        raise CampaignFileError([Problem(path, 1, 1, f"file not found{meant}", advice=advice)]) from None
    except (OSError, ValueError) as error:
        if path.is_dir():
            raise CampaignFileError([Problem(path, 1, 1, "this is a folder", advice=_instead_of(path))]) from None
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise CampaignFileError([Problem(path, 1, 1, f"the file cannot be read: {reason}")]) from error


def files_in(folder: Path) -> list[Path]:
    """The campaign files to name in the place of their folder."""
    return [file.absolute() for file in sorted(folder.glob("*.y*ml")) if not is_litter(file.name)]


def _instead_of(folder: Path) -> str:
    files = files_in(folder)
    return f"name the files in it: {joined(list(map(str, files)))}" if files else f"it has no campaign file; {_LIST}"


def _meant(path: Path) -> str:
    """A file beside it with nearly the same name, as a question; empty if there is none."""
    beside = {file.stem: file.name for file in path.parent.glob("*.y*ml") if not is_litter(file.name)}
    near = nearest(path.stem, beside)
    return f"; did you mean '{beside[near]}'?" if near else ""


_SIGNS = {
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"\x89PNG\r\n": "a picture (PNG)",
    b"RIFF": "a picture (WebP)",
    b"GIF8": "a picture (GIF)",
    b"PK\x03\x04": "an Excel, Word or zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"%PDF": "a PDF",
    b"SQLite format 3\0": "a database",
}
"""How files that people take for a campaign begin, and what they are."""
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_UNREADABLE = 0.1
"""The share of characters that cannot be read, above which a file is not a text."""


def _decoded(path: Path, content: bytes) -> str:
    """The text of a file. Raises CampaignFileError where it is not a text, or one in another encoding."""
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        if content.startswith(_UTF_16):
            raise CampaignFileError([Problem(path, 1, 1, "the file is UTF-16, not UTF-8", advice=_SAVE_AS)]) from None
        if kind := _kind(content):
            raise CampaignFileError([Problem(path, 1, 1, f"this is {kind}, not a text", advice=_IS_TEXT)]) from None
        before = content[: error.start].decode("utf-8", "replace").removeprefix("\ufeff")
        lines = content.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = "the file is not UTF-8 from here on"
        raise CampaignFileError(
            [Problem(path, line, column, message, lines[line - 1].rstrip("\r"), _SAVE_AS)]
        ) from None


def _kind(content: bytes) -> str:
    """What a file is that is not a text; empty for one in which some letters cannot be read."""
    if known := next((kind for sign, kind in _SIGNS.items() if content.startswith(sign)), ""):
        return known
    text = content.decode("utf-8", "replace")
    return "another kind of file" if "\0" in text or text.count("\ufffd") > len(text) * _UNREADABLE else ""


def _odd_characters(text: str) -> Iterator[Fault]:
    """The first tab, the first line that is indented with other spaces, and each kind of invisible character once."""
    oddly = list(_ODDLY_INDENTED.finditer(text))
    if oddly:
        more = f" ({plural(len(oddly), 'line')} are)" if len(oddly) > 1 else ""
        message = f"this line is indented with non-breaking spaces{more}, which YAML takes for letters"
        yield Fault(oddly[0].start(), message, "indent with plain spaces; web pages and chats paste others")
    if (tab := text.find("\t")) >= 0:
        lines = sum("\t" in line for line in text.split("\n"))
        message = "a tab, where YAML needs spaces" + (f" ({plural(lines, 'line')} have tabs)" if lines > 1 else "")
        yield Fault(tab, message, "indent with two spaces; editors can turn tabs into spaces")
    seen: set[str] = set()
    for found in _INVISIBLE.finditer(text):
        if found[0] not in seen:
            seen.add(found[0])
            message = f"an invisible control character (U+{ord(found[0]):04X})"
            yield Fault(found.start(), message, "delete it; it often comes along when text is copied")


def _parsed(source: Source, text: str, problems: list[Problem]) -> tuple[Source, list[Problem]]:
    inserted: dict[int, int] = {}
    mended: set[int] = set()
    most = _MOST_MENDED if len(text) < _SLOW_TEXT else 3
    while True:
        now = Source(source.path, text, source.sha256, Hole(0, 0), source.text, inserted)
        findings: list[Fault] = []
        try:
            root = read_tree(text, findings)
        except UnreadableText as refused:
            raise CampaignFileError(_told(now, problems, [*findings, refused.finding])) from None
        except yaml.YAMLError as error:
            diagnosis = diagnose(text, error)
            if diagnosis.line in mended:  # it was not meant so after all
                raise CampaignFileError(_told(now, problems, findings)) from None
            problems = _told(now, problems, [diagnosis.finding])
            if diagnosis.meant is None or len(mended) == most:
                raise CampaignFileError(_told(now, problems, findings)) from None
            mended.add(diagnosis.line)
            text = _with_line(text, diagnosis.line, diagnosis.meant)
            if diagnosis.inserted:
                inserted[diagnosis.line + 1] = diagnosis.inserted
        else:
            problems = _told(now, problems, findings)
            if root is None:
                raise CampaignFileError([Problem(now.path, 1, 1, "the file is empty", advice=_INIT), *problems])
            return replace(now, root=root), problems


def _with_line(text: str, number: int, line: str) -> str:
    lines = text.split("\n")
    lines[number] = line
    return "\n".join(lines)


def _told(source: Source, problems: list[Problem], findings: list[Fault]) -> list[Problem]:
    told = problems + [source.problem(found.at, found.message, found.advice) for found in findings]
    return sorted(dict.fromkeys(told), key=lambda problem: (problem.line, problem.column))
