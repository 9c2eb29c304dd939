"""The journal of a fleet beside `tests/ports/test_journal.py`: its copies, and what the database does not take."""

from __future__ import annotations

import asyncio
import os
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest

from campaign_runner.disk.regular_files import text_of
from campaign_runner.errors import Busy, IntegrityError
from campaign_runner.fleet.database import VERSION, Connection, Database, DatabaseGone, DatabaseSettings
from campaign_runner.fleet.lease import Lease
from campaign_runner.fleet.quota import FleetQuota
from campaign_runner.fleet.record.journal import FleetJournal
from campaign_runner.fleet.record.untold import Telling, tell_again
from campaign_runner.journal.tables import FILE, refuse_damage
from campaign_runner.model import State
from campaign_runner.portions import batched
from campaign_runner.ports import Permit
from tests.fleet import postgres
from tests.fleet.machines import PERSON, Machines, doubt, one, states
from tests.ports import test_journal as contract

pytestmark = pytest.mark.proof


@pytest.fixture
def machines(fleet: postgres.Fleet, tmp_path: Path) -> Machines:
    return Machines(fleet.server, fleet.shared, tmp_path)


def untold(journal_home: Path) -> list[Path]:
    return sorted(journal_home.rglob("untold/*.json"))


async def test_what_the_database_does_not_take_is_kept_and_told_once_it_is_back(machines: Machines) -> None:
    async with machines.database() as database, machines.journal(database) as journal:
        await journal.intend([one("a", 1), one("b", 2)])
        machines.server.stop()
        told = contract.accepted(one("a", 1))
        assert await journal.record([told]) == [told]
        assert len(untold(machines.home)) == 1
        machines.server.start()
        await journal.record([contract.accepted(one("b", 2))])
        assert untold(machines.home) == []
        assert list(states(journal).values()) == [State.ACCEPTED] * 2


async def test_what_the_database_refuses_is_kept_and_told_by_the_next_start(
    fleet: postgres.Fleet, tmp_path: Path
) -> None:
    """`fleet init` of a newer version meanwhile, a right that was taken away, a server that only reads."""
    machines = Machines(fleet.server, fleet.server.prepared_database(fleet.prepared), tmp_path)
    own = machines.home / "copy"
    async with machines.database() as database:
        campaign = await machines.campaign(database)
        epoch = await contract_epoch(machines)
        with pytest.raises(IntegrityError, match="has version 99"):
            async with FleetJournal(database, campaign, epoch=epoch, folder=own, home=own) as journal:
                await journal.intend([one("a", 1)])
                _set_version(machines, "99")
                with pytest.raises(IntegrityError, match="has version 99"):
                    await journal.record([contract.accepted(one("a", 1))])
                assert len(untold(machines.home)) == 1
    _set_version(machines, VERSION)
    async with machines.database() as database:
        epoch = await contract_epoch(machines)
        async with FleetJournal(database, campaign, epoch=epoch, folder=own, home=own) as journal:
            assert (list(states(journal).values()), untold(machines.home)) == ([State.ACCEPTED], [])


