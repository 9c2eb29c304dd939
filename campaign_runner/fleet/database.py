"""The database of a fleet: connections, calls of its functions, and what its errors mean.

Everything is one call of one function, in a transaction of its own, and carries a nonce where it must not be done
twice: where a connection breaks, the same call is made again. No message ever holds a password.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self, TypeAlias, TypeVar

import psycopg
from psycopg import AsyncConnection, conninfo, pq, sql
from psycopg.types.json import Jsonb

from campaign_runner.errors import CampaignError, IntegrityError, LaterError, StoreError, UsageError
from campaign_runner.firefly.credentials import Secret
from campaign_runner.tasks import PatientTimeout, to_its_end

T = TypeVar("T")
Connection: TypeAlias = AsyncConnection[tuple[Any, ...]]
SCHEMA = "campaign_runner"
QUEUE = "campaign_queue"
"""The schema of the engine that hands out work."""
VERSION = "6"
"""Of the tables and functions; `fleet init` brings a database to it."""
PATIENCE = 60.0
"""Seconds for which a database that is gone is waited for."""
CONNECTIONS = 4
CONNECT_WITHIN = 10
ANSWER_WITHIN = 30.0
"""Seconds after which a connection, or a call, counts as broken."""
_USUAL = {"connect_timeout": str(CONNECT_WITHIN), "application_name": "campaign_runner"} | {
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_GONE = ("08", "57", "53")
"""Classes of SQLSTATE: the connection, the server's operator, or what the server has too little of just now."""
_AGAIN = ("40001", "40P01")
_MISSING = ("3F000", "42P01", "42883")
"""No such schema, table or function."""

_QUIET = logging.NullHandler()
"""What the library says of a connection that broke is said by us, in an error."""
_TO_MEND = (
    *("password authentication failed", "does not exist", "no password supplied", "no pg_hba.conf entry"),
    *("resolve", "could not translate", "certificate", "does not support ssl", "permission denied"),
)
"""In the words of a refused connection: what does not pass by itself."""


class DatabaseGone(LaterError):
    """The database cannot be reached, or does not answer; what is asked may have been done."""


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """How the database is reached; holds a password, so it is a Secret."""

    conninfo: Secret

    @classmethod
    def of(cls, url: str) -> DatabaseSettings:
        """From a URL, or `key=value` pairs as PostgreSQL takes them. Raises UsageError.

        Where it says no `sslmode` and leads to another machine, the server's certificate is checked.
        """
        try:
            parts = conninfo.conninfo_to_dict(url)
        except psycopg.Error:
            raise UsageError(
                "CAMPAIGN_RUNNER_DATABASE_URL is not an address of a database; nothing was sent. "
                "Write postgresql://USER:PASSWORD@HOST/DATABASE, with %40 for an @ in the password"
            ) from None
        if "sslmode" not in parts and not all(map(_is_here, _hosts(parts))):
            parts["sslmode"] = "verify-full"
            if "sslrootcert" not in parts and pq.version() >= 160000:
                parts["sslrootcert"] = "system"
        words = {**_USUAL, **{key: str(value) for key, value in parts.items()}}
        return cls(Secret(conninfo.make_conninfo("", **words)))


def _hosts(parts: Mapping[str, Any]) -> Iterator[str]:
    """Where it leads; what the address does not say, libpq takes from PGHOST and PGHOSTADDR."""
    usual = {option.keyword.decode(): option.val for option in pq.Conninfo.get_defaults()}
    for name in ("host", "hostaddr"):
        yield from str(parts.get(name) or (usual[name] or b"").decode()).split(",")


def _is_here(host: str) -> bool:
    """Whether a host is this machine: a socket in a folder, or an address of the loopback."""
    if not host or host[0] in "/@" or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class DatabaseIdentity:
    """`id` is random, and the store has it, too; `restored` is how often a person said that a restored one goes on."""

    id: str
    restored: int


