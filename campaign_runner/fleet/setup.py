"""`fleet init`: the tables of a fleet in its database, and whether the database keeps what it is told.

May be run again at any time, by the role that owns the tables: what is there stays. Two at once wait for each other.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from importlib import resources
from typing import TypeAlias

import psycopg
from procrastinate.schema import SchemaManager
from psycopg import sql

from campaign_runner.errors import StoreError
from campaign_runner.fleet.database import (
    QUEUE,
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
SCRIPTS = (
    "tables",
    "identity",
    "quota",
    "pictures",
    "record",
    "lease",
    "places",
    "transfer",
    "people",
    "queue",
    "work",
)
"""In the order in which they are run, at each upgrade again: tables that are there stay, functions are replaced.
`queue` is the engine's own, and is run once."""
CALLED = (
    *("welcome", "after_restore"),
    *("acquire", "settle", "give_back", "block", "believe", "allowance", "set_allowance"),
    *("campaign", "campaigns_of", "holder_of", "take", "beat", "leave", "ask_to_stop", "release"),
    *("find_campaign", "find_campaigns", "share_marks", "delivered", "deliver"),
    *("entries_since", "intend", "held", "tell", "note", "decide", "take_back"),
    *("unseen", "see", "alike"),
    *("begin_import", "import_rows", "end_import", "begin_export"),
    *("submit", "open_run", "look_at_run", "work_of", "end_run", "put_back", "sweep"),
)
"""The functions that are called from here: they look nowhere but in our schema, and have the rights of its owner."""
CALLED_BY_ENGINE = (
    *("procrastinate_fetch_job_v2", "procrastinate_finish_job_v1", "procrastinate_register_worker_v1"),
    *("procrastinate_unregister_worker_v1", "procrastinate_update_heartbeat_v1"),
    "procrastinate_prune_stalled_workers_v1",
)
"""The same of the engine's; all others of its schema work only within these, and within ours."""
PLANNED = ("plan_cache_mode = force_generic_plan", "enable_seqscan = off", "jit = off")
"""Once a connection, for a campaign of any size, by an index: a plan for one that has just begun would read all of it
each time once it is large."""
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
        found = await _version(connection)
        if found and after_restore:
            await connection.execute(_named("SELECT {}()", "after_restore"))
        if found < int(VERSION):
            await _bring_up(connection, found)
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


async def _version(connection: Connection) -> int:
    """Which version of the tables is there; 0 where none is."""
    if not await _is_there(connection, f"{SCHEMA}.meta"):
        return 0
    row = await (await connection.execute(_named("SELECT value FROM {} WHERE name = 'version'", "meta"))).fetchone()
    return int(row[0]) if row else 0


async def _is_there(connection: Connection, table: str) -> bool:
    row = await (await connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,))).fetchone()
    return row is not None and bool(row[0])


async def _bring_up(connection: Connection, found: int) -> None:
    """From version `found` to this one, all or nothing; a database that was restored is refused before."""
    if found:
        await welcomed(connection, version=str(found))
    async with connection.transaction():
        await connection.execute(_named("CREATE SCHEMA IF NOT EXISTS {}"))
        await connection.execute(_named("SET LOCAL search_path = {}"))
        for name in SCRIPTS:
            if name != "queue" or not await _is_there(connection, f"{QUEUE}.procrastinate_jobs"):
                await connection.execute(_script(name).encode())
        if not found:
            noted = {"version": VERSION, "database": uuid.uuid4().hex, "restored": "0", "identity": ""}
            for name, value in noted.items():
                await connection.execute("INSERT INTO meta VALUES (%s, %s)", (name, value))
        await connection.execute("UPDATE meta SET value = %s WHERE name = 'version'", (VERSION,))
        await connection.execute("UPDATE meta SET value = identity()::text WHERE name = 'identity'")
        await connection.execute(_rights(SCHEMA, CALLED))


def _script(name: str) -> str:
    """The statements of a part. The engine's functions look nowhere but in its schema, whichever role calls them."""
    if name == "queue":
        tables, rights = SchemaManager.get_schema(), _rights(QUEUE, CALLED_BY_ENGINE, and_others=True).decode()
        there, back = (f"SET LOCAL search_path = {schema};" for schema in (QUEUE, SCHEMA))
        return f"CREATE SCHEMA {QUEUE}; {there}\n{tables}\n{rights}; {back}"
    return (resources.files("campaign_runner.fleet") / "schema" / f"{name}.sql").read_text(encoding="utf-8")


def _rights(schema: str, called: Sequence[str], *, and_others: bool = False) -> bytes:
    """The functions that are `called` have the rights of the owner; they, `and_others`, look in their schema alone.

    A statement within ours is planned as `PLANNED` says.
    """
    planned = "".join(f" SET {setting}" for setting in PLANNED) if schema == SCHEMA else ""
    names = ", ".join(f"'{name}'" for name in called)
    wanted = "true" if and_others else f"proname IN ({names})"
    return f"""
DO $$ DECLARE each record;
BEGIN
    FOR each IN SELECT oid::regprocedure AS function, proname IN ({names}) AS is_called FROM pg_proc
        WHERE pronamespace = '{schema}'::regnamespace AND {wanted}
    LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY %s SET search_path = {schema}, pg_temp{planned}', each.function,
            CASE WHEN each.is_called THEN 'DEFINER' ELSE 'INVOKER' END);
    END LOOP;
END $$
""".encode()


def _named(query: str, *names: str) -> sql.Composed:
    return sql.SQL(query).format(sql.Identifier(SCHEMA, *names))
