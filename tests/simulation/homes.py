"""What a night is made of: a service that is watched, and the output folders of one machine."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.run.control import Clock
from campaign_runner.run.ending import MACHINE
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.session.request import ServiceAccess
from tests.checker import Seen, check
from tests.night import BEGAN, CANARIES, SECRET, Ended, Night


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
    """One output folder of the machine; the state folder and the service are shared with the others."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world.home / name, world.sandbox, world.seconds, world.origin)
        self._world = world
        self.campaign_name = name
        self.runs = 0

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
        return str(body["prompt"]).startswith(f"{self.campaign_name} ")

    def check_after(self, ended: Ended | None) -> None:
        """All that is promised of this folder; `ended` is its last run, None where that was cut off.

        Where the disk refused, the manifest may be of an earlier run, as after a kill.
        """
        texts = [] if ended is None else ["\n".join(ended.lines)]
        exits = {} if ended is None else {self.campaign_name: ended.code}
        seen = Seen(
            exits=exits, texts=texts, state=self._world.home / "state", is_cut=ended is None or ended.code == MACHINE
        )
        check(self.home / "output", self.charges(), resolved=self.resolved, canaries=CANARIES, seen=seen)

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
        file = self.output / "journal.sqlite"
        if not file.exists():
            return []
        db = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            return db.execute(query, values).fetchall()
        finally:
            db.close()