def _set_version(machines: Machines, version: str) -> None:
    """That is what each new connection finds; there are no others."""
    name = machines.database_name
    machines.server.execute(name, f"UPDATE campaign_runner.meta SET value = '{version}' WHERE name = 'version'")
    others = f"datname = '{name}' AND pid <> pg_backend_pid()"
    machines.server.execute(name, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")


async def test_a_database_that_is_slow_once_more_ends_nothing(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took a fact, and then not what it had not taken before: that is kept for longer."""
    name = "campaign_runner.fleet.record.journal.tell_again"

    async def slow(*_: object) -> int:
        monkeypatch.setattr(name, tell_again)
        raise DatabaseGone("it does not answer just now")

    async with machines.database() as database, machines.journal(database) as journal:
        await journal.intend([one(id, seed) for seed, id in enumerate("abc")])
        machines.server.stop()
        await journal.record([contract.accepted(one("a", 0))])
        machines.server.start()
        monkeypatch.setattr(name, slow)
        for seed, id in ((1, "b"), (2, "c")):
            await journal.record([contract.accepted(one(id, seed))])
            assert len(untold(machines.home)) == 2 - seed
        assert list(states(journal).values()) == [State.ACCEPTED] * 3


async def test_nothing_is_sent_before_what_was_kept_is_told(machines: Machines) -> None:
    async with machines.database(patience=0.3) as database:
        campaign = await machines.campaign(database)
        with pytest.raises(DatabaseGone):
            async with machines.journal(database) as journal:
                await journal.intend([one("a", 1)])
                machines.server.stop()
                await journal.record([contract.accepted(one("a", 1))])
                with pytest.raises(DatabaseGone):
                    await journal.intend([one("b", 2)])
        machines.server.start()
        assert campaign.id and len(untold(machines.home)) == 1


async def test_the_tickets_of_a_process_killed_meanwhile_are_told_by_the_next_start(
    machines: Machines,
) -> None:
    own = machines.home / "copy"
    async with machines.database(patience=0.3) as database:
        campaign = await machines.campaign(database)
        epoch = await contract_epoch(machines)
        with pytest.raises(DatabaseGone):
            async with FleetJournal(database, campaign, epoch=epoch, folder=own, home=own) as killed:
                await killed.intend([one("a", 1)])
                machines.server.stop()
                await killed.record([contract.accepted(one("a", 1))])
        machines.server.start()
    async with machines.database() as database:
        epoch = await contract_epoch(machines)  # which declares the doubt: the answer comes late
        async with FleetJournal(database, campaign, epoch=epoch, folder=own, home=own) as journal:
            assert list(states(journal).values()) == [State.ACCEPTED]
            assert untold(machines.home) == []


async def test_what_another_process_told_meanwhile_is_told_no_more(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All campaigns of a machine keep it in one folder, and tell it at the same time after a silence."""
    read = text_of

    def read_late(path: Path, most: int) -> str:
        path.unlink()
        return read(path, most)

    async with machines.database() as database:
        await Telling(1, uuid.uuid4().hex, 1, "w", []).keep(machines.home)
        monkeypatch.setattr("campaign_runner.fleet.record.untold.text_of", read_late)
        assert await tell_again(database, machines.home) == 0


class Counted(Database):
    """A database that notes which of its functions are called."""

    def __init__(self, settings: DatabaseSettings) -> None:
        super().__init__(settings)
        self.called: list[str] = []

    async def call(self, function: str, *values: object, patience: float | None = None) -> Any:
        self.called.append(function)
        return await super().call(function, *values, patience=patience)


async def is_answered(database: Database, permit: Permit) -> bool:
    """What the database says of a permit."""
    query = "SELECT 1 FROM campaign_runner.permits WHERE id = %s AND is_answered"

    async def asked(connection: Connection) -> bool:
        return bool(await (await connection.execute(query, (permit.id,))).fetchone())

    return await database.within(30.0, asked)


async def test_answers_and_their_permits_are_told_in_one_call(machines: Machines) -> None:
    async with Counted(machines.settings) as database, machines.journal(database) as journal:
        quota, attempts = FleetQuota(database, machines.account), [one("a", 1), one("b", 2)]
        permits = [permit for _ in attempts if isinstance(permit := await quota.acquire(), Permit)]
        await journal.intend(attempts)
        database.called.clear()
        told = zip(attempts, permits, strict=True)
        await asyncio.gather(*(journal.record([contract.accepted(each)], answers=[permit]) for each, permit in told))
        assert [await is_answered(database, permit) for permit in permits] == [True, True]
        for permit in permits:
            await quota.settle(permit)
        assert set(database.called) == {"tell"} and list(states(journal).values()) == [State.ACCEPTED] * 2
        await quota.settle(permits[0])
        assert database.called[-1] == "settle", "once more is once more"


async def test_what_is_told_later_settles_no_permit_then(machines: Machines) -> None:
    """It would count as sent at that time: who waits for the answer settles it as soon as that can be."""
    async with machines.database() as database, machines.journal(database) as journal:
        quota, attempt = FleetQuota(database, machines.account), one("a", 1)
        permit = await quota.acquire()
        assert isinstance(permit, Permit) and await journal.intend([attempt])
        machines.server.stop()
        await journal.record([contract.accepted(attempt)], answers=[permit])
        machines.server.start()
        await journal.record([doubt(one("b", 2))])
        assert list(states(journal).values()) == [State.ACCEPTED, State.IN_DOUBT]
        assert not await is_answered(database, permit)
        await quota.settle(permit)
        assert await is_answered(database, permit)


async def test_a_fact_is_taken_though_the_allowance_is_locked(machines: Machines) -> None:
    """A permit that cannot be settled keeps no ticket from the record."""
    async with machines.database() as database, machines.journal(database) as journal:
        quota, attempt = FleetQuota(database, machines.account), one("a", 1)
        permit = await quota.acquire()
        assert isinstance(permit, Permit) and await journal.intend([attempt])
        async with await psycopg.AsyncConnection.connect(machines.server.url(machines.database_name)) as keeper:
            row = "SELECT 1 FROM campaign_runner.accounts WHERE digest = %s FOR UPDATE"
            await keeper.execute(row, (machines.account,))
            await journal.record([contract.accepted(attempt)], answers=[permit])
            await journal.catch_up()
            assert list(states(journal).values()) == [State.ACCEPTED] and not untold(machines.home)
        await quota.settle(permit)
        assert await is_answered(database, permit)


async def contract_epoch(machines: Machines) -> int:
    """The holder of the campaign is taken over."""
    async with (
        machines.database() as database,
        Lease(database, await machines.campaign(database), lost=lambda why: None, seconds=0.001) as lease,
    ):
        return lease.epoch


async def test_every_machine_reads_the_same(machines: Machines) -> None:
    async with machines.database() as database, machines.journal(database) as writing:
        for some in batched(range(600), 100):
            attempts = [one(f"a{number}", number) for number in some]
            await writing.intend(attempts)
            await writing.record([contract.accepted(each) for each in attempts])
        async with machines.journal(database, epoch=writing._epoch) as reading:  # more than one page
            assert states(reading) == states(writing) and len(states(reading)) == 600
            refuse_damage(reading._path)


@pytest.mark.parametrize("damage", ["cut", "foreign", "gone", "of another campaign"])
async def test_a_copy_that_is_none_is_made_again(damage: str, machines: Machines) -> None:
    own = machines.home / "copy"
    async with machines.database() as database:
        campaign, other = await machines.campaign(database), await machines.campaign(database, "other")
        for each in (other, campaign):
            async with machines.journal(database, each.prefix.rpartition("/")[2]) as journal:
                await journal.intend([one("a", 1)])
                await journal.record([doubt(one("a", 1))])
        async with FleetJournal(database, other, epoch=1, folder=own, home=own):
            """Its copy is left."""
        spoil(own / FILE, damage)
        async with FleetJournal(database, campaign, epoch=1, folder=own, home=own) as journal:
            assert list(states(journal).values()) == [State.IN_DOUBT]


def spoil(file: Path, damage: str) -> None:
    match damage:
        case "cut":
            os.truncate(file, file.stat().st_size // 2)
        case "foreign":
            file.write_bytes(b"something else")
        case "gone":
            file.unlink()


async def test_a_copy_that_knows_more_than_the_database_says_that_it_was_restored(machines: Machines) -> None:
    """A snapshot put back is the same server with the same tables: only who was there can tell."""
    async with machines.database() as database, machines.journal(database) as journal:
        await journal.intend([one("a", 1)])
        campaign = await machines.campaign(database)
        for query in (
            f"DELETE FROM campaign_runner.entries WHERE campaign = {campaign.id} AND kind = 'submitting'",
            f"UPDATE campaign_runner.campaigns SET last_seq = 1 WHERE id = {campaign.id}",
        ):
            machines.server.execute(machines.database_name, query)
        with pytest.raises(IntegrityError, match="--after-restore"):
            await journal.refresh()


async def test_an_entry_that_was_deleted_is_noticed(machines: Machines) -> None:
    async with machines.database() as database, machines.journal(database) as journal:
        await journal.intend([one("a", 1), one("b", 2)])
        campaign = await machines.campaign(database)
        query = f"DELETE FROM campaign_runner.entries WHERE campaign = {campaign.id} AND seq = 2"
        machines.server.execute(machines.database_name, query)
        with pytest.raises(IntegrityError, match="missing"):
            async with machines.journal(database, epoch=journal._epoch):
                pass


async def test_who_is_taken_over_is_told(machines: Machines) -> None:
    told: asyncio.Future[Busy] = asyncio.get_running_loop().create_future()
    async with machines.database() as database:
        campaign = await machines.campaign(database)
        async with Lease(database, campaign, lost=told.set_result, seconds=0.1):
            machines.server.execute(
                machines.database_name, f"UPDATE campaign_runner.campaigns SET holder = NULL WHERE id = {campaign.id}"
            )
            async with Lease(database, campaign, lost=lambda why: None):
                assert "took this campaign over" in str(await told)


async def test_who_was_taken_over_is_told_also_where_nothing_is_asked_for(machines: Machines) -> None:
    async with machines.database() as database, machines.journal(database) as old, machines.journal(database):
        with pytest.raises(Busy, match="took this campaign over"):
            await old.intend(())


async def test_what_a_person_gave_up_is_taken_back_as_it_was(machines: Machines) -> None:
    """By what the copy says, which is read again where the database has news."""
    async with machines.database() as database, machines.journal(database) as journal:
        attempts = [one("a", 1), one("b", 2)]
        keys = [attempt.job.keys[0] for attempt in attempts]
        await journal.intend(attempts)
        await journal.record([doubt(attempts[0]), contract.accepted(attempts[1]), contract.failed(attempts[1])])
        async with machines.journal(database, epoch=journal._epoch) as other:
            await other.decide(PERSON, keys, states=(State.IN_DOUBT, State.FAILED), into=State.ABANDONED)
            assert await journal.take_back(PERSON, keys) == 2
            assert list(states(journal).values()) == [State.IN_DOUBT, State.FAILED]
            assert await journal.take_back(PERSON, keys) == 0
