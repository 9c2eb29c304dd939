"""Real processes: a sandbox of its own, and the program as cron starts it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.checker import Seen, check, since
from tests.processes.forks import Done, Forked, SandboxProcess, shared

PROGRAM = (sys.executable, "-m", "campaign_runner")
CAMPAIGN = """\
campaign: {name}
model: image3
products: {{candle: almond candle, soap: almond soap, scrub: almond scrub}}
prompts: {{hero: "{{product.name}} on an oak table"}}
presets: [painting, golden_hour]
sizes: [896x1152]
seeds: [1, 2]
"""
FOUR_IMAGES = """\
campaign: {name}
model: image3
products: {{candle: almond candle, soap: almond soap}}
prompts: {{hero: "{{product.name}} on an oak table"}}
sizes: [896x1152]
seeds: [1, 2]
"""
"""One request for each of two products."""


LEDGERS: dict[str, Callable[[], dict[str, Any]]] = {}
"""What sandboxes were asked for, also those that have ended, by origin."""


@contextmanager
def sandbox_process(*switches: str) -> Iterator[SandboxProcess]:
    """A sandbox in a process of its own."""
    with TemporaryDirectory(prefix="sandbox-") as home, shared().sandbox(Path(home), *switches) as sandbox:
        LEDGERS[sandbox.origin] = sandbox.ledger
        try:
            yield sandbox
        finally:
            last = sandbox.ledger()
            LEDGERS[sandbox.origin] = lambda: last


def held(folder: Path) -> tuple[str, ...]:
    """Switches of a sandbox: a job is done at once, and who asks for it has no answer until the sandbox is released.

    So a run is still there when it is told to stop, however long that takes. Writes a script into `folder`.
    """
    script = folder / "held.yaml"
    script.write_text("- {kind: slow, where: poll, seconds: 3600}\n", encoding="utf-8")
    return ("--per-minute", "600", "--job-seconds", "0", "--faults", str(script))


@dataclass
class Machine:
    """A folder with campaigns, a state folder, and the environment of a cron job.

    The others are for the checker: `before` requests were not ours, `is_cut` says that the last run was left at
    once, `resolved` that a person had doubts sent again.
    """

    home: Path
    env: dict[str, str]
    origin: str = ""
    before: int = 0
    is_cut: bool = False
    resolved: bool = False
    exits: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    @classmethod
    def beside(cls, origin: str, home: Path) -> Machine:
        """A machine whose service is at `origin`."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("CUSTOM_", "CAMPAIGN_"))}
        env |= {"CAMPAIGN_RUNNER_FIREFLY_URL": origin, "CAMPAIGN_RUNNER_IMS_URL": origin}
        env |= {"CUSTOM_MODELS_CLIENT_ID": "me", "CUSTOM_MODELS_CLIENT_SECRET": "a-secret-of-mine"}
        env |= {"CAMPAIGN_RUNNER_STATE_DIR": str(home / "state"), "CAMPAIGN_RUNNER_PER_MINUTE": "600"}
        return cls(home, env, origin)

    def campaign(self, name: str = "spring", text: str = CAMPAIGN) -> Path:
        file = self.home / "campaigns" / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.format(name=name), encoding="utf-8")
        return file

    def start(self, *arguments: object) -> Forked:
        """A command in a process of its own; see `ended`."""
        self.exits.clear()
        self.resolved |= "--resubmit" in arguments
        return shared().start(*arguments, home=self.home, env=self.env)

    def ended(self, process: Forked) -> Done:
        """How it ended, once it has."""
        return shared().wait(process)

    def run(self, *arguments: object, cwd: Path | None = None) -> Done:
        """One command, to its end."""
        self.exits.clear()
        self.resolved |= "--resubmit" in arguments
        with TemporaryDirectory(prefix="words-") as words:
            said = {"out": Path(words) / "out", "err": Path(words) / "err"}
            done = shared().run(*arguments, home=cwd or self.home, env=self.env, **said)
        self.texts += [done.out, done.err]
        if arguments[0] == "run" and "--only" not in arguments:
            self.exits[Path(str(arguments[1])).stem] = done.exit
        return done

    def begin_anew(self) -> None:
        """What was bought until now is gone, and nobody is to account for it any more."""
        self.before = len(LEDGERS[self.origin]()["requests"])

    def check(self) -> None:
        """Everything that must hold of what the runs left; raises AssertionError."""
        allowed = int(self.env["CAMPAIGN_RUNNER_PER_MINUTE"])
        seen = Seen(self.exits, self.texts, self.home / "state", allowed, is_cut=self.is_cut)
        asked = LEDGERS.get(self.origin)
        ledger = since(asked(), self.before) if asked is not None else None
        resolved = ledger["charged"] if ledger and self.resolved else ()
        canaries = (self.env.get("CUSTOM_MODELS_CLIENT_SECRET", "").encode(), b"Bearer ")
        check(self.home / "output", ledger, resolved=resolved, canaries=[each for each in canaries if each], seen=seen)

    def manifest(self, name: str = "spring") -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "output" / name / "manifest.json").read_text(encoding="utf-8"))
        return found
