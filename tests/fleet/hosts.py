"""Machines of a fleet: the program in processes of its own, against a database, a shared folder and a sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from campaign_runner.fleet.database import Database
from campaign_runner.fleet.images.place import ImagePlace
from campaign_runner.quota.shared_quota import account_of
from tests.fleet import s3
from tests.fleet.postgres import PostgresServer
from tests.processes.forks import Done, Forked, SandboxProcess, shared
from tests.processes.machines import Machine, sandbox_process

PATIENCE = 600.0
"""Seconds for anything that a process was asked to do."""
ON = ("--on", "fleet")


@dataclass
class FleetProcess:
    """A command of the fleet in a process of its own."""

    forked: Forked
    done: Done | None = None
    is_waited_for: bool = False

    def said(self) -> str:
        """The last that it said until now."""
        words = [
            file.read_text(encoding="utf-8")[-600:] for file in (self.forked.out, self.forked.err) if file.exists()
        ]
        return f"{self.forked.err.parent.name}, process {self.forked.process}: {'; '.join(words)}"

    def send_signal(self, number: signal.Signals) -> None:
        assert self.done is None, "it has ended, and its number may be another's"
        self.forked.kill(number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def ended(process: FleetProcess) -> Done:
    """How a process ended, once it has, and what it said."""
    if process.done is None:
        process.is_waited_for = True
        process.done = shared().wait(process.forked)
    return process.done


@dataclass
class FleetMachine:
    """A machine of the fleet: its own state folder and campaign files; record, store and service are shared."""

    machine: Machine
    lease: float
    started: list[FleetProcess]

    def start(self, *words: object, on: tuple[str, ...] = ON, patience: float | None = None) -> FleetProcess:
        """A command whose leases are short, in a process of its own; it waits `patience` seconds for a worker."""
        home, env = self.machine.home, self.machine.env
        forked = shared().start(*words, *on, home=home, env=env, lease=self.lease, patience=patience, is_whole=True)
        self.started.append(FleetProcess(forked))
        return self.started[-1]

    def run(self, *words: object) -> Done:
        """One command, to its end."""
        return ended(self.start(*words))

    def command(self, *words: object) -> Done:
        """One command that has no --on, to its end."""
        return ended(self.start(*words, on=()))

    def work(self) -> FleetProcess:
        """A worker, that takes what is submitted from now on."""
        return self.start("worker", on=())

    def here(self, file: Path, *words: object) -> FleetProcess:
        return self.start("run", file, "--here", "--yes", *words)


@dataclass(frozen=True)
class FleetOfMachines:
    """A database, a place for images and a sandbox, and as many machines as are asked for."""

    server: PostgresServer
    database: str
    home: Path
    sandbox: SandboxProcess
    lease: float
    store: str
    settings: dict[str, str] = field(default_factory=dict)
    started: list[FleetProcess] = field(default_factory=list)

    async def prepare(self) -> None:
        """As `fleet init` does: database and images are bound together."""
        async with Database(self.server.settings(self.database)) as database:
            await self.images().note(database.identity.id)

    def images(self) -> ImagePlace:
        """Where all machines keep their images."""
        with patch.dict(os.environ, self.settings):
            return ImagePlace.of(self.store, allows_http=True)

    def machine(self, name: str) -> FleetMachine:
        home = self.home / name
        home.mkdir()
        machine = Machine.beside(self.sandbox.origin, home)
        machine.env["CAMPAIGN_RUNNER_DATABASE_URL"] = self.server.url(self.database)
        machine.env |= {"CAMPAIGN_RUNNER_STORE": self.store, **self.settings}
        return FleetMachine(machine, self.lease, self.started)

    def manifest(self, name: str = "spring") -> dict[str, Any]:
        """What lies beside the images of a campaign."""
        file = self.home / "shared" / "default" / name / "manifest.json"
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found

    def states(self, name: str = "spring") -> dict[str, str]:
        """The state of each image of a campaign, by key."""
        return {image["key"]: image["state"] for image in self.manifest(name)["images"]}

    def files(self) -> list[Path]:
        """All images that are stored."""
        return [path for path in (self.home / "shared").rglob("*") if path.suffix in (".jpg", ".png", ".webp")]


@contextmanager
def fleet_of_machines(
    server: PostgresServer,
    prepared: str,
    home: Path,
    *switches: str,
    lease: float = 1.0,
    per_minute: int = 600,
    bucket: str | None = None,
) -> Iterator[FleetOfMachines]:
    """A fleet with a database of its own; its sandbox refuses what is beyond the allowance."""
    with sandbox_process("--per-minute", str(per_minute), "--strict", *switches) as sandbox:
        database = server.prepared_database(prepared)
        account = account_of(sandbox.origin, "me")
        server.execute(database, f"SELECT campaign_runner.set_allowance('{account}', {per_minute}, 9000)")
        settings = {} if bucket is None else s3.environment(s3.endpoint())
        store = bucket or str(home / "shared")
        whole = FleetOfMachines(server, database, home, sandbox, lease, store, settings)
        asyncio.run(whole.prepare())
        try:
            yield whole
        except BaseException as error:
            error.add_note("\n".join(process.said() for process in whole.started))
            raise
        finally:
            left = [process for process in whole.started if not process.is_waited_for]
            for process in left:
                process.kill()
            for process in left:
                ended(process)
