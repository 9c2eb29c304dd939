"""A script of things that go wrong, for trying what a client does about them.

A `Fault` names a kind, the place where it strikes and which times: the nth, the
first few, every nth, a share of all, or always. Places are counted from 1, each on
its own, and a share is drawn from a seed and that count, so that a run repeats
exactly. A script without faults is a service that always works.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import yaml

from campaign_runner.sandbox.noise import ENDLESS, GARBLED, NOISE
from campaign_runner.sandbox.recoding import RECODINGS
from campaign_runner.sandbox.script_text import text_of

Place = Literal["token", "models", "upload", "submit", "poll", "cancel", "download", "job", "output"]

API = ("submit", "poll", "models", "upload", "cancel")
CALLS = (*API, "token", "download")

KINDS: Mapping[str, tuple[str, ...]] = {
    # kind: where it may strike, its usual place first
    "429": (*API, "token"),  # Retry-After is `seconds`, or `word` to the letter
    "500": CALLS,
    "503": CALLS,
    "redirect": CALLS,  # 307 to 127.0.0.2
    "408": ("submit",),
    "html": CALLS,  # a gateway's page, of status 502 or `word`
    "400": ("submit",),
    "405": ("submit",),
    "410": ("submit",),
    "413": ("submit",),
    "415": ("submit",),
    "422": ("submit",),
    "401": API,  # the token in use is revoked
    "402": ("submit",),
    "403": ("submit", "poll"),  # x-access-error: quota_exhausted, or `word`
    "404": ("submit", "poll"),
    "451": ("submit", "job", "upload"),  # at a job: said when it is polled
    "slow": CALLS,  # `seconds` pass before the request is looked at
    "slow_after": ("submit", "poll", "cancel", "download"),  # looked at at once, answered after `seconds`
    "reset": CALLS,  # cut off without an answer
    "reset_after": ("submit",),  # accepted and charged, then cut off without an answer
    "500_after": ("submit",),  # accepted and charged, then 500
    "garbled": ("submit", "poll", "token"),  # the answer's body is cut in half, or one of GARBLED
    "recoded": (*API, "token"),  # the same answer in another make: gzip'ed, or one of RECODINGS
    "noise": CALLS,  # what comes back is not HTTP: one of NOISE or ENDLESS
    "other_job_id": ("poll",),  # the answer is about a job that does not exist
    "bare_job_id": ("poll",),  # the answer names the job by the last part of its id
    "no_job_id": ("job",),  # accepted and charged; the answer names no job
    "repeated_job_id": ("job",),  # the answer names the first job of all
    "no_status_url": ("job",),
    "other_status_host": ("job",),  # statusUrl is on 127.0.0.2
    "dead_status_host": ("job",),  # statusUrl and cancelUrl are on a port that refuses, or by `word` is silent
    "failed": ("job",),  # with error_code `word`
    "cancelled": ("job",),
    "timeout": ("job",),
    "stuck": ("job",),  # runs for ever
    "unknown_word": ("job",),  # is `word` instead of running
    "forgotten": ("job",),  # accepted, and unknown when it is polled
    "backwards": ("job",),  # succeeded when it is polled first, running at the next poll
    "no_result": ("job",),  # succeeded, without saying what was made
    "fewer_outputs": ("job",),  # the last one is missing
    "no_outputs": ("job",),
    "extra_output": ("job",),  # one more, of a seed no one asked for
    "flood": ("job",),  # `word` more (2000), of seeds no one asked for, before those that were
    "unknown_seed": ("job",),  # the first output's seed is not the one asked for
    "duplicate_seed": ("job",),  # the last output repeats the first seed
    "seed_as_text": ("job",),  # "11" instead of 11
    "seed_as_float": ("job",),  # 11.0
    "without_seed": ("job",),  # the outputs name none
    "shuffled": ("job",),
    "denied_words": ("job",),  # promptHasDeniedWords
    "expired": ("output",),  # its first URL has expired when it is given; a later poll's has not
    "dead_link": ("output",),  # every URL of it has expired
    "no_link": ("output",),  # it has no URL
    "other_image_host": ("output",),  # its URL is on 127.0.0.2, or at https://`word`
    "metadata": ("output",),  # megabytes of text, profile and the like beside its pixels
    "same_picture": ("output",),  # looks like every other one with this fault, to the byte
    "truncated": ("download", "output"),  # half of the bytes, with a length that agrees
    "cut": ("download", "output"),  # half of the bytes, then the connection drops
    "unfinished": ("download", "output"),  # half of the bytes without a length, then the connection ends
    "compressed": ("download", "output"),  # half of a gzip stream that no one asked for
    "trickle": ("download", "output"),  # a byte every `seconds`
    "bomb": ("download", "output"),  # a small PNG of 400 million pixels
    "huge": ("download", "output"),  # 80 MiB
    "wrong_size": ("output", "download"),  # half as wide and high
    "not_an_image": ("download", "output"),  # 200 with an HTML page
}


WORDS: Mapping[str, frozenset[str]] = {
    # kinds whose word is one of a few; empty is always one
    "dead_status_host": frozenset({"silent"}),
    "garbled": frozenset(GARBLED),
    "recoded": frozenset(RECODINGS),
    "noise": frozenset(NOISE) | frozenset(ENDLESS),
    "html": frozenset({"200", "403", "404", "408", "500", "502", "503", "504"}),
}


def _meant(word: str, known: Collection[str], beginning: str = "known") -> str:
    """`; did you mean 'reset'?`, or all that is known where nothing is near."""
    spelt = word.lower().replace("-", "_").replace(" ", "_")
    near = get_close_matches(spelt, known, n=1, cutoff=0.66)
    return f"; did you mean {near[0]!r}?" if near else f"; {beginning}: {', '.join(known)}"


class FaultError(ValueError):
    """A script that cannot be followed; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. Without `nth`, `first`, `every` or `rate` it does so always."""

    kind: str
    where: str = ""
    """The place; empty: the kind's usual one."""
    nth: int | None = None
    """Only this time, counted from 1."""
    first: int | None = None
    """Only the first so many times."""
    every: int | None = None
    """Each time whose number this divides."""
    rate: float | None = None
    """This share of the times, above 0 to 1, drawn by the sandbox's seed."""
    seconds: float = 1.0
    """The wait of `slow`, the Retry-After of `429`."""
    word: str = ""
    """The error code of `failed`, the reason of `403`, the status of `unknown_word`, and so on."""

    def __post_init__(self) -> None:
        places = KINDS.get(self.kind)
        if places is None:
            raise FaultError(f"unknown fault {self.kind!r}{_meant(self.kind, KINDS)}")
        if self.where and self.where not in places:
            meant = _meant(self.where, places, "only at")
            raise FaultError(f"{self.kind} cannot strike at {self.where!r}{meant}")
        if self.word and self.word not in WORDS.get(self.kind, {self.word}):
            raise FaultError(f"{self.kind}: unknown word {self.word!r}{_meant(self.word, sorted(WORDS[self.kind]))}")
        if self.kind == "flood" and not (self.word or "1").isdecimal():
            raise FaultError("flood: word is how many more images there are")
        counts = [count for count in (self.nth, self.first, self.every) if count is not None]
        if any(count < 1 for count in counts) or not 0 < (1.0 if self.rate is None else self.rate) <= 1:
            raise FaultError(f"{self.kind}: nth, first and every are 1 or more, rate is above 0 to 1")
        if len(counts) + (self.rate is not None) > 1:
            raise FaultError(f"{self.kind}: give one of nth, first, every and rate")

    @property
    def place(self) -> str:
        """Where it strikes."""
        return self.where or KINDS[self.kind][0]

    def strikes(self, number: int, luck: float) -> bool:
        """Whether it is due at the `number`th time, counted from 1; `luck` (0 to 1) decides about a rate."""
        if self.rate is not None:
            return luck < self.rate
        if self.nth is not None:
            return number == self.nth
        if self.first is not None:
            return number <= self.first
        return self.every is None or number % self.every == 0


