"""Facts that the database did not take: kept on this machine's disk, and told again, also by the next start here.

One file a telling, written once and whole, with the nonce that it was told under: so every process of this machine may
tell it, any number of times, and it counts once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from campaign_runner.disk import files
from campaign_runner.disk.regular_files import text_of
from campaign_runner.errors import IntegrityError
from campaign_runner.fleet.database import Database
from campaign_runner.fleet.quota import FleetPermit
from campaign_runner.tasks import in_thread

_FOLDER = "untold"
_LARGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class Telling:
    """Facts of one campaign that are told at once, [kind, body] each, under one nonce."""

    campaign: int
    nonce: str
    epoch: int
    worker: str
    facts: Sequence[Sequence[Any]]

    async def tell(
        self,
        database: Database,
        known: int,
        patience: float | None = None,
        *,
        answered: Sequence[FleetPermit] = (),
    ) -> dict[str, Any]:
        """The database's answer; the permits of what was `answered` just now are settled with the facts.

        Raises what `Database.call` raises.
        """
        facts = [*self.facts, *_answer(answered)]
        values = (self.campaign, self.nonce, self.epoch, self.worker, known, facts)
        told: dict[str, Any] = await database.call("tell", *values, patience=patience)
        for permit in answered:
            permit.learnt.append(told["learnt"])
        return told

    async def keep(self, home: Path) -> None:
        """Durable on return, below `home`. Raises StoreError."""
        content = json.dumps(asdict(self)).encode()
        await in_thread(files.make_folder, home / _FOLDER)
        await in_thread(files.write_durably, home / _FOLDER / f"{self.nonce}.json", content)

    async def forget(self, home: Path) -> None:
        """It is told."""
        await in_thread(files.remove, home / _FOLDER / f"{self.nonce}.json")


def _answer(permits: Sequence[FleetPermit]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is said of permits, as if it were a fact: so facts keep the one function that takes them."""
    if permits:
        yield "answered", {"permits": [permit.id for permit in permits], "settings": dict(permits[-1].settings)}


async def tell_again(database: Database, home: Path, patience: float | None = None) -> int:
    """Tell what is kept below `home`, oldest first; how much that was. Raises what `Database.call` raises.

    Others may do so at the same time.
    """
    tellings = list(await in_thread(lambda: list(_kept(home))))
    for telling in tellings:
        await telling.tell(database, (1 << 62), patience)
        await telling.forget(home)
    return len(tellings)


def _kept(home: Path) -> Iterator[Telling]:
    found = []
    for path in (home / _FOLDER).glob("*.json"):
        with suppress(FileNotFoundError):  # another one told it meanwhile
            if path.is_file():
                found.append((path.stat().st_mtime_ns, path))
    for _, path in sorted(found):
        try:
            with suppress(FileNotFoundError):
                yield Telling(**json.loads(text_of(path, _LARGEST)))
        except (ValueError, TypeError) as error:
            raise IntegrityError(f"{path} is damaged; it holds what was paid for. Restore it from a backup") from error
