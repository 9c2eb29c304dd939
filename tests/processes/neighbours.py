"""`python -m tests.processes.neighbours --rounds 200 [--kills] [--faults]`: campaigns that share images, run by several
processes.

A round is a folder of outputs with up to six campaigns, whose images overlap or are the very same under another name,
as `clone` makes them, and up to five processes that are started in any order at any moment. `--kills` takes half of
them away with kill -9, with `--faults` the service fails now and then, also in the middle of a request. Afterwards the
runs go on undisturbed, the sandbox says what it charged, and the checker looks at what is there. What a round is
follows from its seed; how its processes get in each other's way does not.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from tests.checker import Seen, check
from tests.processes.forks import Done, Forked, Forks, SandboxProcess, forks
from tests.processes.machines import Machine

MOST_PROCESSES = 5
STAGGER = 1.5
"""Seconds within which the processes of a round are started, if not all at once."""
LIFE = 3.0
"""Seconds within which a process is killed that is to be."""
A_FEW = 3
"""Further runs after which everything must be done."""
SO_OFTEN = 12
"""How often a person has what is in doubt sent again where faults may strike again."""
FAULTS = (
    {"kind": "503", "where": "submit", "rate": 0.05},
    {"kind": "429", "where": "submit", "rate": 0.05, "seconds": 1},
    {"kind": "reset", "where": "submit", "rate": 0.02},
    {"kind": "reset_after", "rate": 0.03},
    {"kind": "500_after", "rate": 0.02},
    {"kind": "503", "where": "poll", "rate": 0.05},
    {"kind": "reset", "where": "download", "rate": 0.05},
)
OPEN = ("pending", "accepted", "in_doubt")
"""States that say of an image that it is still to come."""
SWITCHES = ("--per-minute", "600", "--job-seconds", "0.3", "--answer-seconds", "0.05")
CAMPAIGN = """\
campaign: {name}
model: image3
products: {{{products}}}
prompts: {{hero: "{{product.name}} on an oak table"}}
sizes: [896x1152]
seeds: {seeds}
"""

Image = tuple[int, int]
"""The number of a product and a seed: in a round, one is one picture, whatever campaign it stands in."""


@dataclass(frozen=True)
class Script:
    """A round as it is drawn: the images of each campaign, who runs which when, and who is killed after how long."""

    images: Mapping[str, tuple[Sequence[int], Sequence[int]]]
    """Products and seeds by the campaign's name."""
    runs: Sequence[tuple[float, Sequence[str]]]
    """When a process is started, in seconds, and the campaigns of its command; by the time."""
    lives: Sequence[float | None]
    """How many seconds each of them lives; None: to its end."""

    @property
    def due(self) -> set[Image]:
        return {(product, seed) for products, seeds in self.images.values() for product in products for seed in seeds}


def script(seed: str, *, kills: bool) -> Script:
    """The round that `seed` stands for."""
    dice = random.Random(seed)
    processes = dice.randint(2, MOST_PROCESSES)
    names = [f"c{number}" for number in range(processes + dice.randint(0, 1))]
    images: dict[str, tuple[Sequence[int], Sequence[int]]] = {}
    for name in names:
        fresh = tuple(sorted(dice.sample(range(5), dice.randint(2, 4)))), dice.choice(((1, 2), (1, 2, 3), (2, 3)))
        images[name] = dice.choice([*images.values(), fresh])  # often a clone
    dice.shuffle(names)
    commands = [names[number::processes] for number in range(processes)]
    within = dice.choice((0.0, STAGGER / 5, STAGGER))
    runs = sorted(zip((dice.uniform(0, within) for _ in commands), commands, strict=True))
    lives = [dice.uniform(0, LIFE) if kills and dice.random() < 0.5 else None for _ in commands]
    return Script(images, runs, lives)


@dataclass
class Played:
    """What was seen in some rounds; `broken` are the seeds of those that broke a promise, with how."""

    counts: Counter[str] = field(default_factory=Counter)
    broken: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return ", ".join(f"{what} {number:,}" for what, number in self.counts.items())

    def add(self, other: Played) -> None:
        self.counts.update(other.counts)
        self.broken |= other.broken


