"""What a night is made of: a service that is watched, and the output folders of one machine."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import CampaignError
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.run.control import Clock
from campaign_runner.run.ending import MACHINE
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.session.request import ServiceAccess
from tests import refolding
from tests.checker import Seen, check
from tests.night import BEGAN, CANARIES, SECRET, Ended, Night

COMMON = "common"
"""Where neighbours lie, and the first word of what they ask for."""


class WatchedSandbox(Sandbox):
    """A sandbox that tells its witness of every request for images the moment it arrives."""

    witness: Callable[[dict[str, Any]], None]

    def _call(self, place: Any, handler: Any) -> Any:
        answer = super()._call(place, handler)

        async def witnessed(request: Any) -> Any:
            try:
                body = await request.json()
            except (ConnectionError, ValueError):  # its sender died in the middle of it
                return await answer(request)
            self.witness(body)
            return await answer(request)

        return witnessed if place == "submit" else answer


class World(Protocol):
    """What all folders of a machine share. `clock_is_off` is seconds."""

    home: Path
    seed: int
    sandbox: WatchedSandbox
    origin: str
    clock_is_off: float

    def seconds(self) -> float: ...


class Home(Night):
    """One output folder of the machine; the state folder and the service are shared with the others.

    `beside` are all those that lie in the same folder of outputs, this one too.
    """

    def __init__(self, world: World, name: str, beside: list[Home] | None = None) -> None:
        place = name if beside is None else COMMON
        super().__init__(world.home / place, world.sandbox, world.seconds, world.origin)
        self._world = world
        self._words = place
        self.campaign_name = name
        self.runs = 0
        self.was_cut = False
        """Whether the manifest may be of an earlier run than the last: it was cut off, or the disk refused."""
        self.beside = [] if beside is None else beside
        self.beside.append(self)

    def planned(self, requests: int, seeds: int) -> Campaign:
        """The campaign of this folder; neighbours ask for the same things in the same words."""
        campaign = self.campaign(requests, seeds, name=self.campaign_name)
        text = campaign.path.read_text(encoding="utf-8")
        campaign.path.write_text(text.replace(f": {self.campaign_name} mug", f": {self._words} mug"), encoding="utf-8")
        return load(campaign.path)

    @property
    def output(self) -> Path:
        return self.home / "output" / self.campaign_name

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.seconds() + self._world.clock_is_off)

    def clock(self) -> Clock:
        self.runs += 1
        chance = random.Random(f"{self._world.seed}: {self.campaign_name} {self.runs}")
        return Clock(self.now, random=chance.random, uptime=self.uptime)

    def access(self, secret: str = SECRET) -> ServiceAccess:
        state = self._world.home / "state"
        return ServiceAccess(self.origin, lambda: self.settings(secret), state, RunRegistry(state))

    def charges(self) -> dict[str, Any]:
        """The part of the sandbox's ledger that this folder's campaign caused."""
        told = self.sandbox.ledger.as_json()
        ours = [entry for entry in told["requests"] if entry["body"] and self.is_ours(entry["body"])]
        keys = {key for entry in ours for key in entry["keys"]}
        return told | {"requests": ours, "charged": {key: told["charged"][key] for key in keys}}

    def is_ours(self, body: dict[str, Any]) -> bool:
        return str(body["prompt"]).startswith(f"{self._words} ")

    def note(self, ended: Ended | None) -> None:
        """How its last run ended; None where that was cut off."""
        self.was_cut = ended is None or ended.code == MACHINE

    def check_after(self, ended: Ended | None) -> None:
        """All that is promised of this folder and those beside it; `ended` is its last run.

        Where the disk refused, the manifest may be of an earlier run, as after a kill.
        """
        texts = [] if ended is None else ["\n".join(ended.lines)]
        exits = {} if ended is None else {self.campaign_name: ended.code}
        is_cut = any(home.was_cut for home in self.beside)
        seen = Seen(exits=exits, texts=texts, state=self._world.home / "state", is_cut=is_cut)
        resolved = set().union(*(home.resolved for home in self.beside))
        check(self.home / "output", self.charges(), resolved=resolved, canaries=CANARIES, seen=seen)
        if len(self.beside) > 1:
            self._check_bought_once()

    def _check_bought_once(self) -> None:
        """Whoever of several neighbours buys an image, the others do not, unless it failed or a person said so."""
        journals = [refolding.read(home.output / "journal.sqlite") for home in self.beside if home.has_journal]
        facts = [event for journal in journals for event in journal.events]
        lost = {event.key for event in facts if event.kind == "failed"}
        for key, times in self.charges()["charged"].items():
            ordered = sum(journal.orders[key] for journal in journals)
            assert times <= 1 + ordered or key in lost, "neighbours bought an image twice"

    @property
    def has_journal(self) -> bool:
        return (self.output / "journal.sqlite").exists()

    def states(self, seeds: list[int], prompt: str) -> set[str]:
        """How the images of a request stand in the journal, as another process sees it."""
        marks = ",".join("?" * len(seeds))
        of_prompt = "recipe IN (SELECT digest FROM recipes WHERE json_extract(text, '$.body.prompt') = ?)"
        rows = self.asked(f"SELECT state FROM variations WHERE seed IN ({marks}) AND {of_prompt}", *seeds, prompt)
        return {state for (state,) in rows}

    def facts(self) -> list[Any]:
        """The journal's events in their order, without what is random: ids, ports, answers, names of files."""
        return self.asked(
            "SELECT e.epoch, e.kind, a.number, a.job_id, e.key, json_remove(e.detail, '$.status_url', '$.cancel_url',"
            " '$.file', '$.answer') FROM events e LEFT JOIN attempts a ON a.id = e.attempt ORDER BY e.seq"
        )

    def edges(self) -> Counter[str]:
        """How often a fact followed another about the same request, or the same image."""
        before = (
            "SELECT p.kind FROM events p WHERE p.seq < e.seq AND p.key IS NULL AND p.attempt = e.attempt"
            " ORDER BY p.seq DESC LIMIT 1"
        )
        follows = (
            f"SELECT coalesce(({before}), 'in_doubt') || ' > ' || e.kind FROM events e"
            " WHERE e.kind = 'resubmit' OR (e.kind != 'submitting' AND e.attempt IS NOT NULL)"
        )
        edges = Counter(edge for (edge,) in self.asked(follows))
        ((again,),) = self.asked("SELECT count(*) - count(DISTINCT recipe || seeds) FROM attempts")
        return edges + Counter({"asked again": again})

    def asked(self, query: str, *values: Any) -> list[Any]:
        """Rows of the journal; none where there is none."""
        if not self.has_journal:
            return []
        db = sqlite3.connect(f"file:{self.output / 'journal.sqlite'}?mode=ro", uri=True)
        try:
            return db.execute(query, values).fetchall()
        finally:
            db.close()


@contextmanager
def unreadable(file: Path) -> Iterator[CampaignError]:
    """Until somebody mends it, at the end of the block, a campaign file cannot be read: what is said of it."""
    text = file.read_bytes()
    file.write_bytes(b"\0 what a sync client left")
    try:
        with pytest.raises(CampaignError) as refused:
            load(file)
        yield refused.value
    finally:
        file.write_bytes(text)
