"""What a fleet asks of its database, and what comes of one that is gone, restored, promoted or not to be trusted."""

from __future__ import annotations

import logging
import re
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from campaign_runner.errors import CampaignError, IntegrityError, StoreError, UsageError
from campaign_runner.fleet.database import Database, DatabaseGone, DatabaseSettings, refused
from campaign_runner.fleet.quota import FleetQuota
from campaign_runner.fleet.setup import CALLED, PLANNED, prepare
from campaign_runner.model import State
from campaign_runner.ports import Permit
from tests.fleet import postgres
from tests.fleet.machines import Machines, one, states
from tests.fleet.opened_journal import taken

pytestmark = pytest.mark.proof
SECRET = "hunter2-canary"
PACKAGE = Path(postgres.__file__).parents[2] / "campaign_runner" / "fleet"


@pytest.fixture
def database_name(fleet: postgres.Fleet) -> str:
    return fleet.server.prepared_database(fleet.prepared)


@pytest.fixture
def machines(fleet: postgres.Fleet, database_name: str, tmp_path: Path) -> Machines:
    return Machines(fleet.server, database_name, tmp_path)


def role(fleet: postgres.Fleet, rights: str = "") -> str:
    """A new role that is no superuser."""
    name = f"r{uuid.uuid4().hex[:8]}"
    fleet.server.execute("postgres", f"CREATE ROLE {name} LOGIN {rights}")
    return name


def as_role(fleet: postgres.Fleet, name: str, database: str) -> DatabaseSettings:
    return DatabaseSettings.of(f"host={fleet.server.folder} user={name} dbname={database}")


async def refusal(settings: DatabaseSettings) -> CampaignError:
    """Why no connection is had."""
    with pytest.raises(CampaignError) as raised:
        async with Database(settings, patience=0.1):
            pass
    return raised.value


async def test_every_function_that_writes_is_on_the_disk_when_it_returns(fleet: postgres.Fleet) -> None:
    called = {*CALLED} - {"note"}  # it calls `tell`
    query = "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'campaign_runner'::regnamespace"
    with psycopg.connect(fleet.server.url(fleet.shared)) as connection:
        functions: dict[str, str] = dict(connection.execute(query).fetchall())
    writing = {name for name in called if re.search("INSERT|UPDATE|DELETE|append|tick", functions[name])}
    assert {name for name in writing if "durably()" not in functions[name]} == set()


def test_whatever_is_called_has_its_owners_rights_and_looks_nowhere_else(fleet: postgres.Fleet) -> None:
    sources = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    assert {*re.findall(r'(?:\.call|_ask)\(\s*"(\w+)"', sources)} <= {*CALLED}
    query = "SELECT proname, proconfig FROM pg_proc WHERE pronamespace = 'campaign_runner'::regnamespace AND prosecdef"
    with psycopg.connect(fleet.server.url(fleet.shared)) as connection:
        found: dict[str, list[str]] = dict(connection.execute(query).fetchall())
    settings = ["search_path=campaign_runner, pg_temp", *(each.replace(" ", "") for each in PLANNED)]
    assert found == dict.fromkeys(CALLED, settings)


def test_the_setting_is_on_at_the_commit_even_where_a_connection_turned_it_off(fleet: postgres.Fleet) -> None:
    with psycopg.connect(fleet.server.url(fleet.shared), options="-c synchronous_commit=off") as connection:
        settings = '{"minute": 60, "day": 86400, "arrives": 6}'
        connection.execute("SELECT campaign_runner.acquire(%s, gen_random_uuid(), %s)", (uuid.uuid4().hex, settings))
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


async def test_a_database_that_is_not_prepared_is_named(fleet: postgres.Fleet) -> None:
    error = await refusal(fleet.server.settings(fleet.server.new_database()))
    assert isinstance(error, IntegrityError) and "fleet init" in str(error)


async def test_another_version_of_the_tables_sends_nothing(fleet: postgres.Fleet, database_name: str) -> None:
    fleet.server.execute(database_name, "UPDATE campaign_runner.meta SET value = '99' WHERE name = 'version'")
    error = await refusal(fleet.server.settings(database_name))
    assert isinstance(error, IntegrityError) and "fleet init" in str(error)


async def test_init_again_changes_nothing(fleet: postgres.Fleet, machines: Machines) -> None:
    before = await prepare(machines.settings)
    assert await prepare(machines.settings) == before
    async with machines.database() as database:
        assert database.identity == before


