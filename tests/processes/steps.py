"""Every step of a process that outlives it: seen, numbered, and a place where it can be killed.

What reaches the disk or the network goes through a few calls: syncs and changes of names, commits of
SQLite, bytes given to a socket. They are wrapped here, in the process itself, and the program above
them is unchanged. A step is a place twice: before it and after it.
"""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
ON_DISK = ("fsync", "fdatasync", "rename", "replace", "link", "symlink", "unlink", "remove", "mkdir", "rmdir")
WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE")


class Steps:
    """Notes each step in the file `notes`, a line before and a line after it, and dies at the line number `die_at`.

    Lines are counted from 0; None lives on. `last_words` is called just before the death.
    """

    def __init__(self, notes: int, die_at: int | None, last_words: Callable[[], None]) -> None:
        self._notes = notes
        self._die_at = die_at
        self._last_words = last_words
        self._count = 0
        self._is_dying = False
        self._lock = threading.RLock()

    def install(self) -> None:
        """Wrap the calls of this process."""
        for name in ON_DISK:
            setattr(os, name, self._around(name, getattr(os, name)))
        for name in ("send", "sendmsg"):
            setattr(socket.socket, name, self._to_the_network(name, getattr(socket.socket, name)))
        connect, connection = sqlite3.connect, self._connection()
        sqlite3.connect = lambda *place, **options: connect(*place, factory=connection, **options)  # type: ignore[assignment]

    def passing(self, where: str) -> None:
        """A place where the process may die."""
        with self._lock:
            if self._is_dying:
                return
            if self._count == self._die_at:
                self._is_dying = True
                self._last_words()
                os.kill(os.getpid(), signal.SIGKILL)
            os.write(self._notes, f"{where}\n".encode())
            self._count += 1

    def run(self, name: str, call: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """`call` as a step."""
        self.passing(f"before {name}")
        try:
            return call(*arguments, **options)
        finally:
            self.passing(f"after {name}")

    def _around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            return self.run(name, call, *arguments, **options)

        return step

    def _to_the_network(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Not what a thread sends to wake up its own loop."""

        def step(sock: socket.socket, *arguments: Any) -> Any:
            if sock.family == socket.AF_INET:
                return self.run(name, call, sock, *arguments)
            return call(sock, *arguments)

        return step

    def _connection(self) -> type[sqlite3.Connection]:
        steps = self

        class Connection(sqlite3.Connection):
            """What is committed, alone or with a transaction, is a step; so is closing, which empties a WAL."""

            def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
                is_alone = not self.in_transaction and sql.lstrip().startswith(WRITES)
                if is_alone or sql.startswith(("COMMIT", "PRAGMA journal_mode", "PRAGMA user_version =")):
                    return steps.run(f"sqlite {sql.split()[0].lower()}", super().execute, sql, *values)
                return super().execute(sql, *values)

            def executescript(self, sql: str) -> sqlite3.Cursor:
                return steps.run("sqlite script", super().executescript, sql)

            def close(self) -> None:
                steps.run("sqlite close", super().close)

        return Connection
