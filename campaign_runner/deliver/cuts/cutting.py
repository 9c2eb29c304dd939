"""Originals cut in processes of their own, as many as there are processors.

Each cut is written beside the output folder's other unfinished things, synced, under a name that no one else has; what
happens to it is decided by the caller.
"""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import os
import secrets
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from campaign_runner.channels.crops import Crop
from campaign_runner.deliver.cuts.encoding import Cut, CutRequest, NotMade, cut_all
from campaign_runner.disk import files
from campaign_runner.errors import StoreError
from campaign_runner.tasks import in_thread

FEW = 2
"""So many originals are cut in this process: starting others takes longer."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A cut on the disk, under `path`: what it holds and how it was made. `modified_ns` is its disk's."""

    path: Path
    sha256: str
    bytes: int
    modified_ns: int
    format: str
    quality: int | None
    crop: Crop


def cut_to_files(content: bytes, requests: Sequence[CutRequest], staging: Path) -> list[Staged | NotMade]:
    """The cuts of one original, in `staging`. Raises StoreError, IntegrityError."""
    return [_staged(made, staging) if isinstance(made, Cut) else made for made in cut_all(content, requests)]


def _staged(made: Cut, staging: Path) -> Staged:
    path = staging / f"cut-{secrets.token_hex(8)}"
    with files.new_file(path) as file:
        file.write(made.content)
    with files.translating(path):
        found = path.stat()
    digest = hashlib.sha256(made.content).hexdigest()
    return Staged(path, digest, found.st_size, found.st_mtime_ns, made.format, made.quality, made.crop)


class Cutter:
    """Cuts originals. Use as `async with Cutter(staging, originals, processes) as cutter:`.

    `originals` are how many to expect, `processes` how many to cut in, None for as many as there are processors.
    """

    def __init__(self, staging: Path, originals: int, processes: int | None = None) -> None:
        processes = processes or os.cpu_count() or 1
        has_others = originals > FEW and processes > 1
        self.at_once = processes + 1 if has_others else 1
        """How many originals are best given at the same time: one more than there are processors, which then wait for
        nothing.
        """
        self._staging = staging
        self._pool: ProcessPoolExecutor | None = None
        if has_others:
            context = multiprocessing.get_context("spawn")  # others inherit our threads, or our locks
            self._pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_leave_signals_to_us)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            await in_thread(partial(self._pool.shutdown, cancel_futures=True))

    async def cut(self, content: bytes, requests: Sequence[CutRequest]) -> list[Staged | NotMade]:
        """The cuts of one original. Raises StoreError, IntegrityError."""
        arguments = (content, tuple(requests), self._staging)
        if self._pool is None:
            return await in_thread(cut_to_files, *arguments)
        try:
            with _out_of_reach():
                cutting = asyncio.get_running_loop().run_in_executor(self._pool, cut_to_files, *arguments)
            return await cutting
        except BrokenExecutor as error:
            raise StoreError(
                "a process that cuts pictures was ended from outside (out of memory?); run the command again to go on"
            ) from error
        except OSError as error:
            raise files.translated(error, self._staging) from error


@contextmanager
def _out_of_reach() -> Iterator[None]:
    """A process that is started inside does not hear Ctrl-C from its first moment, when it cannot say so itself yet."""
    if sys.platform == "win32":  # knows no masks
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_signals_to_us() -> None:
    """Ctrl-C reaches every process of a terminal; ours ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
