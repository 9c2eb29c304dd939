"""What a look at the journals beside ours costs before a request leaves: `python -m tests.measure_look [CAMPAIGNS]`.

Makes a folder of outputs with so many campaigns (200) and looks at them as a run does: once whole, then again and
again while none of them changes, and while one of them does. Prints milliseconds of processor time for a look.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from campaign_runner.campaign_file.loader import load
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.reuse.neighbours import Neighbours
from campaign_runner.reuse.offers import ReuseQuery, search
from tests.recorded import record

CAMPAIGN = """\
campaign: {name}
model: image3
products: [mug]
prompts: {{hero: "{{product.name}} on a table"}}
sizes: [1024x1024]
seeds: "1..40"
"""
LOOKS = 200
LONG_AFTER = 3600 * 10**9
"""Nanoseconds: no file was written within the grain of its times."""


def planned(home: Path, name: str) -> Plan:
    file = home / f"{name}.yaml"
    file.write_text(CAMPAIGN.format(name=name), encoding="utf-8")
    return Plan(load(file))


def timed(look: Callable[[], None], times: int) -> float:
    """Milliseconds of processor time, of one of so many."""
    began = time.process_time()
    for _ in range(times):
        look()
    return (time.process_time() - began) / times * 1000


@click.command()
@click.argument("campaigns", type=click.IntRange(min=1), default=200)
def main(campaigns: int) -> None:
    """Make the campaigns and look at them."""
    with TemporaryDirectory(prefix="looks-") as folder:
        home = Path(folder)
        outputs, ours = home / "output", planned(home, "ours")
        asyncio.run(record(outputs / "beside-0", planned(home, "beside-0"), ["stored"] * 20 + ["new"] * 20))
        for number in range(1, campaigns):
            shutil.copytree(outputs / "beside-0", outputs / f"beside-{number}")
        wish = ReuseQuery(outputs / "ours", "https://firefly-api.adobe.io")
        neighbours = Neighbours(lambda: wish, search(PlanStatus(ours), wish).read, click.echo)
        keys = list(ours.keys())[:4]

        def look() -> None:
            neighbours.look(time.time_ns() + LONG_AFTER)
            neighbours.holding(keys)

        def look_at_a_change() -> None:
            (outputs / "beside-0" / "journal.sqlite").touch()
            look()

        first, second = timed(look, 1), timed(look, 1)  # reading may leave a file of SQLite's beside each journal
        click.echo(f"{campaigns} campaigns: whole {first:.1f} ms, again {second:.1f} ms")
        click.echo(f"none changed: {timed(look, LOOKS):.2f} ms a look")
        click.echo(f"one changed:  {timed(look_at_a_change, LOOKS):.2f} ms a look")


if __name__ == "__main__":
    main()
