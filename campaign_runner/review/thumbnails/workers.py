"""Many thumbnails: made by a few processes that give way to everyone else, never by the loop of a run.

Only what is missing is made, so that the second time costs a look into one folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import IO, TypeAlias

from campaign_runner.errors import CampaignError, StoreError
from campaign_runner.output_folder.folder import Folder
from campaign_runner.review.thumbnails import thumbnail
from campaign_runner.review.thumbnails.thumbnail import MadeThumbnails
from campaign_runner.store import content_of
from campaign_runner.tasks import in_thread, map_concurrently

_MOST_PROCESSES = 4
_FEW = 4  # images that are made sooner here than by a process that has to start first
_OURS = ("CAMPAIGN_RUNNER_", "CUSTOM_MODELS_")
"""How the names of our own settings begin, secrets and all: a worker is not given them."""


Told: TypeAlias = Callable[[int, int], None]
"""Hears how many images are done, and of how many."""


def never() -> bool:
    """No one stops it."""
    return False


def untold(done: int, of: int) -> None:
    """No one asks how far it is."""


@dataclass(frozen=True, slots=True)
class WantedThumbnail:
    """An image whose thumbnails are wanted: its file as the record names it, and its SHA-256 (hex)."""

    file: str
    sha256: str


def missing(folder: Folder, wanted: Iterable[WantedThumbnail]) -> list[WantedThumbnail]:
    """Those of `wanted` that have no thumbnails yet, each once. Raises StoreError."""
    made = MadeThumbnails(folder)
    return list({each.sha256: each for each in wanted if not made.has_all(each.sha256)}.values())


async def make_thumbnails(
    folder: Folder, wanted: Iterable[WantedThumbnail], *, is_stopped: Callable[[], bool] = never, told: Told = untold
) -> list[str]:
    """Make what is missing of `wanted`; the answer is why some could not be made, a sentence each.

    `is_stopped` is asked before each image: after Ctrl-C no one waits for the rest. `told` hears how far it is. Raises
    StoreError.
    """
    left = await in_thread(missing, folder, wanted)
    if not left:
        return []
    await in_thread(thumbnail.prepare, folder)
    source = _told_of(left, told)
    if len(left) <= _FEW:
        return await _flaws(folder, source, is_stopped, partial(_made_here, folder))
    processes = min(_MOST_PROCESSES, os.cpu_count() or 1)
    flaws = await map_concurrently(lambda _: _made_elsewhere(folder, source, is_stopped), range(processes), processes)
    return [flaw for some in flaws for flaw in some]


def _told_of(left: Sequence[WantedThumbnail], told: Told) -> Iterator[WantedThumbnail]:
    """What is to be made; `told` hears how many were taken before each, and at the end."""
    for number, each in enumerate(left):
        told(number, len(left))
        yield each
    told(len(left), len(left))


async def _flaws(
    folder: Folder,
    source: Iterator[WantedThumbnail],
    is_stopped: Callable[[], bool],
    make: Callable[[WantedThumbnail, bytes], str | None],
) -> list[str]:
    """Why some could not be made by `make`, which blocks; what is taken from `source` is taken by no one else."""
    flaws: list[str | None] = []
    for each in source:
        if is_stopped():
            break
        try:
            content = await content_of(folder.store, each.file, each.sha256)
        except CampaignError as error:
            flaws.append(str(error))
        else:
            flaws.append(await in_thread(make, each, content))
    return [flaw for flaw in flaws if flaw is not None]


def _made_here(folder: Folder, wanted: WantedThumbnail, content: bytes) -> str | None:
    return thumbnail.flaw(content, folder, wanted.file, wanted.sha256)


async def _made_elsewhere(
    folder: Folder, source: Iterator[WantedThumbnail], is_stopped: Callable[[], bool]
) -> list[str]:
    """What one process makes, image by image."""
    worker = _worker(folder)
    pipes = await in_thread(worker.__enter__)
    try:
        return await _flaws(folder, source, is_stopped, partial(_answer, *pipes))
    finally:
        await in_thread(worker.__exit__, None, None, None)


def _answer(asks: IO[bytes], answers: IO[bytes], wanted: WantedThumbnail, content: bytes) -> str | None:
    """What a process says about one image. Raises StoreError where it says nothing any more."""
    left = memoryview(json.dumps([wanted.file, wanted.sha256, len(content)]).encode() + b"\n" + content)
    with suppress(OSError):  # a pipe without a reader: the answer that does not come says so
        while left:
            left = left[asks.write(left) :]
    answer = answers.readline()
    if not answer.endswith(b"\n"):
        raise StoreError("a process that makes thumbnails was ended; to make the rest: campaign-runner review NAME")
    told = json.loads(answer)
    return None if told is None else str(told)


@contextmanager
def _worker(folder: Folder) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A process that makes thumbnails in `folder`; it ends with the block."""
    command = [sys.executable, "-m", "campaign_runner.review.thumbnails.worker", str(folder.path)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        process_group=0,  # Ctrl-C reaches every process of a terminal's group, also one that has only begun to start
        bufsize=0,  # nothing is kept back that a worker which is gone could refuse later
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        yield process.stdin, process.stdout