@pytest.mark.parametrize(
    ("setting", "words"), [("ALTER SYSTEM SET fsync = {}", "fsync"), ("", "read")], ids=["fsync", "standby"]
)
async def test_init_refuses_what_may_forget(
    setting: str, words: str, fleet: postgres.Fleet, database_name: str
) -> None:
    try:
        if setting:
            fleet.server.execute("postgres", setting.format("off"))
        else:
            fleet.server.execute("postgres", f"ALTER DATABASE {database_name} SET default_transaction_read_only = on")
        fleet.server.execute("postgres", "SELECT pg_reload_conf()")
        await_setting(fleet, database_name, bool(setting))
        with pytest.raises(StoreError, match=words):
            await prepare(fleet.server.settings(database_name))
    finally:
        fleet.server.execute("postgres", "ALTER SYSTEM RESET fsync")
        fleet.server.execute("postgres", "SELECT pg_reload_conf()")


def await_setting(fleet: postgres.Fleet, database_name: str, wanted: bool) -> None:
    """Until new connections have the setting: the server reads its files by and by."""
    while wanted:
        with psycopg.connect(fleet.server.url(database_name)) as connection:
            if connection.execute("SHOW fsync").fetchone() == ("off",):
                return


def restored_dump(fleet: postgres.Fleet, name: str, place: Path) -> str:
    """Another database, made of a dump."""
    dump, programs, restored = place / "dump.sql", postgres.programs(), fleet.server.new_database()
    subprocess.run([programs / "pg_dump", "-f", dump, fleet.server.url(name)], check=True)
    command = [str(programs / "psql"), "-q", "-v", "ON_ERROR_STOP=1", "-f", str(dump), fleet.server.url(restored)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return restored


async def test_a_restored_dump_sends_nothing_until_a_person_looked(
    fleet: postgres.Fleet, machines: Machines, tmp_path: Path
) -> None:
    async with machines.database() as database, machines.journal(database) as journal:
        await journal.intend([one("a", 1)])
    restored = restored_dump(fleet, machines.database_name, tmp_path)
    settings = fleet.server.settings(restored)
    for error in (await refusal(settings), await refusal_of_init(settings)):
        assert isinstance(error, IntegrityError) and "--after-restore" in str(error)
    assert (await prepare(settings, after_restore=True)).restored == 1
    later = Machines(fleet.server, restored, tmp_path, machines.account)
    async with later.database() as database:
        campaign = await later.campaign(database)
        assert campaign.state == "held"
        async with later.journal(database) as journal:
            assert list(states(journal).values()) == [State.IN_DOUBT]
            with pytest.raises(IntegrityError, match="--release"):
                await journal.intend([one("b", 2)])
            await database.call("release", campaign.id)
            assert await journal.intend([one("c", 2)])


async def refusal_of_init(settings: DatabaseSettings) -> CampaignError:
    with pytest.raises(CampaignError) as raised:
        await prepare(settings)
    return raised.value


@pytest.fixture
def promoted(fleet: postgres.Fleet) -> Iterator[postgres.PostgresServer]:
    """A copy of the server that took over."""
    with postgres.server_folder() as folder:
        data, programs = str(folder / "data"), postgres.programs()
        where = ("-h", str(fleet.server.folder), "-U", postgres.USER)
        postgres.run_as_owner(str(programs / "pg_basebackup"), *where, "-R", "-c", "fast", "-D", data)
        settings = folder / "data" / "postgresql.conf"
        settings.write_text(settings.read_text() + f"unix_socket_directories = '{folder}'\n")
        server = postgres.PostgresServer(folder, fleet.server.numbers)
        server.start()
        postgres.run_as_owner(str(programs / "pg_ctl"), "-s", "-w", "-D", data, "promote")
        yield server


async def test_a_standby_that_took_over_sends_nothing(
    fleet: postgres.Fleet, database_name: str, promoted: postgres.PostgresServer
) -> None:
    async with Database(fleet.server.settings(fleet.shared)):
        """The one before goes on."""
    error = await refusal(promoted.settings(fleet.shared))
    assert isinstance(error, IntegrityError) and "another server took over" in str(error)


async def test_an_owner_and_workers_need_no_more_than_their_rights(fleet: postgres.Fleet) -> None:
    owner, worker = role(fleet), role(fleet)
    name = fleet.server.new_database()
    fleet.server.execute("postgres", f"ALTER DATABASE {name} OWNER TO {owner}")
    await prepare(as_role(fleet, owner, name))
    error = await refusal(as_role(fleet, worker, name))
    assert error.exit_code == 6
    fleet.server.execute(name, f"GRANT USAGE ON SCHEMA campaign_runner TO {worker}")
    fleet.server.execute(name, f"GRANT SELECT ON ALL TABLES IN SCHEMA campaign_runner TO {worker}")
    async with Database(as_role(fleet, worker, name)) as database:
        assert isinstance(await FleetQuota(database, uuid.uuid4().hex).acquire(), Permit)
        with pytest.raises(StoreError):
            await database.within(1.0, lambda connection: connection.execute("DELETE FROM campaign_runner.permits"))


async def test_a_wrong_password_is_6_and_is_in_no_word(fleet: postgres.Fleet, database_name: str) -> None:
    name = role(fleet, "PASSWORD 'another'")
    rules = fleet.server.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    try:
        rules.write_text(f"local all {name} scram-sha-256\n{before}")
        fleet.server.execute("postgres", "SELECT pg_reload_conf()")
        url = f"postgresql://{name}:{SECRET}@/{database_name}?host={fleet.server.folder}"
        settings = DatabaseSettings.of(url)
        error = await refusal(settings)
    finally:
        rules.write_text(before)
        fleet.server.execute("postgres", "SELECT pg_reload_conf()")
    assert error.exit_code == 6 and "CAMPAIGN_RUNNER_DATABASE_URL" in str(error)
    assert SECRET not in f"{error!r} {error} {error.__cause__!r} {settings!r}"


async def test_a_database_that_does_not_exist_is_6(fleet: postgres.Fleet) -> None:
    assert (await refusal(fleet.server.settings("nowhere"))).exit_code == 6


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ('FATAL: password authentication failed for user "me"', 6),
        ('FATAL: database "nowhere" does not exist', 6),
        ("failed to resolve host 'db': [Errno -2] Name or service not known", 6),
        ("server does not support SSL, but SSL was required", 6),
        ("SSL error: certificate verify failed", 6),
        ("failed to resolve host 'db': [Errno -3] Temporary failure in name resolution", 8),
        ("SSL connection has been closed unexpectedly", 8),
        ("connection refused. Is the server running on that host?", 8),
        ('connection to server on socket "/x/.s.PGSQL.5432" failed: No such file or directory', 8),
        ("FATAL: the database system is starting up", 8),
    ],
)
def test_what_passes_by_itself_is_waited_for_and_what_a_person_must_mend_is_not(words: str, code: int) -> None:
    assert refused(psycopg.OperationalError(words)).exit_code == code