@dataclass(frozen=True)
class Round:
    """One round, in a machine of its own whose credentials are its name: the sandbox counts them apart."""

    seed: str
    machine: Machine
    launcher: Forks
    sandbox: SandboxProcess
    script: Script
    files: Mapping[str, Path]
    has_faults: bool = False
    texts: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, seed: str, home: Path, launcher: Forks, sandbox: SandboxProcess, trouble: Trouble) -> Round:
        drawn = script(seed, kills=trouble.kills)
        home.mkdir()
        machine = Machine.beside(sandbox.origin, home)
        machine.env["CUSTOM_MODELS_CLIENT_ID"] = seed
        files = {}
        for name, (products, seeds) in drawn.images.items():
            words = ", ".join(f"p{number}: mug {number} of {seed}" for number in products)
            text = CAMPAIGN.format(name=name, products=words, seeds=list(seeds))
            files[name] = machine.campaign(name, text.replace("{", "{{").replace("}", "}}"))
        return cls(seed, machine, launcher, sandbox, drawn, files, trouble.faults)

    def play(self) -> Counter[str]:
        """What was seen. Raises AssertionError where a promise is broken."""
        done = self.disturbed()
        killed = sum(each.exit == -signal.SIGKILL for each in done)
        exits = Counter(each.exit for each in done if each.exit != -signal.SIGKILL)
        usual = {0, 4, 8} if self.has_faults else {0, 8}
        others = [each for each in done if each.exit not in (*usual, -signal.SIGKILL)]
        assert not others, f"exits {dict(exits)}: {self.last_words(others)}"
        further, last = self.undisturbed()
        assert last in ((0, 4, 8) if killed or self.has_faults else (0,)), (
            f"exit {last} after {further} further runs: {self.texts[-2:]}"
        )
        doubts = self.held_against_the_ledger(last)
        if doubts or last != 0:
            self.settled(doubts)
        seen = Counter(rounds=1, processes=len(done), campaigns=len(self.files), killed=killed)
        seen.update({"images due": len(self.script.due), "charged": sum(self.charged().values())})
        seen.update({"in doubt, then sent again": len(doubts), "further runs": further})
        seen.update({f"exit {code}": number for code, number in sorted(exits.items())})
        return seen

    def disturbed(self) -> list[Done]:
        """The processes of the script, all ended."""
        runs: list[Forked] = []
        moments = [(at, number, False) for number, (at, _) in enumerate(self.script.runs)]
        for number, (life, (at, _)) in enumerate(zip(self.script.lives, self.script.runs, strict=True)):
            moments += [] if life is None else [(at + life, number, True)]
        began = time.monotonic()
        for at, number, is_end in sorted(moments):
            time.sleep(max(0.0, began + at - time.monotonic()))
            if is_end:
                runs[number].kill()  # it may have ended by itself
            else:
                runs.append(self.start("run", *(self.files[name] for name in self.script.runs[number][1])))
        return [self.ended(run) for run in runs]

    def undisturbed(self) -> tuple[int, int]:
        """Runs of all campaigns, one after the other, until nothing is left to do: how many, and the last exit."""
        codes: list[int] = []
        while len(codes) < A_FEW and 0 not in codes:
            codes.append(self.ended(self.start("run", *self.files.values())).exit)
        return len(codes), codes[-1]

    def held_against_the_ledger(self, last: int) -> set[str]:
        """Nothing is charged twice, nothing is lost; the keys of what is in doubt."""
        charged = self.charged()
        assert max(charged.values(), default=0) <= 1, f"charged twice: {sum(n > 1 for n in charged.values())} images"
        self.check(last, resolved=())  # among others: each manifest says what its journal does
        doubts = self.doubts()
        if last == 0:
            assert len(charged) == len(self.script.due), f"{len(charged)} charged, {len(self.script.due)} due"
        return doubts

    def doubts(self) -> set[str]:
        """The keys of what is in doubt; every image is known, and none is given up."""
        doubts = set()
        for name, (products, seeds) in self.script.images.items():
            states = {image["key"]: image["state"] for image in self.machine.manifest(name)["images"]}
            assert len(states) == len(products) * len(seeds), f"{name} does not know all of its images"
            assert set(states.values()) <= {"stored", *OPEN}, f"an image of {name} is given up"
            doubts |= {key for key, state in states.items() if state == "in_doubt"}
        return doubts

    def settled(self, doubts: set[str]) -> None:
        """A person has what is in doubt sent again; then everything comes, and only that may be charged twice."""
        last = None
        for _ in range(SO_OFTEN if self.has_faults else 1):
            for name in self.files:
                if (self.machine.home / "output" / name).exists():
                    assert self.ended(self.start("resolve", self.files[name], "--resubmit")).exit == 0
            _, last = self.undisturbed()
            if last == 0:
                break
            doubts |= self.doubts()
        assert last == 0, f"exit {last} after what was in doubt was sent again: {self.texts[-2:]}"
        charged = self.charged()
        assert {key for key, times in charged.items() if times > 1} <= doubts, "charged twice, and never in doubt"
        assert len(charged) == len(self.script.due), f"{len(charged)} charged, {len(self.script.due)} due"
        self.check(last, resolved=doubts)

    def check(self, last: int, *, resolved: Sequence[str] | set[str]) -> None:
        exits = dict.fromkeys(self.files, 0) if last == 0 else {}
        seen = Seen(exits, self.texts, self.machine.home / "state", per_minute=600)
        check(self.machine.home / "output", self.ledger(), resolved=resolved, seen=seen)

    def ledger(self) -> dict[str, Any]:
        """What the sandbox has of this round."""
        return self.sandbox.ledger_of(self.seed)

    def charged(self) -> dict[str, int]:
        found: dict[str, int] = self.ledger()["charged"]
        return found

    def start(self, *arguments: object) -> Forked:
        return self.launcher.start(*arguments, home=self.machine.home, env=self.machine.env)

    def ended(self, run: Forked) -> Done:
        done = self.launcher.wait(run)
        self.texts.extend((done.out, done.err))
        return done

    def last_words(self, done: Sequence[Done]) -> str:
        return "\n".join(f"{each.exit}: {each.out[-1500:]}{each.err[-1500:]}" for each in done)


