"""What a job costs: ours beside the floor of bare HTTP and beside the usual way, each in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.benchmarks.fast_server import fast_server
from tests.benchmarks.processes import spent
from tests.benchmarks.rows import Rounds, Row

SMALL, LARGE = 20_000, 1_000_000
JOBS, LARGE_JOBS = 300, 150


def client(name: str, address: str, jobs: int, seeds: int = 1) -> dict[str, float]:
    """What a client of `clients.py` took."""
    run = spent(["-W", "ignore", "-m", "tests.benchmarks.clients", name, address, str(jobs), str(seeds)])
    figures: dict[str, float] = json.loads(run.output)
    return figures


def small_jobs(rounds: int) -> Iterator[Row]:
    """Processor time of a job of one image of 20 KB, ÷ bare HTTP."""
    taken = Rounds(rounds)
    with fast_server(SMALL) as address:
        for _ in taken:
            floor = client("bare", address, JOBS)["cpu"]
            for name in ("ours-kept", "ours-header", "ours", "usual"):
                taken.note(name, client(name, address, JOBS)["cpu"] / floor)
            taken.note("floor", floor / JOBS * 1000)
    note = f"bare: {taken.taken['floor'][-1]:.2f} ms a job"
    about = "processor time of a 20 KB job ÷ bare"
    yield Row("jobs", f"{about}: durable, header check", taken.taken["ours-kept"], 5, note=note)
    yield Row("jobs", f"{about}: the same and its contact sheet", taken.taken["ours-header"])
    yield Row("jobs", f"{about}: the same, whole check", taken.taken["ours"])
    yield Row("jobs", f"{about}: the usual way, nothing durable", taken.taken["usual"])


def large_jobs(rounds: int) -> Iterator[Row]:
    """Images of 1 MB a second."""
    taken = Rounds(rounds)
    with fast_server(LARGE) as address:
        for _ in taken:
            usual, ours = (client(name, address, LARGE_JOBS) for name in ("usual", "ours"))
            taken.note("speed", usual["clock"] / ours["clock"])
            taken.note("cpu", ours["cpu"] / usual["cpu"])
            taken.note("memory", ours["memory"] / usual["memory"])
    yield Row("large", "1 MB images a second ÷ the usual way", taken.taken["speed"], 1.2, "≥")
    yield Row("large", "1 MB images: processor time ÷ the usual way (ours: whole check)", taken.taken["cpu"])
    yield Row("large", "1 MB images: memory ÷ the usual way", taken.taken["memory"])