def test_a_host_that_the_environment_names_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.com")
    told = psycopg.conninfo.conninfo_to_dict(DatabaseSettings.of("postgresql:///d").conninfo.reveal())
    assert told.get("sslmode") == "verify-full"


def test_an_address_that_cannot_be_read_is_a_mistake_and_is_not_repeated() -> None:
    with pytest.raises(UsageError) as raised:
        DatabaseSettings.of(f"postgresql://me:{SECRET}%zz@h/d")
    assert SECRET not in f"{raised.value} {raised.value.__cause__!r}"


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://me@db.example.com/d", "verify-full"),
        ("postgresql://me@db.example.com/d?sslmode=require", "require"),
        ("postgresql://me@127.0.0.1,db.example.com/d", "verify-full"),
        ("postgresql://me@127.0.0.1/d", None),
        ("postgresql://me@[::1]/d", None),
        ("postgresql://me@localhost/d", None),
        ("postgresql:///d?host=/run/postgresql", None),
        ("postgresql:///d", None),
        ("postgresql:///d?hostaddr=192.0.2.7", "verify-full"),
        ("postgresql://localhost/d?hostaddr=192.0.2.7", "verify-full"),
        ("postgresql:///d?hostaddr=127.0.0.1", None),
    ],
)
def test_the_certificate_is_checked_but_on_this_machine(url: str, mode: str | None) -> None:
    told = psycopg.conninfo.conninfo_to_dict(DatabaseSettings.of(url).conninfo.reveal())
    assert told.get("sslmode") == mode


async def test_a_database_that_is_gone_is_waited_for_and_the_same_call_goes_on(machines: Machines) -> None:
    async with machines.database(patience=30.0) as database:
        quota = FleetQuota(database, machines.account)
        assert isinstance(await quota.acquire(), Permit)
        machines.server.stop()
        with pytest.raises(DatabaseGone) as gone:
            await database.call("give_back", machines.account, 1, patience=0.2)
        assert gone.value.exit_code == 8
        machines.server.start()
        assert isinstance(await quota.acquire(), Permit)
        assert (await quota.allowance()).used_minute == 2


async def test_what_the_library_says_of_a_broken_connection_is_not_printed(machines: Machines) -> None:
    async with machines.database():
        assert any(isinstance(each, logging.NullHandler) for each in logging.getLogger("psycopg").handlers)


async def test_who_stops_inside_an_intent_keeps_nobody_waiting(machines: Machines) -> None:
    """A client that is suspended after it asked, and never reads the answer: the lock ended with the function."""
    async with machines.database() as database:
        campaign = await machines.campaign(database)
        epoch = await taken(database, campaign)
        with psycopg.connect(machines.server.url(machines.database_name), autocommit=True) as stopped:
            values = f"{campaign.id}, gen_random_uuid(), {epoch}, 'w', 0, '[]', '{{}}'"
            stopped.pgconn.send_query(f"SELECT campaign_runner.intend({values})".encode())
            async with machines.journal(database, "summer") as summer:
                assert await summer.intend([one("b", 2)])
            stopped.pgconn.finish()
