"""What is open, deferred, put back and ended, as the record says; and a database of an earlier version."""

from __future__ import annotations

import asyncio
import json
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import psycopg
import pytest

from campaign_runner.authoring.since_last_run import note_of
from campaign_runner.errors import Busy, IntegrityError, StoreError
from campaign_runner.fleet.database import QUEUE, Database, DatabaseSettings
from campaign_runner.fleet.images.place import FolderPlace
from campaign_runner.fleet.lease import REPLACED, FleetCampaign, Lease
from campaign_runner.fleet.place import FleetPlace, FleetSettings
from campaign_runner.fleet.record.copies import RecordCopy
from campaign_runner.fleet.record.untold import Telling
from campaign_runner.fleet.setup import SCRIPTS, prepare
from campaign_runner.fleet.work import carrying, worker
from campaign_runner.fleet.work.carrying import Carrier, WorkerAccount
from campaign_runner.fleet.work.dispatcher import Dispatcher, _connector, queue_of
from campaign_runner.fleet.work.runs import Terms
from campaign_runner.fleet.work.worker import Worker
from campaign_runner.journal.last_run import LAST_CAMPAIGN
from campaign_runner.plan.cost import RateLimit
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.downloads import DownloadRoom
from campaign_runner.run.stop import Stop
from campaign_runner.session.request import RunRequest, ServiceAccess
from tests.campaigns import plan
from tests.fleet.hosts import PATIENCE
from tests.fleet.machines import Machines
from tests.fleet.opened_journal import taken
from tests.fleet.postgres import Fleet

LEASE = 30.0


@dataclass
class Work:
    """A campaign of one account, and what is to be done for it."""

    machines: Machines
    database: Database
    campaign: FleetCampaign

    async def submitted(self, text: str = "text", epoch: int | None = None, terms: dict[str, Any] | None = None) -> int:
        """The number of a run that was handed over by who took the campaign."""
        epoch = await taken(self.database, self.campaign) if epoch is None else epoch
        told = await self.database.call("submit", self.campaign.id, epoch, text, terms or {"text": text}, REPLACED)
        return int(told["run"])

    async def put_back(self, run: int, seconds: float, report: list[str], epoch: int | None = None) -> object:
        """What the worker does that had it, submitted once, in `epoch` if it ever held its campaign."""
        return await self.database.call("put_back", run, 1, epoch, LEASE, seconds, report)

    async def ended(self, run: int, code: int, report: list[str], epoch: int | None = None) -> object:
        return await self.database.call("end_run", run, 1, epoch, LEASE, code, report)

    async def seen(self, run: int) -> dict[str, Any]:
        seen: dict[str, Any] = await self.database.call("look_at_run", run, LEASE)
        return seen

    async def swept(self, seconds: float = LEASE) -> None:
        await self.database.call("sweep", seconds)

    def carrier(self, kind: type[Carrier] = Carrier) -> Carrier:
        """Of a worker that has the account's credentials and sends nothing."""
        account, state = self.machines.account, self.machines.home / "state"
        settings = FleetSettings(self.machines.settings, FolderPlace(self.machines.home / "images"), state)
        access = ServiceAccess("http://127.0.0.1:1", lambda: pytest.fail("nothing is sent"), state)
        accounts = {account: WorkerAccount(account, access, RateLimit(4, 9000))}
        place = FleetPlace(settings, lambda name: account)
        return kind(self.database, place, accounts, lambda *_: None, lambda bug: pytest.fail(repr(bug)))

    def tasks(self, status: str = "todo") -> list[dict[str, Any]]:
        """What the tasks of the account carry that are in this state."""
        query = f"SELECT args FROM {QUEUE}.procrastinate_jobs WHERE queue_name = %s AND status = %s"
        return [row[0] for row in self.rows(query, queue_of(self.machines.account), status)]

    def alter(self, query: str, *values: object) -> None:
        with psycopg.connect(self.machines.server.url(self.machines.database_name), autocommit=True) as connection:
            connection.execute(query.encode(), values)

    def take_task(self) -> None:
        """As a worker does that is never heard of again."""
        self.alter(
            f"SET search_path = {QUEUE}; WITH w AS (SELECT worker_id FROM procrastinate_register_worker_v1()) "
            "SELECT procrastinate_fetch_job_v2(NULL, worker_id) FROM w"
        )

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.machines.server.url(self.machines.database_name)) as connection:
            return connection.execute(query.encode(), values).fetchall()


