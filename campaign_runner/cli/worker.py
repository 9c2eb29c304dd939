"""`campaign-runner worker`; the libraries of the fleet are loaded for it alone."""

from __future__ import annotations

import asyncio
import importlib

import click

from campaign_runner.cli import console, trace
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.help import ending
from campaign_runner.cli.signals import heeding_signals
from campaign_runner.cli.target import ON_FLEET
from campaign_runner.events import Event
from campaign_runner.report.sentences import sentence_of
from campaign_runner.text import printable


@click.command(epilog=ending("worker", 2, 5, 6, 7, 8))
def command() -> None:
    """Carry out the runs that were submitted to the fleet, on this machine.

    First it tries the database, the image store and the sign-in. Then it works on up to 20 campaigns at a time, until
    Ctrl-C or SIGTERM: what is under way is finished (up to 10 s), and another worker goes on with the rest. Keep it
    running with systemd or Kubernetes; start as many as you like.
    """
    asyncio.run(_serve())


async def _serve() -> None:
    working = importlib.import_module(ON_FLEET).working(Environment.of_process(), _tell, trace.keep)
    async with working as worker:
        console.say("ready")
        with heeding_signals(worker):
            await worker.serve()
    console.say("ended; another worker goes on with what is left")


def _tell(campaign: str, what: Event | str) -> None:
    """A line about a campaign, for the journal of the machine."""
    sentence = what if isinstance(what, str) else sentence_of(what)
    if sentence is not None:
        console.say(printable(f"{campaign}: {sentence}"))