@dataclass(frozen=True)
class Trouble:
    """What disturbs the rounds: processes are killed, the service fails now and then."""

    kills: bool = False
    faults: bool = False

    def switches(self, home: Path) -> Sequence[str]:
        """Those of the sandbox."""
        if not self.faults:
            return SWITCHES
        file = home / "faults.json"
        file.write_text(json.dumps(FAULTS), encoding="utf-8")
        return (*SWITCHES, "--faults", str(file))


def play(seeds: Sequence[str], trouble: Trouble, *, at_once: int) -> Iterator[Played]:
    """The rounds of `seeds`, as they end; one that breaks a promise does not keep the others from being played."""

    def one(seed: str) -> Played:
        try:
            return Played(Round.of(seed, Path(home) / seed, launcher, sandbox, trouble).play())
        except AssertionError as error:
            return Played(Counter(rounds=1), {seed: str(error)})

    with (
        TemporaryDirectory(prefix="neighbours-") as home,
        forks() as launcher,
        launcher.sandbox(Path(home), *trouble.switches(Path(home))) as sandbox,
        ThreadPoolExecutor(at_once) as pool,
    ):
        yield from pool.map(one, seeds)


def main() -> int:
    """The command; the answer is its exit status."""
    arguments = ArgumentParser(prog="python -m tests.processes.neighbours", description=(__doc__ or "").split(":")[1])
    arguments.add_argument("--rounds", type=int, default=200, help="how many (200)")
    arguments.add_argument("--from", type=int, default=0, dest="first", help="the first seed (0)")
    arguments.add_argument("--kills", action="store_true", help="kill half of the processes")
    arguments.add_argument("--faults", action="store_true", help="let the service fail now and then")
    arguments.add_argument("--at-once", type=int, default=4, help="rounds played together (4)")
    given = arguments.parse_args()
    total = Played()
    seeds = [f"round-{number}" for number in range(given.first, given.first + given.rounds)]
    for played in play(seeds, Trouble(given.kills, given.faults), at_once=given.at_once):
        total.add(played)
        for seed, how in played.broken.items():
            click.echo(f"{seed} breaks a promise: {how}")
    click.echo(f"{total}, broken {len(total.broken)}")
    return 1 if total.broken else 0


if __name__ == "__main__":
    sys.exit(main())
