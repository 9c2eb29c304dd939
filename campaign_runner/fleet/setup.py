"""`fleet init`: the tables of a fleet in its database, and whether the database keeps what it is told.

May be run again at any time, by the role that owns the tables: what is there stays. Two at once wait for each other.
"""

from __future__ import annotations

import uuid
from importlib import resources
from typing import TypeAlias

import psycopg
from psycopg import sql

from campaign_runner.errors import StoreError
from campaign_runner.fleet.database import (
    SCHEMA,
    VERSION,
    Connection,
    Database,
    DatabaseIdentity,
    DatabaseSettings,
    connect,
    translated,
    welcomed,
)
from campaign_runner.fleet.quota import FleetQuota

Allowed: TypeAlias = tuple[str, int | None, int | None]
"""An account, and its requests a minute and in 24 hours; None leaves what is there."""
OLDEST_SERVER = 14
_SCRIPTS = ("tables", "identity", "quota", "record", "lease", "places", "transfer", "people")
"""In the order in which they are run."""
CALLED = (
    *("welcome", "after_restore"),
    *("acquire", "settle", "give_back", "block", "believe", "allowance", "set_allowance"),
    *("campaign", "campaigns_of", "holder_of", "take", "beat", "leave", "ask_to_stop", "release"),
    *("find_campaign", "find_campaigns", "share_marks", "delivered", "deliver"),
    *("entries_since", "intend", "held", "tell", "note", "decide", "take_back"),
    *("begin_import", "import_rows", "end_import", "begin_export"),
)
"""The functions that are called from here: they look nowhere but in our schema, and have the rights of its owner."""
_LOCK = 7_311_046_201
"""Of all who run `fleet init` on a database."""


async def prepare(settings: DatabaseSettings, *, after_restore: bool = False) -> DatabaseIdentity:
    """Bring the database to this version, or check that it is. Raises IntegrityError, StoreError, DatabaseGone.

    With `after_restore` a person says that a restored database goes on: every holder is put out, and each campaign is
    held until it is released.
    """
    connection = await connect(settings)
    try:
        await _check_server(connection)
        await connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        if not await _has_tables(connection):
            await _make_tables(connection)
        elif after_restore:
            await connection.execute(_named("SELECT {}()", "after_restore"))
        return await welcomed(connection)
    except (psycopg.Error, TimeoutError) as error:
        raise translated(error) from None
    finally:
        await connection.close()


async def allow(
    settings: DatabaseSettings, account: str, per_minute: int | None, per_day: int | None
) -> dict[str, str | int]:
    """Write what an account may send, where it is given; what it may send now. Raises as `prepare` does."""
    async with Database(settings, patience=0.0) as database:
        await database.call("set_allowance", account, per_minute, per_day)
        allowance = await FleetQuota(database, account).allowance()
    return {"account": account, "per_minute": allowance.per_minute, "per_day": allowance.per_day}


async def _check_server(connection: Connection) -> None:
    """Refuse a server that is too old, only repeats another one, or may forget what it said it kept."""
    if (version := connection.info.server_version) < OLDEST_SERVER * 10_000:
        raise StoreError(
            f"the server is PostgreSQL {version // 10_000}; a fleet needs {OLDEST_SERVER} or newer. Nothing was changed"
        )
    if await _shown(connection, "fsync") != "on":
        raise StoreError(
            "the server's setting fsync is off, so a power cut could lose what was paid for; nothing was changed. "
            "Set fsync = on and run `campaign-runner fleet init` again"
        )
    if await _shown(connection, "transaction_read_only") == "on":
        raise StoreError("the database can only be read (is it a standby?); nothing was changed. Name the primary")


async def _shown(connection: Connection, setting: str) -> str:
    row = await (await connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(setting)))).fetchone()
    return str(row[0]) if row else ""


async def _has_tables(connection: Connection) -> bool:
    cursor = await connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{SCHEMA}.meta",))
    return bool((await cursor.fetchone() or (False,))[0])


async def _make_tables(connection: Connection) -> None:
    """All or nothing."""
    folder = resources.files("campaign_runner.fleet") / "schema"
    async with connection.transaction():
        await connection.execute(_named("CREATE SCHEMA IF NOT EXISTS {}"))
        await connection.execute(_named("SET LOCAL search_path = {}"))
        for name in _SCRIPTS:
            await connection.execute((folder / f"{name}.sql").read_text(encoding="utf-8").encode())
        noted = {"version": VERSION, "database": uuid.uuid4().hex, "restored": "0"}
        for name, value in noted.items():
            await connection.execute("INSERT INTO meta VALUES (%s, %s)", (name, value))
        await connection.execute("INSERT INTO meta SELECT 'identity', identity()::text")
        await connection.execute(_RIGHTS)


_RIGHTS = f"""
DO $$ DECLARE each regprocedure;
BEGIN
    FOR each IN SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = '{SCHEMA}'::regnamespace AND proname IN ({", ".join(f"'{name}'" for name in CALLED)})
    LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = {SCHEMA}, pg_temp', each);
    END LOOP;
END $$
""".encode()


def _named(query: str, *names: str) -> sql.Composed:
    return sql.SQL(query).format(sql.Identifier(SCHEMA, *names))
