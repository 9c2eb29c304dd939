"""The program beside what else people would use."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.fast_server import fast_server
from tests.benchmarks.jobs import LARGE, client
from tests.benchmarks.rows import Rounds, Row

JOBS, OF_TUTORIAL, SEEDS = 100, 10, (1, 4)


def others(rounds: int) -> Iterator[Row]:
    """Images of 1 MB a second, ÷ the tutorial's loop and ÷ `curl --parallel`, with one seed a request and with four."""
    taken = Rounds(rounds)
    with fast_server(LARGE) as address:
        for _ in taken:
            for seeds in SEEDS:
                speed = {}
                for name, images in (("ours", JOBS), ("tutorial", OF_TUTORIAL * seeds), ("curl", JOBS)):
                    speed[name] = images / client(name, address, images // seeds, seeds)["clock"]
                taken.note(f"the tutorial's loop, {seeds}", speed["ours"] / speed["tutorial"])
                taken.note(f"curl --parallel (downloads alone), {seeds}", speed["ours"] / speed["curl"])
    for what, ratios in taken.taken.items():
        yield Row("others", f"1 MB images a second ÷ {what} a request", ratios)
