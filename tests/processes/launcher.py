"""Starts the program many times at the price of one: imports it once, then forks a process for each command.

Orders are lines of JSON on stdin, answers on stdout. Started by `forks.Forks`; see there.
"""

from __future__ import annotations

import asyncio
import codecs
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import random
import resource
import signal
import sys
import termios
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import campaign_runner
from campaign_runner.__main__ import main
from campaign_runner.cli import sandbox
from campaign_runner.run import pace
from campaign_runner.sandbox import downloads
from campaign_runner.sandbox.images import render
from campaign_runner.sandbox.server import Sandbox
from tests.fleet.program import set_waits
from tests.power import Recorder
from tests.processes.steps import Steps

DURATIONS = (0.3, 0.4, 0.5, 0.6, 0.8, 1.2, 2.0, 4.0, 8.0)
"""Seconds, as guessed of jobs of which nothing is known: the service is a sandbox, which is quicker than Adobe."""


def import_everything() -> None:
    """Also what the program imports only when it is asked for."""
    for module in pkgutil.walk_packages(campaign_runner.__path__, "campaign_runner."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for codec in ("idna", "utf-8-sig"):  # another user may not be able to read where they lie
        codecs.lookup(codec)


def prepare() -> None:
    """Only for a process of its own: from here on it is quicker than the program, and never is the program again."""
    import_everything()
    drawn_once = lru_cache(maxsize=100)(render)  # the same request and seed give the same bytes
    downloads.render = drawn_once  # type: ignore[attr-defined]
    pace._FIRST_GUESS = DURATIONS
    gc.collect()
    gc.freeze()  # no process that is forked looks through all this, which it would have to copy


def become(order: dict[str, Any], terminal: int | None) -> None:
    """From here on this is the process that the order describes."""
    if terminal is not None:
        at_a_terminal(terminal)
    else:
        for number, path in enumerate((os.devnull, order["out"], order["err"])):
            opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.dup2(opened, number)
            os.close(opened)
    for number in order["closed"]:
        os.close(number)
        setattr(sys, ("stdin", "stdout", "stderr")[number], None)  # as the interpreter finds it
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = ["campaign-runner", *(order["arguments"] if order["is_whole"] else without_page(order["arguments"]))]
    os.umask(order["umask"])
    if sys.argv[1:2] == ["sandbox"]:
        hold_until_released()
    if order["largest_file"] is not None:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest_file"], most))
    if order["lease"] is not None:
        set_waits(order["lease"], order["patience"])
    if order["user"] is not None:
        os.setuid(order["user"])
    if order["notes"] is not None:
        notes = os.open(order["notes"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        Steps(notes, order["die_at"], _last_words(order["power_fails"])).install()


def at_a_terminal(terminal: int) -> None:
    """All streams are the terminal, as the interpreter finds them there, and signals come from it alone."""
    os.setsid()
    for number in range(3):
        os.dup2(terminal, number)
    os.close(terminal)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def without_page(arguments: Sequence[str]) -> list[str]:
    """A run that makes no thumbnails: here it is about what is bought and recorded."""
    return [*arguments, *(["--no-review"] if list(arguments[:1]) == ["run"] else [])]


def hold_until_released() -> None:
    """What a slow fault holds back, a sandbox holds until SIGUSR1 comes, and nothing from then on."""
    released = asyncio.Event()

    async def hold(seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(released.wait(), seconds)

    signal.signal(signal.SIGUSR1, lambda number, frame: released.set())
    sandbox.Sandbox = partial(Sandbox, sleep=hold)  # type: ignore[assignment, attr-defined]


def _last_words(disk: str | None) -> Callable[[], None]:
    """Nothing; or the power fails in the folder `disk`: what was not synced may be lost."""
    if disk is None:
        return lambda: None
    recorder = Recorder(Path(disk))
    recorder.install()
    return lambda: recorder.fail(random.Random(os.getpid()))


def run_to_the_end() -> None:
    """The program, and the end of its process, without taking apart what was imported: nobody would see it, and it
    costs as much as a run. Where anything is left to be said or waited for, the interpreter sees to it as always.
    """
    try:
        main()
    except SystemExit as ended:
        streams = (sys.stdout, sys.stderr)
        if not isinstance(ended.code, int) or threading.active_count() > 1 or None in streams:
            raise
        try:
            for stream in streams:
                stream.flush()
        except (OSError, ValueError):
            raise ended from None
        os._exit(ended.code)


def serve() -> tuple[dict[str, Any], int | None] | None:
    """Follow orders. In a process that was forked, the answer is what it was ordered to be, and its terminal."""
    orders = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    for line in orders:
        order: dict[str, Any] = json.loads(line)
        if "wait" in order:
            answer = {"status": os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1])}
        else:
            terminal = os.open(order["terminal"], os.O_RDWR | os.O_NOCTTY) if order["terminal"] else None
            if (process := os.fork()) == 0:
                os.close(orders.fileno())
                os.close(answers.fileno())
                return order, terminal
            if terminal is not None:
                os.close(terminal)
            answer = {"process": process}
        print(json.dumps(answer), file=answers, flush=True)
    return None


if __name__ == "__main__":
    prepare()
    if (ordered := serve()) is not None:
        become(*ordered)
        run_to_the_end()