@pytest.fixture
async def work(fleet: Fleet, tmp_path: Path) -> AsyncIterator[Work]:
    """On a database of its own: sweeps see all accounts."""
    machines = Machines(fleet.server, fleet.server.prepared_database(fleet.prepared), tmp_path)
    async with machines.database() as database:
        yield Work(machines, database, await machines.campaign(database))


async def test_what_is_submitted_has_a_task_that_carries_its_number_alone(work: Work) -> None:
    run = await work.submitted()
    assert work.tasks() == [{"run": run}]
    assert await work.seen(run) == {"exit": None, "report": [], "holder": None}, "who submitted holds it no more"


async def test_who_was_taken_over_submits_nothing(work: Work) -> None:
    epoch = await taken(work.database, work.campaign)
    await taken(work.database, work.campaign)
    told = await work.database.call("submit", work.campaign.id, epoch, "text", {}, REPLACED)
    assert (told, work.tasks()) == ({"refused": "epoch"}, [])


async def test_the_same_text_goes_on_and_another_takes_its_place(work: Work) -> None:
    first = await work.submitted()
    assert await work.submitted() == first
    second = await work.submitted("another")
    assert second != first and (await work.seen(second))["exit"] is None
    assert await work.seen(first) == {"exit": 11, "report": [REPLACED], "holder": None}