class Script:
    """The faults of one sandbox, and how often each place was reached. `seed` decides about rates."""

    def __init__(self, faults: Iterable[Fault], seed: int = 0) -> None:
        self._faults = tuple(faults)
        self._seed = seed
        self._reached: Counter[str] = Counter()

    def at(self, place: Place) -> tuple[Fault, ...]:
        """The place is reached once more; what strikes there now, in the script's order."""
        self._reached[place] += 1
        number = self._reached[place]
        there = [(line, fault) for line, fault in enumerate(self._faults) if fault.place == place]
        # luck is drawn for each line and each time by itself: it repeats exactly, whatever else went on
        luck = {line: random.Random(f"{self._seed}: fault {line} {number}").random() for line, _ in there}
        return tuple(fault for line, fault in there if fault.strikes(number, luck[line]))


def load_faults(path: Path) -> tuple[Fault, ...]:
    """The script in a YAML or JSON file: a list of mappings with the fields of `Fault`.

    Raises FaultError for one that cannot be followed, OSError for one that cannot be read.
    """
    try:
        text = text_of(path)
        entries = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise FaultError(f"{path}: not readable as YAML or JSON") from error
    if not isinstance(entries, list):
        raise FaultError(f"{path}: a list of faults is expected, such as: - {{kind: 429, nth: 2}}")
    return tuple(_fault(entry, number) for number, entry in enumerate(entries, start=1))


def _fault(entry: Any, number: int) -> Fault:
    if not isinstance(entry, dict) or "kind" not in entry:
        raise FaultError(f"fault {number}: a mapping with a kind is expected, such as: {{kind: reset_after, nth: 3}}")
    known = {field.name for field in fields(Fault)}
    if unknown := [str(name) for name in entry if name not in known]:
        raise FaultError(f"fault {number}: unknown field {unknown[0]!r}{_meant(unknown[0], sorted(known))}")
    counts = [entry.get(name) for name in ("nth", "first", "every")]
    seconds, rate = entry.get("seconds", 1.0), entry.get("rate")
    numbers = (seconds, 1.0 if rate is None else rate)
    if any(type(count) not in (int, type(None)) for count in counts) or {*map(type, numbers)} - {int, float}:
        raise FaultError(f"fault {number}: nth, first, every, rate and seconds are numbers")
    words = {name: str(entry[name]) for name in ("kind", "where", "word") if name in entry}
    return Fault(**words, nth=counts[0], first=counts[1], every=counts[2], rate=rate, seconds=float(seconds))
