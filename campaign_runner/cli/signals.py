"""Signals become stops: the first drains every run, a second one leaves at once; the journal covers both."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from campaign_runner.run.control import Control

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def heeding_signals(*controls: Control) -> Iterator[None]:
    """While the block runs. A signal that was ignored at the start (`nohup`) stays ignored."""
    loop = asyncio.get_running_loop()

    def heed(number: int) -> None:
        if any(control.ending.signal is not None for control in controls):
            os._exit(128 + number)
        for control in controls:
            control.signalled(number)

    with ExitStack() as undone:
        for number in [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]:
            before = signal.getsignal(number)
            if before is signal.SIG_IGN:
                continue
            try:
                loop.add_signal_handler(number, heed, number)
                undone.callback(loop.remove_signal_handler, number)
            except NotImplementedError:  # Windows: its loops have no handlers of their own
                signal.signal(number, lambda number, frame: loop.call_soon_threadsafe(heed, number))
                undone.callback(signal.signal, number, before)
        yield
