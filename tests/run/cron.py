"""A month of cron on one machine: nights that are missed, edited campaigns, signals, and kills without a last word.

A kill freezes the disk: what lies there at that moment is what the next night finds, whatever the
process would still have written.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from campaign_runner.campaign_file.loader import load
from campaign_runner.events import Accepted, Event, Failed, Stored
from campaign_runner.plan.cost import RateLimit
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from tests import refolding
from tests.night import Night, Several

DAY = 24 * 3600.0
NAMES = ("autumn", "spring")
THINGS = ("mug", "cup", "bowl")
MOMENTS = (0.0, 0.1, 0.2, 3.0, 30.0)
"""Seconds after an event at which a run is killed or told to stop: also between a request and its answer."""


@dataclass
class Month:
    """What happened, and to which keys.

    `awaited` are paid for and not stored yet, as far as events told; `cut_off` were about to be sent or sent without
    an answer when a kill fell; `left` were that, or awaited, when a run was killed or told to stop.
    """

    night: Night
    dice: random.Random
    rate: RateLimit
    awaited: set[str] = field(default_factory=set)
    cut_off: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    happened: Counter[str] = field(default_factory=Counter)

    async def go_by(self, nights: int) -> None:
        """So many nights at ten in the evening; in the last third nobody edits, stops or kills anything."""
        began = asyncio.get_running_loop().time()
        self._edit("autumn")
        self._edit("spring")
        for number in range(nights):
            is_calm = number >= nights * 2 // 3
            await asyncio.sleep(max(began + number * DAY - asyncio.get_running_loop().time(), 0.0))
            if is_calm or self.dice.random() > 0.15:
                await self._tonight(is_calm=is_calm)
            else:
                self.happened["missed"] += 1

    async def _tonight(self, *, is_calm: bool) -> None:
        if not is_calm and self.dice.random() < 0.6:
            self._edit(self.dice.choice(NAMES))
        trouble = None if is_calm else self.dice.choice([None, "kill", "kill", "kill", "signal"])
        several, fallen = Several(), asyncio.Event()
        watch = self._watch(random.Random(f"{self.dice.random()}"), fallen)
        campaigns = [load(self.night.home / "campaigns" / f"{name}.yaml") for name in NAMES]
        limits = Limits(concurrency=self.dice.choice([1, 8]), max_seconds=8 * 3600.0)
        making = asyncio.ensure_future(
            self.night.run_together(*campaigns, rate=self.rate, limits=limits, watch=watch, several=several)
        )
        if trouble is not None:
            waiting = asyncio.ensure_future(fallen.wait())
            await asyncio.wait([making, waiting], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        if trouble == "kill" and not making.done():
            await self._kill(making)
            self.happened["killed"] += 1
            return
        if trouble == "signal":
            for control in several.controls:
                control.signalled(signal.SIGTERM)
        await making
        self.left |= self.awaited
        self.happened["signalled" if trouble == "signal" else "whole"] += 1
        self._check_exits(several, may_be_signalled=trouble == "signal")

    def _edit(self, name: str) -> None:
        """Another product, other words for all of them, or other seeds."""
        requests, seeds = self.dice.randint(4, 9), self.dice.randint(1, 3)
        self.night.campaign(requests, seeds, name=name, of=self.dice.choice(THINGS))
        self.happened["edited"] += 1

    def _watch(self, dice: random.Random, fallen: asyncio.Event) -> Callable[[Event, Control], None]:
        """Note what is paid for and not stored; some moment after some events, something falls."""
        left = iter(range(dice.randint(1, 25)))

        def watch(event: Event, control: Control) -> None:
            match event:
                case Accepted(attempt):
                    self.awaited |= set(attempt.job.keys)
                case Stored(variation=variation) | Failed(variation=variation):
                    self.awaited.discard(variation.key)
                case _:
                    pass
            if next(left, None) is None and not fallen.is_set():
                asyncio.get_running_loop().call_later(dice.choice(MOMENTS), fallen.set)

        return watch

    async def _kill(self, making: asyncio.Task[Any]) -> None:
        """End the run, and put the disk back to where it was at this moment."""
        home, frozen = self.night.home, self.night.home / "frozen"
        for name in ("output", "state"):
            if (home / name).exists():
                shutil.copytree(home / name, frozen / name)
        making.cancel()
        await asyncio.wait([making])
        for name in ("output", "state"):
            shutil.rmtree(home / name, ignore_errors=True)
            if (frozen / name).exists():
                (frozen / name).rename(home / name)
        self._mark_as_dead()
        self.cut_off |= self.in_state("submitting")
        self.left |= self.cut_off | self.awaited

    def _mark_as_dead(self) -> None:
        """The sender of what is unanswered is this very process, which lives on: let it look like another."""
        path = self.night.home / "state" / "quota.sqlite"
        if path.exists():
            with closing(sqlite3.connect(path)) as quota, quota:
                quota.execute("UPDATE sent SET sender_started = -1 WHERE answered IS NULL")

    def _check_exits(self, several: Several, *, may_be_signalled: bool) -> None:
        for name, code in several.codes.items():
            expected = self.status(name)
            assert code == expected or (may_be_signalled and code == 143 and expected in (0, 8)), (name, code, expected)
            self.happened[f"exit {code}"] += 1

    def status(self, name: str) -> int:
        """The exit status that the files of a campaign speak of."""
        states = Counter(row["state"] for row in self._journal(name).variations.values())
        if states["in_doubt"]:
            return 4
        counts = self.counts(name)
        return 8 if counts["pending"] or counts["accepted"] else 3 if counts["failed"] else 0

    def counts(self, name: str) -> Counter[str]:
        manifest: dict[str, Any] = json.loads((self.night.home / "output" / name / "manifest.json").read_bytes())
        return Counter(manifest["counts"])

    def in_state(self, state: str) -> set[str]:
        """The keys of all images in a state, also of those that left their campaign."""
        rows = [item for name in self._begun() for item in self._journal(name).variations.items()]
        return {key for key, row in rows if row["state"] == state}

    def _begun(self) -> list[str]:
        return [name for name in NAMES if (self.night.home / "output" / name / "journal.sqlite").exists()]

    def _journal(self, name: str) -> refolding.Journal:
        return refolding.read(self.night.home / "output" / name / "journal.sqlite")

    def most_in_a_day(self) -> int:
        """How many requests arrived in the fullest 24 hours, accepted or not."""
        times = sorted(entry.at for entry in self.night.ledger.entries)
        return max(sum(first <= time < first + DAY for time in times) for first in times)
