"""The machine's disk as a process sees it: full for a while, holding a name for a moment, and a place to be killed at.

What changes a folder or makes it durable passes here. Outside of a process nothing is different.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import filelock
import pytest
from filelock import FileLock

from campaign_runner.disk import patience
from campaign_runner.output_folder import folder
from campaign_runner.quota import senders
from tests.simulation.machine import PROCESS, Machine

CALLS = ("fsync", "link", "mkdir", "unlink", "replace", "rename")
NEEDS_ROOM = ("fsync", "link", "mkdir")
CHANGES_OF_NAMES = ("link", "unlink", "replace", "rename")


@contextmanager
def seen_by_processes(machine: Machine) -> Iterator[None]:
    """While the block runs, calls of the machine's processes to the disk, and to the kernel, are theirs."""
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, _watched(name, getattr(os, name)))
        patch.setattr(sqlite3, "connect", _registered(sqlite3.connect))
        patch.setattr(filelock, "FileLock", _Lock)
        patch.setattr(folder, "_LOOKED_AT_SECONDS", 0.0)  # real ones
        patch.setattr(patience, "WAITS", (0.0,))  # real ones, too
        patch.setattr(senders, "_started", machine.started)
        patch.setattr(senders.Sender, "this", classmethod(_this_sender))
        yield


def _watched(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def watched(*arguments: Any, **options: Any) -> Any:
        process = PROCESS.get()
        if process is not None and process.call() and name in NEEDS_ROOM:
            process.machine.seen["disk full"] += 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if process is not None and name in CHANGES_OF_NAMES and process.is_held():
            process.machine.seen["name held"] += 1
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return call(*arguments, **options)

    return watched


def _registered(connect: Callable[..., sqlite3.Connection]) -> Callable[..., sqlite3.Connection]:
    """A database that belongs to its process, and finds no further page while the disk is full."""

    def registered(path: Any, *arguments: Any, **options: Any) -> sqlite3.Connection:
        process = PROCESS.get()
        options["factory"] = sqlite3.Connection if process is None else _Database
        connection = connect(path, *arguments, **options)
        if process is not None:
            file = urlsplit(path).path if str(path).startswith("file:") else path
            process.databases.append((Path(file), connection))
        return connection

    return registered


class _Database(sqlite3.Connection):
    """A commit is a call to the disk; while that is full, no file grows."""

    found_full = False

    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        process = PROCESS.get()
        if process is not None and sql.startswith(("BEGIN", "COMMIT")):
            is_full = process.call()
            if is_full != self.found_full:
                super().execute(f"PRAGMA max_page_count = {1 if is_full else 1 << 30}")
                self.found_full = is_full
            if is_full:
                process.machine.seen["database full"] += 1
        return super().execute(sql, *arguments)


class _Lock(FileLock):
    """A lock that the kernel frees when its process dies."""

    def acquire(self, *arguments: Any, **options: Any) -> Any:
        held = super().acquire(*arguments, **options)
        process = PROCESS.get()
        if process is not None:
            process.locks.append(self)
        return held


def _this_sender(cls: type[senders.Sender]) -> senders.Sender:
    process = PROCESS.get()
    assert process is not None, "only a process sends"
    return cls(process.id, process.id)
