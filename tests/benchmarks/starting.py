"""How long a command takes that only looks, beside a click command that says hello."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.processes import spent
from tests.benchmarks.rows import Rounds, Row

HELLO = """\
import click

@click.command()
@click.option("--name", default="world", help="Whom to greet.")
def hello(name):
    click.echo(f"hello {name}")

hello()
"""
CAMPAIGN = """\
campaign: almond-autumn
model: image3
products:
  candle: almond candle
  soap: almond soap
prompts:
  hero: "{product.name} on an oak table, autumn leaves, soft morning light"
presets: [painting, golden_hour]
sizes: [square, wide]
seeds: [66080, 82683, 90101, 90102]
budget: 32
"""
BARS = {"--help": 1.4, "check": 5.0, "plan": 6.0, "status": 6.0}


def commands(rounds: int) -> Iterator[Row]:
    """Processor time of a command ÷ click's hello world."""
    taken = Rounds(rounds)
    with TemporaryDirectory(prefix="benchmark-") as home:
        folder = Path(home)
        (folder / "hello.py").write_text(HELLO, encoding="utf-8")
        (folder / "autumn.yaml").write_text(CAMPAIGN, encoding="utf-8")
        variables = {"CAMPAIGN_RUNNER_STATE_DIR": str(folder / "state")}
        run = ["-m", "campaign_runner", "run", "--sandbox", "--quiet", "--no-review", "autumn.yaml"]
        spent(run, folder=folder, variables=variables)
        asked = {"--help": ["--help"], "check": ["check", "autumn.yaml"], "plan": ["plan", "autumn.yaml"]}
        asked["status"] = ["status", "--sandbox", "autumn.yaml"]
        for words in asked.values():  # once, to compile
            spent(["-m", "campaign_runner", *words], folder=folder, variables=variables)
        for _ in taken:
            hello = spent([str(folder / "hello.py")], folder=folder).cpu
            taken.note("hello", hello * 1000)
            for name, words in asked.items():
                ours = spent(["-m", "campaign_runner", *words], folder=folder, variables=variables).cpu
                taken.note(name, ours / hello)
    for name, bar in BARS.items():
        yield Row("commands", f"{name} ÷ click hello world", taken.taken[name], bar)
    yield Row("commands", "click hello world, ms of processor", taken.taken["hello"])
