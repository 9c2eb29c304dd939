"""A signal ends a command within fifteen seconds, whatever keeps it waiting."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from campaign_runner.cli.signals import LONGEST_END, heeding_signals
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.stop import Stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_what_does_not_end_after_a_signal_is_left(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[tuple[float, int]] = []
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(os, "_exit", lambda status: left.append((loop.time(), status)))
    control = Control(Clock(), Stop(), lambda event: None)
    with heeding_signals(control):
        signal.raise_signal(number)
        await asyncio.sleep(0.1)
        began = loop.time()
        await asyncio.sleep(LONGEST_END - 1)
        assert left == [] and control.ending.signal == number
        await asyncio.sleep(2)
    ((when, status),) = left
    assert (when - began < 15, status) == (True, 128 + number)
