"""Signals become stops: the first drains every run, a second one leaves at once; the journal covers both."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

import click

LONGEST_END = 14.0
"""Seconds after a signal, whatever is still to be done: the answers under way are given ten of them."""
_NUMBERS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Signalled(Protocol):
    """What ends in good order once a signal came: a run, or a worker with all of its runs."""

    @property
    def was_signalled(self) -> bool: ...
    def signalled(self, number: int) -> None: ...


@contextmanager
def heeding_signals(*controls: Signalled) -> Iterator[None]:
    """While the block runs. A signal that was ignored at the start (`nohup`) stays ignored."""
    loop = asyncio.get_running_loop()

    def heed(number: int) -> None:
        if any(control.was_signalled for control in controls):
            os._exit(128 + number)
        # Whatever a disk or a database keeps waiting: what is not recorded by then is a doubt for the next run.
        loop.call_later(LONGEST_END, os._exit, 128 + number)
        for control in controls:
            control.signalled(number)

    with ExitStack() as undone:
        for number in _NUMBERS:
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


def ended_by_signal() -> asyncio.Event:
    """What Ctrl-C and SIGTERM set from now on."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    return ended


@contextmanager
def as_ctrl_c() -> Iterator[None]:
    """While the block runs, SIGTERM and SIGHUP interrupt it as Ctrl-C does; what was ignored stays ignored.

    For what comes after a command: it is cut short, and the exit status stays that of the command.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _NUMBERS}
    heeded = [number for number in _NUMBERS if before[number] is signal.SIG_DFL]
    try:
        for number in heeded:
            signal.signal(number, signal.default_int_handler)
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])


class _Interrupted(BaseException):
    """A signal came while a person was asked."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def answered(question: Callable[[], bool]) -> bool:
    """What a person answers, within `heeding_signals`. A signal meanwhile is a no, and then heeded as at any time.

    But for Ctrl-C, which is that no and nothing else: it is meant for the question. The loop cannot heed a signal
    meanwhile: it waits for the person, too.
    """
    before = {number: signal.getsignal(number) for number in _NUMBERS}
    heeded = [number for number in _NUMBERS if before[number] is not signal.SIG_IGN]
    wake_up = signal.set_wakeup_fd(-1)
    try:
        for number in heeded:
            signal.signal(number, _interrupt)
        return question()
    except _Interrupted as interrupted:
        number = interrupted.number
    finally:
        signal.set_wakeup_fd(wake_up)
        for each in heeded:
            signal.signal(each, before[each])
    click.echo()  # what comes next begins on a line of its own
    if number != signal.SIGINT:
        signal.raise_signal(number)
    return False


def _interrupt(number: int, frame: object) -> None:
    raise _Interrupted(number)