async def test_what_is_open_is_deferred_anew_once_its_task_is_gone(work: Work) -> None:
    run = await work.submitted()
    await work.swept()
    assert len(work.tasks()) == 1, "one that waits is enough"
    work.take_task()
    await work.swept()
    assert work.tasks() == [], "it was only just given out"
    work.alter(f"UPDATE {QUEUE}.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
    work.alter("UPDATE campaign_runner.runs SET not_before = now() - interval '1 second'")
    await work.swept()
    assert (work.tasks("doing"), work.tasks()) == ([], [{"run": run}]), "the dead worker's task is closed"


async def test_a_worker_that_is_stopped_amid_a_call_of_the_queue_keeps_no_sweep_waiting(work: Work) -> None:
    run = await work.submitted()
    work.take_task()
    work.alter("UPDATE campaign_runner.runs SET not_before = now() - interval '1 second'")
    work.alter(f"UPDATE {QUEUE}.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
    with psycopg.connect(work.machines.server.url(work.machines.database_name)) as stopped:
        stopped.execute(f"UPDATE {QUEUE}.procrastinate_workers SET last_heartbeat = now()".encode())
        await work.swept()
        assert work.tasks() == [{"run": run}]


async def test_what_is_submitted_is_given_to_a_worker_that_waits_for_it(work: Work) -> None:
    given: asyncio.Queue[int] = asyncio.Queue()
    dispatcher = Dispatcher(
        work.machines.settings, [work.machines.account], given.put, at_once=1, lease=LEASE, told=pytest.fail
    )
    serving = asyncio.create_task(dispatcher.serve())
    run = await work.submitted()
    async with asyncio.timeout(PATIENCE):
        assert await given.get() == run
    serving.cancel()
    await asyncio.wait({serving})


async def test_a_worker_whose_role_may_not_use_the_queue_says_so(work: Work) -> None:
    said = asyncio.Queue[str]()
    name = f"r{uuid.uuid4().hex[:8]}"
    work.alter(f"CREATE ROLE {name} LOGIN")
    as_role = DatabaseSettings.of(f"{work.machines.settings.conninfo.reveal()} user={name}")
    dispatcher = Dispatcher(
        as_role, ["account"], asyncio.Queue[int]().put, at_once=1, lease=LEASE, told=said.put_nowait
    )
    serving = asyncio.create_task(dispatcher.serve())
    try:
        async with asyncio.timeout(PATIENCE):
            assert (await said.get()).startswith("nothing is taken from the queue: the database refuses it (")
    finally:
        serving.cancel()
        await asyncio.wait({serving})


async def test_a_worker_whose_queue_broke_while_it_had_much_to_do_takes_as_much_as_before(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_sweep(self: Worker) -> None:
        """What is given out a second time would take a place of the queue: no one holds these campaigns."""
        await asyncio.Event().wait()

    monkeypatch.setattr(worker, "AT_ONCE", 3)
    monkeypatch.setattr(Worker, "_sweep", no_sweep)
    begun, ends = asyncio.Queue[int](), asyncio.Queue[None]()

    class Waits(Carrier):
        async def carry_out(self, number: int, control: Control) -> None:
            if await self.database.call("work_of", number) is not None:  # it has not ended
                await begun.put(number)
                await ends.get()
                await self.database.call("end_run", number, 1, None, 0.0, 0, [])

    async def submitted(name: str) -> int:
        campaign = await work.machines.campaign(work.database, name)
        return await Work(work.machines, work.database, campaign).submitted()

    at_work = Worker(work.machines.settings, work.carrier(Waits), lease=LEASE)
    serving = asyncio.create_task(at_work.serve())
    async with asyncio.timeout(PATIENCE):
        runs = {await submitted("one"), await submitted("two")}
        assert {await begun.get(), await begun.get()} == runs
        work.alter(f"DELETE FROM {QUEUE}.procrastinate_workers")  # so that the next task cannot be given to it
        assert await submitted("three") == await begun.get(), "its loop was started again"
        ends.put_nowait(None)
        ends.put_nowait(None)
        more = {await submitted("four"), await submitted("five")}
        assert {await begun.get(), await begun.get()} == more, "all three are under way"
    at_work.signalled(signal.SIGTERM)
    for _ in range(3):
        ends.put_nowait(None)
    await serving


class RefusesOnce(Database):
    """A database that refuses the first sign of life, as while its owner gives the grants anew."""

    def __init__(self, settings: DatabaseSettings) -> None:
        super().__init__(settings)
        self.beats, self.goes_on = 0, asyncio.Event()

    async def call(self, function: str, *values: object, patience: float | None = None) -> Any:
        self.beats += function == "beat"
        if function == "beat" and self.beats == 1:
            raise StoreError("the database refused (42501: permission denied for function beat)")
        answer = await super().call(function, *values, patience=patience)
        if self.beats == 2:
            self.goes_on.set()
        return answer


async def test_a_holder_says_again_that_it_lives_after_it_was_refused_once(work: Work) -> None:
    async with (
        RefusesOnce(work.machines.settings) as database,
        Lease(database, work.campaign, lost=lambda error: pytest.fail(str(error)), seconds=0.3),
        asyncio.timeout(PATIENCE),
    ):
        await database.goes_on.wait()


async def test_each_statement_of_the_queue_is_a_transaction(work: Work) -> None:
    connector = _connector(work.machines.settings)
    await connector.open_async()
    async with connector.pool.connection() as connection:
        assert connection.autocommit
    await connector.close_async()


async def test_what_somebody_works_on_is_left_to_them(work: Work) -> None:
    await work.submitted()
    work.take_task()
    work.alter("UPDATE campaign_runner.runs SET not_before = now() - interval '1 second'")
    await taken(work.database, work.campaign)
    await work.swept()
    assert work.tasks() == []
    await work.swept(0.0)
    assert len(work.tasks()) == 1, "of who was not heard of so long, nothing is left"


async def test_what_is_put_back_is_for_another_at_once_or_waits_longer_each_time(work: Work) -> None:
    run = await work.submitted()
    work.take_task()
    assert await work.put_back(run, 0.0, ["one"])
    assert (len(work.tasks()), (await work.seen(run))["report"]) == (1, ["one"])
    work.take_task()
    for _ in range(2):
        await work.put_back(run, 100.0, ["two"])
    await work.swept()
    assert work.tasks() == []
    ((seconds,),) = work.rows("SELECT extract(epoch FROM not_before - now()) FROM campaign_runner.runs")
    assert 150 < float(seconds) <= 200


async def test_what_has_ended_is_not_begun_again(work: Work) -> None:
    run = await work.submitted()
    work.take_task()
    assert await work.ended(run, 3, ["the report"])
    work.alter("UPDATE campaign_runner.runs SET not_before = now() - interval '1 second'")
    assert not await work.put_back(run, 0.0, [])
    await work.swept()
    assert (work.tasks(), await work.database.call("work_of", run)) == ([], None)
    assert await work.seen(run) == {"exit": 3, "report": ["the report"], "holder": None}


async def test_a_run_that_was_submitted_again_is_not_ended_by_who_made_the_first(work: Work) -> None:
    run = await work.submitted()
    await work.submitted()
    assert not await work.ended(run, 9, [])
    assert (await work.seen(run))["exit"] is None


async def test_what_becomes_of_a_run_is_said_by_who_held_it_last_however_another_ended(work: Work) -> None:
    """Who was taken over may meet an error of its own, or find nothing to do: another one goes on with the run."""
    run = await work.submitted()
    work.take_task()
    ours, theirs = await taken(work.database, work.campaign), await taken(work.database, work.campaign)
    for epoch in (ours, None):  # who never held it has no word either while someone who is heard of does
        assert not await work.ended(run, 6, ["no such file"], epoch)
        assert not await work.put_back(run, 100.0, [], epoch)
    seen = await work.seen(run)
    assert (seen["exit"], seen["report"], work.tasks()) == (None, [], [])
    assert await work.put_back(run, 0.0, ["theirs"], theirs) and len(work.tasks()) == 1
    assert await work.ended(run, 0, ["done"], theirs) and (await work.seen(run))["exit"] == 0


async def test_a_run_whose_terms_no_one_understands_ends_with_5_and_the_worker_goes_on(work: Work) -> None:
    run = await work.submitted()
    await work.carrier().carry_out(run, Control(Clock(), Stop(), lambda event: None))
    seen = await work.seen(run)
    assert (seen["exit"], "does not understand the run" in seen["report"][0]) == (5, True)


async def test_all_runs_of_a_worker_share_the_room_of_their_downloads(
    work: Work, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rooms: list[DownloadRoom] = []

    async def noted(order: RunRequest, *_: object) -> int:
        rooms.append(order.shared.downloads)
        return 0

    monkeypatch.setattr(carrying, "run_campaign", noted)
    limits: dict[str, Any] = dict.fromkeys(("max_images", "max_requests", "until", "forbidden"))
    limits |= {"concurrency": 1, "per_minute": 4, "per_day": 9000, "bought": 0, "submitted": 0}
    text = note_of(plan(tmp_path))[LAST_CAMPAIGN]
    terms = Terms(text, str(tmp_path / "almond.yaml"), {}, accept_drift=False, reuse=True, **limits).told()
    carrier = work.carrier()
    for name in ("one", "two"):
        campaign = await work.machines.campaign(work.database, name)
        run = await Work(work.machines, work.database, campaign).submitted(terms=terms)
        await carrier.carry_out(run, Control(Clock(), Stop(), lambda event: None))
    one, two = rooms
    assert one is two


async def test_what_left_the_fleet_has_ended_there(work: Work) -> None:
    run = await work.submitted()
    work.alter("UPDATE campaign_runner.campaigns SET state = 'moved', why = 'it was exported'")
    await work.swept()
    seen = await work.seen(run)
    assert (seen["exit"], seen["report"]) == (5, ["the campaign is elsewhere now: it was exported"])


async def test_a_campaign_that_is_held_back_is_not_handed_over(work: Work) -> None:
    async with Lease(work.database, work.campaign, lost=lambda error: None) as lease:
        work.alter("UPDATE campaign_runner.campaigns SET state = 'held'")
        with pytest.raises(IntegrityError, match="--release"):
            await lease.hand_over("text", {})
    work.alter("UPDATE campaign_runner.campaigns SET state = 'open'")
    async with Lease(work.database, work.campaign, lost=lambda error: None) as lease:
        await taken(work.database, work.campaign)
        with pytest.raises(Busy):
            await lease.hand_over("text", {})
    assert work.tasks() == []


async def test_what_the_database_did_not_take_from_a_machine_is_told_when_a_worker_starts_there(work: Work) -> None:
    images, state = FolderPlace(work.machines.home / "images"), work.machines.home / "state"
    identity = work.database.identity.id
    await images.note(identity)
    telling = Telling(work.campaign.id, str(uuid.uuid4()), 0, "gone:1", [["note", {"facts": {"name": "value"}}]])
    await telling.keep(state / "fleet" / identity)
    place = FleetPlace(FleetSettings(work.machines.settings, images, state), lambda name: work.machines.account)
    await place.settle_in()
    assert work.rows("SELECT kind, worker FROM campaign_runner.entries") == [("note", "gone:1")]
    await place.settle_in()
    assert len(work.rows("SELECT 1 FROM campaign_runner.entries")) == 1


async def test_copies_of_a_record_that_are_made_at_once_are_one(work: Work) -> None:
    async def opened() -> None:
        async with RecordCopy(work.machines.home / "copy", work.campaign.id, work.database.identity) as copy:
            await copy.refresh(work.database)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(8):
            tasks.create_task(opened())


@asynccontextmanager
async def first_version(fleet: Fleet) -> AsyncIterator[str]:
    """A database as the first version made it, with a campaign."""
    name = fleet.server.new_database()
    folder = resources.files("campaign_runner.fleet") / "schema"
    with psycopg.connect(fleet.server.url(name)) as connection:
        connection.execute("CREATE SCHEMA campaign_runner")
        connection.execute("SET search_path = campaign_runner")
        for script in SCRIPTS[: SCRIPTS.index("queue")]:
            connection.execute((folder / f"{script}.sql").read_text(encoding="utf-8").encode())
        for each in (("version", "1"), ("database", uuid.uuid4().hex), ("restored", "0")):
            connection.execute("INSERT INTO meta VALUES (%s, %s)", each)
        connection.execute("INSERT INTO meta SELECT 'identity', identity()::text")
        connection.execute("SELECT campaign('account', 'default/spring')")
        connection.execute("ALTER FUNCTION welcome() SET search_path = campaign_runner")
        connection.execute("ALTER FUNCTION after_restore() SET search_path = campaign_runner")
    yield name


async def test_a_database_of_the_first_version_is_brought_up_and_keeps_its_record(fleet: Fleet) -> None:
    async with first_version(fleet) as name:
        settings = fleet.server.settings(name)
        with pytest.raises(IntegrityError, match="version 1 of the fleet's tables"):
            await Database(settings, patience=0.0).__aenter__()
        identity = await prepare(settings)
        assert await prepare(settings) == identity
        async with Database(settings) as database:
            assert (await database.call("find_campaign", "default/spring"))["account"] == "account"
            await database.call("sweep", LEASE)


async def test_a_database_of_the_version_before_has_its_functions_replaced_and_keeps_what_is_queued(
    fleet: Fleet,
) -> None:
    name = fleet.server.prepared_database(fleet.prepared)
    for statement in (
        "SELECT campaign('account', 'default/spring')",
        "SELECT defer_run(7, 'account')",
        "CREATE OR REPLACE FUNCTION allowance(p_account text, p_settings jsonb) RETURNS jsonb "
        "LANGUAGE sql RETURN '0'::jsonb",
        "INSERT INTO attempts (campaign, id, epoch, images, outcome) VALUES "
        "(1, 'a', 1, 4, 'accepted'), (1, 'b', 1, 2, 'open'), (1, 'c', 1, 1, 'refused')",
        "ALTER TABLE campaigns DROP COLUMN images_bought",
        "UPDATE meta SET value = '2' WHERE name = 'version'",
    ):
        fleet.server.execute(name, f"SET search_path = campaign_runner; {statement}")
    await prepare(fleet.server.settings(name))
    with psycopg.connect(fleet.server.url(name)) as connection:
        queued = connection.execute("SELECT count(*) FROM campaign_queue.procrastinate_jobs").fetchone()
        allowance = connection.execute("SELECT campaign_runner.allowance('account', '{}')").fetchone()
        bought = connection.execute("SELECT images_bought FROM campaign_runner.campaigns").fetchone()
    assert queued == (1,) and allowance != (0,) and bought == (6,)


async def test_a_database_that_was_restored_is_not_brought_up_unseen(fleet: Fleet) -> None:
    async with first_version(fleet) as name:
        settings = fleet.server.settings(name)
        fleet.server.execute(
            name, f"UPDATE campaign_runner.meta SET value = '{json.dumps({})}' WHERE name = 'identity'"
        )
        with pytest.raises(IntegrityError, match="--after-restore"):
            await prepare(settings)
        identity = await prepare(settings, after_restore=True)
        assert identity.restored == 1
