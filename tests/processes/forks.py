"""Real processes of the program by the hundred: forked from one that has imported everything already."""

from __future__ import annotations

import atexit
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

NO_PROXY = build_opener(ProxyHandler({}))
"""Asks this machine itself, whatever proxy the environment names."""
PATIENCE = 600.0
"""Seconds for anything that a process was asked to do."""


@dataclass(frozen=True)
class SandboxProcess:
    """A sandbox in a process of its own; what it charged outlives any client."""

    origin: str
    process: int

    def release(self) -> None:
        """Answer what slow faults hold back, and hold nothing back from now on."""
        os.kill(self.process, signal.SIGUSR1)

    def ledger(self) -> dict[str, Any]:
        with NO_PROXY.open(f"{self.origin}/sandbox/ledger", timeout=PATIENCE) as answer:
            ledger: dict[str, Any] = json.load(answer)
        return ledger

    def ledger_of(self, client: str) -> dict[str, Any]:
        """What it has of one of several accounts."""
        ours = [entry for entry in self.ledger()["requests"] if entry["client_id"] == client]
        taken = [entry for entry in ours if entry["outcome"] == "accepted"]
        charged = Counter(key for entry in taken for key in entry["keys"])
        twice = {key: times for key, times in charged.items() if times > 1}
        return {"requests": ours, "refused": len(ours) - len(taken), "charged": dict(charged), "charged_twice": twice}

    def wait_for(self, requests: int, **calls: int) -> None:
        """Until so many requests were accepted, and so many calls of a kind have arrived.

        Bounded, since a client that hangs is a failure.
        """
        deadline = time.monotonic() + PATIENCE
        while not self.has_had(requests, **calls):
            assert time.monotonic() < deadline, "the client sends nothing"
            time.sleep(0.01)

    def has_had(self, requests: int, **calls: int) -> bool:
        ledger = self.ledger()
        has_called = all(ledger["calls"][kind] >= number for kind, number in calls.items())
        return has_called and len(ledger["accepted_at"]) >= requests


@dataclass(frozen=True)
class Done:
    """A process that has ended."""

    exit: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.out + self.err, self.err


@dataclass(frozen=True, slots=True)
class Forked:
    """A process that was started; its words go to two files."""

    process: int
    out: Path
    err: Path

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.process, number)

    def wait_for(self, words: str, times: int = 1) -> None:
        """Until it has said them so often; one that ends before has failed."""
        deadline = time.monotonic() + PATIENCE
        while True:
            has_ended = self.has_ended()  # before it is read: what ended has said all
            said = _words(self.out) + _words(self.err)
            if said.count(words) >= times:
                return
            assert not has_ended and time.monotonic() < deadline, said
            time.sleep(0.01)

    def has_ended(self) -> bool:
        """Whether nothing of it is left but its exit status."""
        return self._state() == "Z"

    def is_waiting(self) -> bool:
        """Whether it sleeps until something happens; one that only gets no processor does not."""
        return self._state() == "S"

    def _state(self) -> str:
        return Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()[0]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process may be killed: at the line `die_at` of its steps, which it notes in `notes`.

    In the folder `power_fails` it takes with it, by chance, what was not synced by then.
    """

    notes: Path
    die_at: int | None = None
    power_fails: Path | None = None

    def passed(self) -> list[str]:
        """The lines that were passed."""
        return self.notes.read_text(encoding="utf-8").splitlines()


@dataclass(slots=True)
class Forks:
    """The launcher. Use as `with forks() as forks:`; many threads may."""

    launcher: subprocess.Popen[str]
    turn: threading.Lock = field(default_factory=threading.Lock)
    names: Iterator[int] = field(default_factory=itertools.count)

    def start(self, *arguments: object, home: Path, env: Mapping[str, str], **choices: Any) -> Forked:
        """One process in the folder `home`.

        `choices`: `place`, `largest_file` in bytes, `user` by number, `out` and `err` where its words go,
        `closed` streams by number, `umask`; `lease` and `patience` in seconds, of the fleet; or a `terminal` by its
        path, which is all of its streams once this returns.
        At a terminal, and where it `is_whole`, a run makes its page.
        """
        place: Place | None = choices.get("place")
        number = next(self.names)
        out, err = choices.get("out", home / f"out-{number}"), choices.get("err", home / f"err-{number}")
        order = {
            "arguments": [str(argument) for argument in arguments],
            "cwd": str(home),
            "env": dict(env),
            "out": str(out),
            "err": str(err),
            "terminal": choices.get("terminal"),
            "is_whole": choices.get("is_whole", "terminal" in choices),
            "umask": choices.get("umask", 0o022),
            "closed": choices.get("closed", ()),
            "user": choices.get("user"),
            "largest_file": choices.get("largest_file"),
            "lease": choices.get("lease"),
            "patience": choices.get("patience"),
            "notes": str(place.notes) if place else None,
            "die_at": place.die_at if place else None,
            "power_fails": str(place.power_fails) if place and place.power_fails else None,
        }
        return Forked(self._ask(order)["process"], out, err)

    def wait(self, forked: Forked) -> Done:
        """Until it has ended; a process that hangs is killed, and a failure."""
        handle = os.pidfd_open(forked.process)
        try:
            has_ended, _, _ = select.select([handle], [], [], PATIENCE)
        finally:
            os.close(handle)
        if not has_ended:
            forked.kill()
        status = self._ask({"wait": forked.process})["status"]
        assert has_ended, f"it took longer than {PATIENCE:.0f} s: {forked.err.read_text(encoding='utf-8')}"
        return Done(status, _words(forked.out), _words(forked.err))

    def run(self, *arguments: object, home: Path, env: Mapping[str, str], **choices: Any) -> Done:
        return self.wait(self.start(*arguments, home=home, env=env, **choices))

    @contextmanager
    def sandbox(self, home: Path, *switches: str) -> Iterator[SandboxProcess]:
        """A sandbox in a process of its own."""
        arguments = ("sandbox", "--port", "0", "--strict", "--plain-pictures", *switches)
        forked = self.start(*arguments, home=home, env={})
        try:
            yield SandboxProcess(_origin(forked), forked.process)
        finally:
            forked.kill(signal.SIGTERM)
            self.wait(forked)

    def _ask(self, order: Mapping[str, Any]) -> Any:
        assert self.launcher.stdin is not None and self.launcher.stdout is not None
        with self.turn:
            self.launcher.stdin.write(json.dumps(order) + "\n")
            self.launcher.stdin.flush()
            return json.loads(self.launcher.stdout.readline())


def _words(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _origin(forked: Forked) -> str:
    """Where a sandbox listens, once it says so; one that ended instead says why."""
    deadline = time.monotonic() + PATIENCE
    pause = 0.005
    handle = os.pidfd_open(forked.process)
    try:
        while not (words := _words(forked.out)).endswith("ends it.\n"):
            has_ended, _, _ = select.select([handle], [], [], pause)
            assert not has_ended and time.monotonic() < deadline, _words(forked.out) + _words(forked.err)
            pause = min(2 * pause, 0.1)  # dozens wait at once: they leave the processors to those they wait for
    finally:
        os.close(handle)
    return words.split()[1]


@contextmanager
def forks() -> Iterator[Forks]:
    """A launcher for as long as the block runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.processes.launcher"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as launcher:
        yield Forks(launcher)


@lru_cache(maxsize=1)
def shared() -> Forks:
    """A launcher for as long as this process lives."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(forks())
