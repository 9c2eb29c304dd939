"""`python -m tests.benchmarks [NAME…]`: measures the program beside what it is compared with; see the page here."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from tests.benchmarks import decoding, downloads, fleet, growth, jobs, lag, nights, others, polling, starting, workers
from tests.benchmarks.plot import draw
from tests.benchmarks.processes import ROOT
from tests.benchmarks.rows import Row

BENCHMARKS: dict[str, Callable[[int], Iterator[Row]]] = {
    "commands": starting.commands,
    "jobs": jobs.small_jobs,
    "large": jobs.large_jobs,
    "downloads": downloads.downloads,
    "lag": lag.lag,
    "pictures": decoding.pictures,
    "polls": polling.polls,
    "makespan": nights.makespan,
    "halved": nights.halved,
    "others": others.others,
    "growth": growth.growth,
    "opening": growth.opening,
    "fleet": fleet.fleet,
    "workers": workers.workers,
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*BENCHMARKS]), metavar="[NAME]…")
@click.option("--rounds", default=5, show_default=True, help="Interleaved rounds; the median of their ratios counts.")
@click.option(
    "--output", default=ROOT / "output" / "benchmarks", type=click.Path(path_type=Path), help="Where to write."
)
def main(names: tuple[str, ...], rounds: int, output: Path) -> None:
    """Measure, print a line a ratio, and write <date>.json and <date>.png."""
    began = datetime.now(UTC)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    rows: list[Row] = []
    loads = [os.getloadavg()[0]]
    for name in names or BENCHMARKS:
        for row in BENCHMARKS[name](rounds):
            click.echo(str(row))
            rows.append(row)
        loads.append(os.getloadavg()[0])
    load = f"load {min(loads):.1f} to {max(loads):.1f}"
    click.echo(f"{machine}, {load}, {rounds} rounds; {sum(row.is_reached is False for row in rows)} bars not reached")
    output.mkdir(parents=True, exist_ok=True)
    file = output / f"{began:%Y-%m-%d-%H%M%S}.json"
    about = {"at": began.isoformat(), "machine": machine, "loads": loads, "rounds": rounds}
    file.write_text(json.dumps(about | {"rows": [row.as_json() for row in rows]}, indent=2, ensure_ascii=False))
    draw(rows, f"{began:%Y-%m-%d %H:%M} UTC, {machine}, {load}", file.with_suffix(".png"))
    click.echo(f"{file} and {file.with_suffix('.png').name}")


if __name__ == "__main__":
    main()
