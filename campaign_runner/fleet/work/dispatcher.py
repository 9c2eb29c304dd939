"""The engine that hands out work: procrastinate, whose tasks carry the number of a run and nothing else.

It runs work twice, and calls tasks done that are not: nothing depends on it but which worker looks at a run, and when.
Its loop ends with the database and is started again; what was begun goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from psycopg import conninfo

from campaign_runner.fleet.database import QUEUE, Connection, DatabaseSettings

_PAUSE = 1.0
"""Seconds before its loop is started again."""
_ANSWER_WITHIN = 5.0
_LOOK_EVERY = 5.0
"""Seconds after which it looks for tasks of which it was not told."""


class Dispatcher:
    """Gives `work` the number of each run that is to be looked at, from the queue of each of the accounts.

    It gives out `at_once` and no more, until one of them is done with. `lease` are the seconds after which a worker
    that was not heard of is none. `told` hears, once, why nothing is given out until a person mends it.
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        accounts: list[str],
        work: Callable[[int], Awaitable[None]],
        *,
        at_once: int,
        lease: float,
        told: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._queues = [queue_of(account) for account in accounts]
        self._work = work
        self._at_once = at_once
        self._lease = lease
        self._told = told
        self._refusal = ""

    async def serve(self) -> None:
        """Until it is cancelled: then it takes no more, and closes its tasks."""
        _keep_quiet()
        asyncio.get_running_loop().set_exception_handler(_unless_of_engine)
        while True:
            try:
                await self._serve_once()
            except (ConnectorException, psycopg.Error, TimeoutError) as error:
                self._tell_refusal(error)
            await asyncio.sleep(_PAUSE)

    def _tell_refusal(self, error: Exception) -> None:
        """Of a database that is gone, or forgot us, there is nothing to say: it is asked again."""
        cause = error.__cause__ if isinstance(error, ConnectorException) else error
        words = cause.diag.message_primary if isinstance(cause, psycopg.ProgrammingError) else None
        if words is not None and words != self._refusal:
            self._refusal = words
            self._told(
                f"nothing is taken from the queue: the database refuses it ({words}). Give the role of the workers its "
                f"rights on {QUEUE}, as the page of the fleet says"
            )

    async def _serve_once(self) -> None:
        app = App(connector=_connector(self._settings))

        @app.task(name="run")
        async def _(run: int) -> None:
            await self._work(run)

        async with app.open_async():
            await app.run_worker_async(
                queues=self._queues,
                concurrency=self._at_once,
                install_signal_handlers=False,
                delete_jobs="always",
                fetch_job_polling_interval=min(_LOOK_EVERY, self._lease),
                update_heartbeat_interval=self._lease / 3,
                stalled_worker_timeout=self._lease,
                shutdown_graceful_timeout=0.0,
            )


def queue_of(account: str) -> str:
    """The queue of an account, as the database names it."""
    return account[:32]


def _connector(settings: DatabaseSettings) -> PsycopgConnector:
    """Connections that look nowhere but in the engine's own tables, and on which each statement is a transaction.

    So a worker that is stopped in between holds no lock on which others wait.
    """
    parts = conninfo.conninfo_to_dict(settings.conninfo.reveal())
    options = " ".join(filter(None, (str(parts.get("options") or ""), f"-c search_path={QUEUE}")))
    where = conninfo.make_conninfo(settings.conninfo.reveal(), options=options)
    return PsycopgConnector(conninfo=where, configure=_each_alone, min_size=1, max_size=4, timeout=_ANSWER_WITHIN)


async def _each_alone(connection: Connection) -> None:
    await connection.set_autocommit(True)


def _keep_quiet() -> None:
    """What the engine has to say of a database that is gone is said by us, once, and without its traces."""
    for name in ("procrastinate", "psycopg.pool"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False


def _unless_of_engine(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A task of the engine that could not say how it ended is closed by the sweeper."""
    task = context.get("future")
    if not (isinstance(task, asyncio.Task) and task.get_name().startswith("process job")):
        loop.default_exception_handler(context)