class Database:
    """Calls of the database's functions, a few at a time. Use as `async with Database(settings) as database:`.

    Every new connection is asked first whether it leads to the database that `fleet init` prepared. Raises
    IntegrityError where it does not, StoreError where it refuses us, DatabaseGone once `patience` seconds are over.
    """

    def __init__(self, settings: DatabaseSettings, *, patience: float = PATIENCE) -> None:
        self._settings = settings
        self._patience = patience
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[Connection] = []
        self._welcomed: set[Connection] = set()
        self._identity: DatabaseIdentity | None = None
        self._is_closed = False
        logging.getLogger(psycopg.__name__).addHandler(_QUIET)

    async def __aenter__(self) -> Self:
        try:
            await self.within(self._patience, _nothing)
        except BaseException:
            await self._close_idle()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_closed = True  # what is still under way closes its own
        await self._close_idle()

    @property
    def identity(self) -> DatabaseIdentity:
        """Which database this is."""
        if self._identity is None:
            raise RuntimeError("the database was never reached")
        return self._identity

    async def call(self, function: str, *values: object, patience: float | None = None) -> Any:
        """The answer of one of our functions, durable where it writes. A caller who is cancelled leaves after it.

        Called again where the connection broke, so it may be done twice: those that must not carry a nonce.
        """
        marks = sql.SQL(", ").join(sql.Placeholder() * len(values))
        query = sql.SQL("SELECT {}({})").format(sql.Identifier(SCHEMA, function), marks)
        adapted = [Jsonb(value) if isinstance(value, dict | list) else value for value in values]

        async def ask(connection: Connection) -> Any:
            row = await (await connection.execute(query, adapted)).fetchone()
            return row and row[0]

        return await self.within(self._patience if patience is None else patience, ask)

    async def within(self, patience: float, work: Callable[[Connection], Awaitable[T]]) -> T:
        """What `work` gets on a connection; tried again for `patience` seconds while the database is gone."""
        return await to_its_end(asyncio.ensure_future(self._tried(patience, work)))

    async def _tried(self, patience: float, work: Callable[[Connection], Awaitable[T]]) -> T:
        clock = asyncio.get_running_loop().time
        until, pause = clock() + patience, 0.0
        while True:
            try:
                return await self._once(work, min(ANSWER_WITHIN, max(patience, 1.0)))
            except DatabaseGone:
                await self._close_idle()
                if clock() + pause >= until:
                    raise
            await asyncio.sleep(pause)
            pause = min(max(_FIRST_PAUSE, 2 * pause), _LONGEST_PAUSE)

    async def _once(self, work: Callable[[Connection], Awaitable[T]], seconds: float) -> T:
        try:
            async with PatientTimeout(seconds), self._places, self._connection() as connection:
                return await work(connection)
        except (psycopg.Error, TimeoutError) as error:
            raise translated(error) from None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """One that is open, for one use; closed where anything went wrong."""
        connection = self._idle.pop() if self._idle else await connect(self._settings)
        try:
            if connection not in self._welcomed:
                await self._welcome(connection)
            yield connection
        except BaseException:
            self._welcomed.discard(connection)
            await connection.close()
            raise
        if self._is_closed:
            await connection.close()
        else:
            self._idle.append(connection)

    async def _welcome(self, connection: Connection) -> None:
        found = await welcomed(connection)
        if self._identity not in (None, found):
            raise IntegrityError("the database is another one than before; nothing more was sent. Run again")
        self._identity = found
        self._welcomed.add(connection)

    async def _close_idle(self) -> None:
        while self._idle:
            connection = self._idle.pop()
            self._welcomed.discard(connection)
            await connection.close()


async def _nothing(_: Connection) -> None:
    """Being connected is all."""


async def connect(settings: DatabaseSettings) -> Connection:
    """A connection on which each statement is a transaction. Raises StoreError, DatabaseGone."""
    try:
        return await AsyncConnection.connect(settings.conninfo.reveal(), autocommit=True)
    except psycopg.Error as error:
        raise refused(error) from None


async def welcomed(connection: Connection, *, version: str = VERSION) -> DatabaseIdentity:
    """Which database `connection` leads to. Raises IntegrityError where nothing may be sent from it.

    Its tables have to be of this `version`.
    """
    cursor = await connection.execute(sql.SQL("SELECT {}()").format(sql.Identifier(SCHEMA, "welcome")))
    row = await cursor.fetchone()
    told: Mapping[str, Any] = row[0] if row else {}
    if told["version"] != version:
        raise IntegrityError(
            f"the database has version {told['version']} of the fleet's tables, this campaign_runner knows "
            f"{VERSION}; nothing was sent. Run `campaign-runner fleet init` with the newer of the two"
        )
    if not told["is_the_same"]:
        raise IntegrityError(
            "the database was restored from a backup, or another server took over, so it may not know what was "
            "paid for last; nothing was sent. Look at the campaigns, then run "
            "`campaign-runner fleet init --after-restore`"
        )
    return DatabaseIdentity(told["database"], told["restored"])


def translated(error: psycopg.Error | TimeoutError) -> CampaignError:
    """What went wrong on a connection, as an error for a person."""
    state = getattr(error, "sqlstate", None) or ""
    if state in _MISSING:
        return IntegrityError(
            "the database is not prepared for a fleet, or for another version; nothing was sent. "
            "Run `campaign-runner fleet init`"
        )
    if state in _AGAIN or state[:2] in _GONE:
        return DatabaseGone(f"the database does not answer just now ({_words(error)}); run again")
    if not state:  # the connection broke, or took too long
        return DatabaseGone("the database cannot be reached, or does not answer; run again")
    return StoreError(f"the database refused ({state}: {_words(error)})")


def refused(error: psycopg.Error) -> CampaignError:
    """Why there is no connection: what a person must mend, or a database that is gone for now."""
    state, words = getattr(error, "sqlstate", None) or "", str(error).lower()
    is_passing = "temporary failure" in words  # of the machine's own look-up of names
    if state[:2] in ("28", "3D", "42") or (not is_passing and any(sign in words for sign in _TO_MEND)):
        return StoreError(
            f"the database cannot be used: {_words(error)}. Nothing was sent; check CAMPAIGN_RUNNER_DATABASE_URL"
        )
    return DatabaseGone(f"the database cannot be reached: {_words(error)}; run again")


def _words(error: psycopg.Error | TimeoutError) -> str:
    """The server's or the library's words, on one line: neither knows a password."""
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return " ".join((primary or str(error) or type(error).__name__).split())[:300]
