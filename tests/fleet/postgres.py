"""A PostgreSQL of the tests: Debian's, in a short folder in memory, on a Unix socket, with fsync on.

One server for a session of tests; each test that asks gets a database of its own, copied from a prepared one.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from campaign_runner.fleet.database import DatabaseSettings
from campaign_runner.fleet.setup import prepare

USER = "postgres"
SETTINGS = {
    "listen_addresses": "''",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "autovacuum": "off",
    "fsync": "on",
    "jit": "off",
    "max_wal_size": "256MB",
    "log_min_messages": "fatal",
}
TURNED_CLOCK = """
CREATE TABLE campaign_runner.turned (at timestamptz NOT NULL);
INSERT INTO campaign_runner.turned VALUES (to_timestamp(1790000000));
CREATE OR REPLACE FUNCTION campaign_runner.clock() RETURNS timestamptz LANGUAGE sql VOLATILE
AS 'SELECT at FROM campaign_runner.turned';
UPDATE campaign_runner.meta SET value = campaign_runner.identity()::text WHERE name = 'identity';
"""
"""The database's clock as one that a test turns."""


def programs() -> Path:
    """Where Debian keeps the server's programs. Without them the tests fail, and are not skipped."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found:
        pytest.fail("these tests need PostgreSQL: apt-get install postgresql")
    return found[-1].parent


@dataclass(frozen=True)
class PostgresServer:
    """A running server. `folder` holds its data and its socket."""

    folder: Path
    numbers: Iterator[int]

    def url(self, database: str) -> str:
        return f"host={self.folder} user={USER} dbname={database}"

    def settings(self, database: str) -> DatabaseSettings:
        return DatabaseSettings.of(self.url(database))

    def stop(self, mode: str = "immediate") -> None:
        self._control("stop", "-m", mode)

    def start(self) -> None:
        self._control("start", "-l", str(self.folder / "log"))

    def _control(self, *words: str) -> None:
        run_as_owner(str(programs() / "pg_ctl"), "-s", "-w", "-D", str(self.folder / "data"), *words)

    def execute(self, database: str, query: str) -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(query.encode())

    def new_database(self, template: str = "template0") -> str:
        """A new database, the copy of another one."""
        name = f"fleet{next(self.numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            query = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
            connection.execute(query.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def prepared_database(self, template: str) -> str:
        """A copy of a prepared database that is one of its own."""
        name = self.new_database(template)
        self.execute(
            name, "UPDATE campaign_runner.meta SET value = campaign_runner.identity()::text WHERE name = 'identity'"
        )
        return name


def run_as_owner(*command: str) -> None:
    subprocess.run(_as_owner(*command), check=True, stdout=subprocess.DEVNULL, cwd="/")


def _as_owner(*command: str) -> list[str]:
    """The server refuses to run as root."""
    as_user = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"] if os.geteuid() == 0 else []
    return [*as_user, *command]


AT_THE_END = 'cat; "$1" stop -s -w -m immediate -D "$2/data"; rm -rf "$2"'
"""Waits for the end of its input, which is also the end of the process that holds the other end: killed, too."""


@contextmanager
def server_folder() -> Iterator[Path]:
    """A folder for a server, which is stopped and the folder removed once the block ends, or this process does."""
    memory = Path("/dev/shm")
    is_roomy = memory.is_dir() and shutil.disk_usage(memory).free > 1 << 30
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=memory if is_roomy else None))
    if os.geteuid() == 0:
        shutil.chown(folder, USER, USER)
    command = _as_owner("sh", "-c", AT_THE_END, "sh", str(programs() / "pg_ctl"), str(folder))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd="/", start_new_session=True):
        yield folder


@contextmanager
def running() -> Iterator[PostgresServer]:
    """A server of our own; it is gone afterwards."""
    with server_folder() as folder:
        initdb = ("-A", "trust", "-U", USER, "-N", "--no-locale", "-E", "UTF8", "-D", str(folder / "data"))
        run_as_owner(str(programs() / "initdb"), *initdb)
        lines = [f"{name} = {value}\n" for name, value in SETTINGS.items()]
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines([*lines, f"unix_socket_directories = '{folder}'\n"])
        server = PostgresServer(folder, count(1))
        server.start()
        yield server


@dataclass(frozen=True)
class Fleet:
    """A server with a database that is `prepared` to be copied, and with two copies for tests to use together.

    Those have accounts of their own. No test uses the first: what it leaves there would be in every later copy, and
    while it is connected there is none to be had.
    """

    server: PostgresServer
    prepared: str
    shared: str
    with_turned_clock: str


@contextmanager
def fleet() -> Iterator[Fleet]:
    with running() as server:
        prepared = server.new_database()
        with ThreadPoolExecutor(1) as beside:  # a loop may be running here
            beside.submit(asyncio.run, prepare(server.settings(prepared))).result()
        turned = server.prepared_database(prepared)
        server.execute(turned, TURNED_CLOCK)
        yield Fleet(server, prepared, server.prepared_database(prepared), turned)


_shared = ExitStack()
_running: list[Fleet] = []


def shared() -> Fleet:
    """The one of this process, started for who asks first; `stop_shared` ends it."""
    if not _running:
        _running.append(_shared.enter_context(fleet()))
    return _running[0]


def stop_shared() -> None:
    _shared.close()
    _running.clear()
