"""What a quota in a shared file promises beyond the port: real processes, their deaths, and its file."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaign_runner.errors import IntegrityError, StoreError
from campaign_runner.ports import Allowance, Permit, Wait
from campaign_runner.quota.request_log import seconds_until
from campaign_runner.quota.senders import Sender
from campaign_runner.quota.shared_quota import QuotaLimits, SharedQuota, account_of
from campaign_runner.uptime import Uptime, uptime

LIMITS = QuotaLimits(per_minute=3, per_day=100)
ACCOUNT = account_of("https://firefly-api.adobe.io", "client")
NOW = 1_790_000_000.0


def quota_at(folder: Path, seconds: float = 0.0, account: str = ACCOUNT) -> SharedQuota:
    """The quota of a process that asks `seconds` after the first."""
    return SharedQuota(folder, account, limits=LIMITS, clock=lambda: NOW + seconds)


def in_another_process(folder: Path, body: str) -> subprocess.Popen[str]:
    """Run `body`, where `quota` is the quota, in a process of its own; it ends as it likes."""
    program = f"""
import asyncio, os, sys
from pathlib import Path
from campaign_runner.ports import Permit
from campaign_runner.quota.shared_quota import QuotaLimits, SharedQuota

async def main():
    quota = SharedQuota(Path({str(folder)!r}), {ACCOUNT!r}, limits=QuotaLimits(3, 100), clock=lambda: {NOW})
{textwrap.indent(textwrap.dedent(body), "    ")}
asyncio.run(main())
"""
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)


def killed_while_sending(folder: Path) -> None:
    program = in_another_process(folder, "await quota.acquire()\nos.kill(os.getpid(), 9)")
    program.communicate()
    assert program.returncode == -9


async def test_a_killed_process_counts_as_if_its_request_arrived_a_minute_later(tmp_path: Path) -> None:
    for _ in range(3):
        killed_while_sending(tmp_path)
    assert await quota_at(tmp_path).acquire() == Wait(120.0, "minute")
    assert await quota_at(tmp_path, 70).acquire() == Wait(50.0, "minute")
    assert (await quota_at(tmp_path, 119).allowance()).used_minute == 3
    assert isinstance(await quota_at(tmp_path, 120).acquire(), Permit)


async def test_a_clock_set_back_does_not_make_the_dead_count_longer(tmp_path: Path) -> None:
    for _ in range(3):
        killed_while_sending(tmp_path)
    assert await quota_at(tmp_path, -50_000).acquire() == Wait(120.0, "minute")


async def test_a_killed_process_is_forgotten_after_a_day(tmp_path: Path) -> None:
    killed_while_sending(tmp_path)
    assert (await quota_at(tmp_path, 86_400).allowance()).used_day == 1
    assert (await quota_at(tmp_path, 86_462).allowance()).used_day == 0
    assert rows(tmp_path) == 0


async def test_a_dead_process_whose_parent_has_not_looked_is_dead(tmp_path: Path) -> None:
    with in_another_process(tmp_path, "await quota.acquire(); print(os.getpid(), flush=True)") as program:
        assert program.stdout is not None
        id = int(program.stdout.readline())
        wait_for_its_end(id)
        assert await quota_at(tmp_path, 61).allowance() == Allowance(3, 100, 1, 1)
        assert await quota_at(tmp_path, 120).allowance() == Allowance(3, 100, 0, 1)


async def test_a_living_process_counts_as_long_as_it_lives(tmp_path: Path) -> None:
    body = "await quota.acquire(); print('asked', flush=True); sys.stdin.read()"
    with in_another_process(tmp_path, body) as program:
        assert program.stdout is not None
        program.stdout.readline()
        assert (await quota_at(tmp_path, 50_000).allowance()).used_minute == 1
        program.communicate("")
        assert (await quota_at(tmp_path, 50_000).allowance()).used_minute == 0


async def test_a_later_process_of_the_same_id_is_not_the_dead_one(tmp_path: Path) -> None:
    await quota_at(tmp_path).acquire()
    with closing(sqlite3.connect(tmp_path / "quota.sqlite")) as connection:
        connection.execute("UPDATE sent SET sender_started = sender_started - 1")
        connection.commit()
    assert (await quota_at(tmp_path, 120).allowance()).used_minute == 0


@given(st.floats(0, 4e9), st.floats(0, 4e9))
@example(38.1, 106.8)  # 38.1 + (106.8 - 38.1) < 106.8
def test_who_waits_as_long_as_told_is_not_too_early_by_a_rounding(now: float, moment: float) -> None:
    assert now + seconds_until(moment, now) >= moment
    assert seconds_until(moment, now) <= max(0.0, moment - now) + 1e-6


def test_this_process_lives_and_an_unknown_one_does_not() -> None:
    assert Sender.this().is_alive()
    assert not Sender(2**22 + 1, 0).is_alive()


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_every_system_knows_that_this_process_lives(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert Sender.this().is_alive()
    assert not Sender(2**22 + 1, 0).is_alive()


def test_a_process_of_somebody_else_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(process: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(os, "kill", forbidden)
    assert Sender(1, 0).is_alive()


async def test_who_is_cancelled_while_told_to_wait_gives_nothing_back(tmp_path: Path) -> None:
    quota = SharedQuota(tmp_path, "account", limits=QuotaLimits(per_minute=1))
    assert isinstance(await quota.acquire(), Permit)
    asking = asyncio.create_task(quota.acquire())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await quota.allowance()).used_day == 1


def ask_twenty_times(folder: Path) -> subprocess.Popen[str]:
    return in_another_process(
        folder, "print(sum([isinstance(await quota.acquire(), Permit) for _ in range(20)])); sys.stdin.read()"
    )


def test_two_processes_at_once_share_one_allowance(tmp_path: Path) -> None:
    with ask_twenty_times(tmp_path) as one, ask_twenty_times(tmp_path) as two:
        assert one.stdout is not None
        assert two.stdout is not None
        assert int(one.stdout.readline()) + int(two.stdout.readline()) == 3
        one.communicate("")
        two.communicate("")


async def test_while_it_is_kept_open_it_is_shared_all_the_same(tmp_path: Path) -> None:
    async with quota_at(tmp_path) as one, quota_at(tmp_path) as two:
        answers = await asyncio.gather(*(quota.acquire() for quota in (one, two) * 5))
        permits = [answer for answer in answers if isinstance(answer, Permit)]
        assert len(permits) == 3
        await asyncio.gather(one.give_back(permits[0]), two.settle(permits[1]))
        assert (await one.allowance()).used_minute == 2
        later = await asyncio.gather(*(quota.acquire() for quota in (one, two) * 5))
        assert sum(isinstance(answer, Permit) for answer in later) == 1
    assert (await quota_at(tmp_path).allowance()).used_minute == 3


async def test_old_rows_of_every_account_are_removed(tmp_path: Path) -> None:
    for account in ("first", "second", "third"):
        permit = await quota_at(tmp_path, account=account).acquire()
        assert isinstance(permit, Permit)
        await quota_at(tmp_path, account=account).settle(permit)
    await quota_at(tmp_path, 90_000, account="second").allowance()
    assert rows(tmp_path) == 0


@pytest.mark.parametrize(
    ("origin", "client"),
    [
        ("https://firefly-api.adobe.io", "other"),
        ("http://127.0.0.1:8765", "client"),
        ("https://firefly-api.adobe.ioc", "lient"),
    ],
)
async def test_another_account_has_an_allowance_of_its_own(origin: str, client: str, tmp_path: Path) -> None:
    for _ in range(3):
        await quota_at(tmp_path).acquire()
    assert isinstance(await quota_at(tmp_path, account=account_of(origin, client)).acquire(), Permit)


async def test_who_is_allowed_less_waits_for_what_the_others_sent(tmp_path: Path) -> None:
    generous = quota_at(tmp_path)
    for _ in range(2):
        permit = await generous.acquire()
        assert isinstance(permit, Permit)
        await generous.settle(permit)
    await generous.acquire()
    modest = SharedQuota(tmp_path, ACCOUNT, limits=QuotaLimits(per_minute=1), clock=lambda: NOW)
    assert await modest.acquire() == Wait(60.0, "minute")  # the unanswered one cannot help by being given back


async def test_neither_client_nor_origin_stands_in_the_file(tmp_path: Path) -> None:
    await quota_at(tmp_path).acquire()
    content = contents(tmp_path / "quota.sqlite")
    assert ACCOUNT.encode() in content
    assert b"client" not in content
    assert b"adobe" not in content


async def test_folder_and_file_are_private_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        await quota_at(tmp_path / "state").acquire()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / "quota.sqlite").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["quota.sqlite"]


async def test_old_rows_are_removed(tmp_path: Path) -> None:
    for day in range(5):
        quota = quota_at(tmp_path, day * 90_000)
        permit = await quota.acquire()
        assert isinstance(permit, Permit)
        await quota.settle(permit)
    assert rows(tmp_path) == 1


async def test_a_state_folder_that_cannot_be_written_is_told(
    tmp_path: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    make_unwritable(tmp_path)
    with pytest.raises(StoreError, match="no permission"), as_nobody():
        await quota_at(tmp_path / "state").acquire()


async def test_a_quota_file_that_became_read_only_is_told(small_disk: Callable[[str], Path]) -> None:
    disk = small_disk("size=1m")
    await quota_at(disk).acquire()
    make_read_only(disk)
    with pytest.raises(StoreError):
        await quota_at(disk).acquire()


async def test_a_full_disk_is_told_and_nothing_is_granted(
    tmp_path: Path, file_size_limit: Callable[[int], AbstractContextManager[None]]
) -> None:
    await quota_at(tmp_path).allowance()
    with pytest.raises(StoreError), file_size_limit(4096):
        await quota_at(tmp_path).acquire()
    assert (await quota_at(tmp_path).allowance()).used_day == 0


async def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    await quota_at(tmp_path).acquire()
    with closing(sqlite3.connect(tmp_path / "quota.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 4")
    before = contents(tmp_path / "quota.sqlite")
    with pytest.raises(IntegrityError, match="newer"):
        await quota_at(tmp_path).acquire()
    assert contents(tmp_path / "quota.sqlite") == before


async def test_what_is_no_quota_file_is_told_and_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "quota.sqlite", b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(IntegrityError):
        await quota_at(tmp_path).acquire()
    assert contents(tmp_path / "quota.sqlite").startswith(b"not a database")


def contents(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def make_unwritable(folder: Path) -> None:
    folder.chmod(0o555)


def wait_for_its_end(process: int) -> None:
    """Until it is dead, leaving it for its parent to find."""
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)


def make_read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)


def rows(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "quota.sqlite")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM sent").fetchone()
        return int(count)


@dataclass
class Machine:
    """A machine whose wall clock somebody sets."""

    boot: str = "first"
    up: float = 100.0
    wall: float = NOW

    def pass_(self, seconds: float) -> None:
        self.up += seconds
        self.wall += seconds

    def quota(self, folder: Path) -> SharedQuota:
        return SharedQuota(
            folder,
            ACCOUNT,
            limits=QuotaLimits(3, 100),
            clock=lambda: self.wall,
            uptime=lambda: Uptime(self.boot, self.up),
        )


async def used_up(machine: Machine, folder: Path) -> None:
    for _ in range(3):
        permit = await machine.quota(folder).acquire()
        assert isinstance(permit, Permit)
        await machine.quota(folder).settle(permit)


@pytest.mark.parametrize("by", [-86_400.0, -30.0, 30.0, 3600.0])
async def test_a_wall_clock_that_was_set_gave_the_allowance_anew(tmp_path: Path, by: float) -> None:
    machine = Machine()
    await used_up(machine, tmp_path)
    machine.pass_(20)
    machine.wall += by
    assert await machine.quota(tmp_path).acquire() == Wait(40.0, "minute")
    machine.pass_(40)
    assert isinstance(await machine.quota(tmp_path).acquire(), Permit)


async def test_over_a_restart_of_the_machine_the_wall_clock_is_believed(tmp_path: Path) -> None:
    machine = Machine()
    await used_up(machine, tmp_path)
    machine.boot, machine.up, machine.wall = "second", 5.0, machine.wall + 20
    assert await machine.quota(tmp_path).acquire() == Wait(40.0, "minute")


async def test_a_log_of_before_there_was_an_uptime_is_read(tmp_path: Path) -> None:
    machine = Machine()
    await used_up(machine, tmp_path)
    with closing(sqlite3.connect(tmp_path / "quota.sqlite")) as log:
        log.executescript("DROP TABLE machine; PRAGMA user_version = 1")
    machine.pass_(20)
    assert await machine.quota(tmp_path).acquire() == Wait(40.0, "minute")


def test_the_uptime_of_this_machine_grows() -> None:
    before, after = uptime(), uptime()
    if before is None:  # not Linux
        assert after is None
    else:
        assert after is not None and before.boot == after.boot and before.seconds <= after.seconds
