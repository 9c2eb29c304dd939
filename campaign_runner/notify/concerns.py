"""What of an ended run needs someone: each cause with a name of its own, so that it is told once.

The words hold counts, ids and commands. What an error says is not among them: it may quote a prompt, or name a path.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from campaign_runner.errors import AccountRefused, CampaignError, CampaignFileError, DiskFull
from campaign_runner.model import State
from campaign_runner.report.standing import Standing
from campaign_runner.run.ending import ACCOUNT, ASKED, BUG, INTEGRITY, LATER, MACHINE, USAGE
from campaign_runner.text import plural, printable

NEEDS_SOMEONE = range(1, LATER)
UNJUDGED = (11, 129, 130, 143)
"""Exit statuses that say nothing about the campaign: another run has it, or this one was ended from outside."""
OF_THE_RECORD = "record:"
"""How the ids of what the record says begin; the others are about one run."""
_LONGEST_CODE = 40
_REFUSED = {
    USAGE: ("the run was refused, and nothing is bought", "plan"),
    INTEGRITY: ("journal, manifest, image or custom model differ from the record; nothing is bought", "doctor"),
    MACHINE: ("the disk or its permissions stopped the run", "doctor"),
    ACCOUNT: ("credentials or account were refused; nothing is bought", "doctor"),
}
"""What an exit status means in general, and the command that looks into it."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One cause why someone is needed. `id` is the same for as long as the cause is; `command` looks into it."""

    id: str
    words: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class CampaignEnd:
    """How one campaign of a command ended. `standing` is None where it was refused before its record was read.

    `name` is the campaign's, or how it was typed where its file cannot be read; `file` is what it is remembered by.
    """

    name: str
    file: Path
    exit: int
    errors: Sequence[BaseException] = ()
    standing: Standing | None = None

    @property
    def may_pass(self) -> bool:
        """Whether another night may do without anyone: an outage, the allowance, a limit of the caller's."""
        return self.exit in (LATER, ASKED)


def concerns_of(end: CampaignEnd) -> Iterator[Concern]:
    """What needs someone as far as this run alone tells."""
    for error in end.errors:
        code = error.exit_code if isinstance(error, CampaignError) else BUG
        if code in NEEDS_SOMEONE:
            yield Concern(f"{code}:{_same(error)}", *_words(error, code, end.name))
    if end.exit == BUG and not end.errors:
        yield Concern(f"{BUG}:", "a bug in campaign_runner; a trace is in its state folder")
    for (state, word), images in end.standing.open.items() if end.standing is not None else ():
        why = f" ({_harmless(word)})" if word else ""
        id, many = f"{OF_THE_RECORD}{state}:{word}", plural(images, "image")
        if state == State.IN_DOUBT:
            words = f"{many} in doubt{why}: Adobe may have charged for {'it' if images == 1 else 'them'}"
        else:
            words = f"{many} failed{why}"
        yield Concern(id, words, f"campaign-runner resolve {end.name}")


def _words(error: BaseException, code: int, name: str) -> tuple[str, str]:
    """What an error means for someone who was not there, and the command that says more."""
    if code not in _REFUSED:
        return f"a bug in campaign_runner ({type(error).__name__}); a trace is in its state folder", ""
    words, command = _REFUSED[code]
    match error:
        case CampaignFileError(problems=problems):
            words = f"the campaign file has {plural(len(problems), 'problem')}; nothing is bought"
        case DiskFull():
            words = "the disk is full"
        case AccountRefused(code=why) if why:
            words = f"credentials or account were refused ({_harmless(why)}); nothing is bought"
    return words, f"campaign-runner {command} {name}"


def _same(error: BaseException) -> str:
    """What is equal for equal causes: the code, or the sentence without its numbers, which change every night."""
    if not isinstance(error, CampaignError):
        return type(error).__name__
    code = getattr(error, "code", "")
    told = code or re.sub(r"\d+", "#", error.sentence)
    return hashlib.sha256(f"{type(error).__name__} {told}".encode()).hexdigest()[:16]


def _harmless(code: str) -> str:
    """A code, which may be a stranger's word, short and on one line."""
    return printable(code[:_LONGEST_CODE])
