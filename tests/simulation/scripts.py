"""From a seed to a night: who runs what and when, and everything that goes wrong.

A script is drawn before the night begins and holds no chance of its own. One kind of fault is given to
each seed in turn, so that any stretch of seeds meets all of them; the others come by chance.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from campaign_runner.plan.cost import RateLimit
from campaign_runner.sandbox.faults import KINDS, Fault

KINDS_ELSEWHERE = {
    "same_picture": "the picture of no job, on purpose: nothing tells it from the right one; the matrix has it",
    "huge": "80 MiB a time: slow to make; the cap has tests of its own",
}
"""Kinds of fault that no night has, and why."""
PLACES = [
    (kind, place)
    for kind, places in KINDS.items()
    for place in places
    if kind not in KINDS_ELSEWHERE and place not in ("models", "upload", "cancel")
]
"""Where what can go wrong in a night. Its campaigns use no custom model, no reference image, and cancel nothing."""
ALONE = ("repeated_job_id", "job")
"""Nobody can tell that a job's id is another's where the answer to that other was lost, or is in another folder."""
NOT_BOTH = {"dead_status_host", "forgotten"}
"""A job that its host cannot be asked about, and that the service never knew, is waited for without end."""
UNREADABLE, NEIGHBOURS, SKEWED = 0.1, 0.5, 0.2
"""How likely it is for a visit that its campaign file cannot be read, and for a night that several folders are
neighbours, or that its dates are skewed."""
SKEWS = (-86400.0, -3600.0, -300.0, -2.0, 2.0, 300.0, 3600.0, 86400.0)
ARRIVES_WITHIN = 50.0
"""Seconds: what takes longer than a minute to reach the service is counted by it when nobody expects it any more."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One run of a runner, and the seconds until its next one.

    It is killed at a step or at a call to the disk, told to stop after so many events, finds the disk full from
    one call on for so many calls, finds a file held by another program at one change of a name, finds its campaign
    file unreadable since last night, or meets nothing of all that: 0 is never.
    """

    at_step: int = 0
    at_call: int = 0
    signal_at: int = 0
    full_from: int = 0
    full_for: int = 0
    held_at: int = 0
    is_unreadable: bool = False
    max_requests: int | None = None
    resubmits: bool = False
    """Whether a person orders again, before the next run, what is in doubt."""
    pause: float = 600.0


@dataclass(frozen=True, slots=True)
class Runner:
    """Somebody who makes a campaign of `requests` × `seeds` images; `folder` may be another one's, too."""

    folder: str
    requests: int
    seeds: int
    concurrency: int
    visits: tuple[Visit, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A night. `jumps` are (seconds from its beginning, by how much the wall clock is set).

    `skew` is how far that clock is ahead of the service's from the beginning, in seconds. Neighbours have folders in
    one folder of outputs, and campaigns that hold the same images.
    """

    seed: int
    switches: dict[str, Any]
    faults: tuple[Fault, ...]
    rate: RateLimit
    runners: tuple[Runner, ...]
    jumps: tuple[tuple[float, float], ...]
    slowest_disk: float
    skew: float = 0.0
    are_neighbours: bool = False


def script(seed: int) -> Script:
    """The night that `seed` names."""
    dice = random.Random(f"{seed}: night")
    per_minute = dice.choice([2, 4, 4, 600])
    certain = PLACES[seed % len(PLACES)]
    night = Script(
        seed=seed,
        switches=_switches(dice, seed, per_minute) | _dates(seed) | _slow(seed),
        faults=_settled(_certain(dice, *certain), *_others(dice))
        if certain != ALONE
        else (Fault("repeated_job_id", nth=2),),
        rate=RateLimit(per_minute, 9000),
        runners=_held(seed, _runners(dice)) if certain != ALONE else (Runner("a", 3, 2, 1, (Visit(),)),),
        jumps=_jumps(dice),
        slowest_disk=dice.choice([0.0, 0.0, 0.01, 2.0]),
        skew=_skew(seed),
    )
    return night if certain == ALONE else _overnight(night)


def _switches(dice: random.Random, seed: int, per_minute: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "plain_pictures": True,
        "per_minute": dice.choice([per_minute, per_minute, 600, max(1, per_minute // 2)]),
        "quota_window": dice.choice(["sliding", "sliding", "fixed", "bucket"]),
        "retry_after": dice.choice(["seconds", "seconds", "date", "none"]),
        "job_seconds": dice.choice([2.0, 2.0, 20.0, 40.0, 100.0]),
        "job_spread": dice.choice([0.0, 0.5]),
        "answer_seconds": dice.choice([0.0, 0.0, 0.2, 3.0]),
        "answer_spread": dice.choice([0.0, 1.0]),
        "token_seconds": dice.choice([86399, 86399, 120, 30]),
        "expire_seconds": dice.choice([3600, 3600, 5]),
        "fresh_urls": dice.choice([True, True, False]),
        "shuffled": dice.choice([False, True]),
        "other_status_port": dice.choice([False, False, True]),
    }


def _dates(seed: int) -> dict[str, Any]:
    """How one night in four tells the time and grants tokens, by dice of its own: what else happens stays the same."""
    dice = random.Random(f"{seed}: dates")
    if dice.random() < 0.75:
        return {}
    return {
        "retry_after": dice.choice(["date", "date", "zero", "past"]),
        "date_header": dice.choice(["right", "right", "none", "nonsense"]),
        "token_cached_seconds": dice.choice([0.0, 45.0, 600.0]),
        "token_lifetime": dice.choice(["number", "text"]),
    }


def _slow(seed: int) -> dict[str, Any]:
    """One night in twenty-five waits long for its jobs, by dice of its own: each look tells no more than the last."""
    dice = random.Random(f"{seed}: slow")
    return {"job_seconds": dice.choice([200.0, 1000.0])} if dice.random() < 0.04 else {}


def _certain(dice: random.Random, kind: str, place: str) -> Fault:
    seconds, first = _seconds(dice, kind, place), dice.randint(1, 3)
    return Fault(kind, where=place, seconds=seconds, first=first, word=_word(dice, kind))


def _settled(certain: Fault, *others: Fault) -> tuple[Fault, ...]:
    """Without what would keep a night from ever coming to its end."""
    kinds = [fault.kind for fault in (certain, *others) if fault.kind in NOT_BOTH]
    return tuple(fault for fault in (certain, *others) if fault.kind not in NOT_BOTH - set(kinds[:1]))


def _others(dice: random.Random) -> list[Fault]:
    return [_fault(dice) for _ in range(dice.choice([0, 0, 1, 2, 4]))]


def _fault(dice: random.Random) -> Fault:
    kind, place = dice.choice([other for other in PLACES if other != ALONE])
    times: dict[str, Any] = dice.choice(
        [
            {"nth": dice.randint(1, 8)},
            {"every": dice.randint(2, 5)},
            {"first": dice.randint(1, 4)},
            {"rate": dice.choice([0.1, 0.3])},
        ]
    )
    return Fault(kind, where=place, seconds=_seconds(dice, kind, place), word=_word(dice, kind), **times)


def _word(dice: random.Random, kind: str) -> str:
    """A dead host refuses, or says nothing."""
    return dice.choice(["", "silent"]) if kind == "dead_status_host" else ""


def _seconds(dice: random.Random, kind: str, place: str) -> float:
    seconds = dice.choice([1.0, 5.0, 40.0, 70.0, 700.0])
    return min(seconds, ARRIVES_WITHIN) if (kind, place) == ("slow", "submit") else seconds


def _runners(dice: random.Random) -> tuple[Runner, ...]:
    count = dice.choice([1, 1, 1, 2, 3])
    share = count > 1 and dice.random() < 0.4
    crashes = dice.choice([0, 1, 1, 2, 3, 5])
    folders = ["a", "a", "b"] if share else ["a", "b", "c"]
    return tuple(_runner(dice, folder, count, crashes) for folder in folders[:count])


def _runner(dice: random.Random, folder: str, count: int, crashes: int) -> Runner:
    most = 4 if count == 1 else 2
    share = crashes // count + (dice.random() < crashes % count / count)
    visits = [_crash(dice) for _ in range(share)] + [_visit(dice) for _ in range(dice.randint(0, 2))]
    dice.shuffle(visits)
    return Runner(folder, dice.randint(1, most), dice.randint(1, 4), dice.choice([1, 2, 8]), tuple(visits))


def _crash(dice: random.Random) -> Visit:
    pause = dice.choice([0.0, 1.0, 30.0, 600.0])
    if dice.random() < 0.5:
        return Visit(at_call=dice.randint(1, 150), pause=pause)
    return Visit(at_step=int(1.5 ** dice.uniform(1, 18)), pause=pause)  # many near the beginning, some far out


def _visit(dice: random.Random) -> Visit:
    full = dice.random() < 0.25
    return Visit(
        signal_at=dice.choice([0, dice.randint(1, 30)]),
        full_from=dice.randint(1, 150) if full else 0,
        full_for=dice.choice([1, 5, 10_000]) if full else 0,
        max_requests=dice.choice([None, None, 1, 2]),
        resubmits=dice.random() < 0.15,
        pause=dice.choice([0.0, 1.0, 600.0, 3600.0]),
    )


def _held(seed: int, runners: tuple[Runner, ...]) -> tuple[Runner, ...]:
    """The same runners, some of whose files another program holds for a moment."""
    dice = random.Random(f"{seed}: held")

    def meets(visit: Visit) -> Visit:
        return replace(visit, held_at=dice.choice([0, dice.randint(1, 60)]))

    return tuple(replace(runner, visits=tuple(map(meets, runner.visits))) for runner in runners)


def _overnight(night: Script) -> Script:
    """The same night with what was not thought of at first, by dice of its own: what else happens stays the same."""
    dice = random.Random(f"{night.seed}: overnight")

    def meets(visit: Visit) -> Visit:
        return replace(visit, is_unreadable=dice.random() < UNREADABLE)

    runners = tuple(replace(runner, visits=tuple(map(meets, runner.visits))) for runner in night.runners)
    are_several = len({runner.folder for runner in runners}) > 1
    return replace(night, runners=runners, are_neighbours=are_several and dice.random() < NEIGHBOURS)


def _skew(seed: int) -> float:
    dice = random.Random(f"{seed}: skew")
    return dice.choice(SKEWS) if dice.random() < SKEWED else 0.0


def _jumps(dice: random.Random) -> tuple[tuple[float, float], ...]:
    if dice.random() < 0.7:
        return ()
    by = dice.choice([-86400.0, -3600.0, -30.0, 30.0, 3600.0, 7200.0])
    return ((dice.uniform(0, 120), by),)
