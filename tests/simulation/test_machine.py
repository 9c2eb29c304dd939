"""How a process of the simulated machine dies: nothing of it runs any more, and nothing is tidied up."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.disk import sqlite
from campaign_runner.disk.files import write_durably
from campaign_runner.errors import StoreError
from campaign_runner.output_folder.folder import Folder
from campaign_runner.tasks import in_thread
from tests.simulation.disk import seen_by_processes
from tests.simulation.machine import Machine


def played(play: Any) -> Machine:
    """`play(machine)`, from its beginning until the machine is switched off."""
    machine = Machine()

    async def whole() -> None:
        await play(machine)
        await machine.switch_off()

    with asyncio.Runner(loop_factory=lambda: machine) as runner, seen_by_processes(machine):
        runner.run(whole())
    return machine


async def killed(machine: Machine, work: Coroutine[Any, Any, Any], **death: int) -> None:
    process = machine.process(**death)
    process.start(work)
    await process.died.wait()
    await asyncio.sleep(10)


@pytest.mark.parametrize("at_step", [1, 2, 3])
def test_a_killed_process_goes_on_at_no_await_and_cleans_up_nothing(at_step: int) -> None:
    done: list[str] = []

    async def work() -> None:
        try:
            done.append("began")
            await asyncio.sleep(1)
            done.append("went on")
            await asyncio.sleep(1)
        finally:
            done.append("cleaned up")

    async def play(machine: Machine) -> None:
        await killed(machine, work(), at_step=at_step)
        assert done == ["began", "went on"][: at_step - 1]

    played(play)


def test_tasks_of_a_killed_process_die_with_it(tmp_path: Path) -> None:
    done: list[int] = []

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(later(number))

    async def later(number: int) -> None:
        await asyncio.sleep(number)
        done.append(number)

    async def play(machine: Machine) -> None:
        await killed(machine, work(), at_step=6)
        assert done == [0]

    played(play)


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    async def work() -> None:
        with Folder(tmp_path).locked():
            await asyncio.sleep(3600)
            await asyncio.sleep(3600)

    async def play(machine: Machine) -> None:
        process = machine.process(at_step=2)
        process.start(work())
        await asyncio.sleep(1)
        assert Folder(tmp_path).is_held()
        await process.died.wait()
        assert not Folder(tmp_path).is_held()

    played(play)


def test_a_database_of_a_killed_process_stays_as_it_was_found(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"

    async def work() -> None:
        connection = sqlite.connect(path, wal=True)
        connection.execute("CREATE TABLE kept (number INTEGER)")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO kept VALUES (1)")
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO kept VALUES (2)")
        await asyncio.sleep(1)

    async def play(machine: Machine) -> None:
        await killed(machine, work(), at_step=2)

    played(play)
    assert path.with_name("record.sqlite-wal").stat().st_size > 0  # nobody tidied up
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT number FROM kept").fetchall() == [(1,)]
    connection.close()


def test_what_a_killed_process_was_talking_to_sees_the_end() -> None:
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())
        writer.close()

    async def work(port: int) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"half of it")
        await asyncio.sleep(1)
        writer.write(b"and the rest")

    async def play(machine: Machine) -> None:
        async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
            process = machine.process()
            process.start(work(server.sockets[0].getsockname()[1]))
            await asyncio.sleep(0.5)
            process.die()
            await asyncio.sleep(10)
            assert heard == [b"half of it"]

    played(play)


@pytest.mark.parametrize(("at_call", "left"), [(1, []), (2, []), (3, ["file"])])
def test_a_process_killed_at_a_call_to_the_disk_has_not_made_it(tmp_path: Path, at_call: int, left: list[str]) -> None:
    async def work() -> None:
        await in_thread(write_durably, tmp_path / "file", b"content")  # fsync, replace, fsync of the folder
        await in_thread(write_durably, tmp_path / "another", b"content")

    async def play(machine: Machine) -> None:
        await killed(machine, work(), at_call=at_call)

    played(play)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".tmp"] == left


def test_a_disk_is_full_for_a_while(tmp_path: Path) -> None:
    async def work() -> None:
        with pytest.raises(StoreError, match="the disk is full"):
            await in_thread(write_durably, tmp_path / "file", b"content")
        await in_thread(write_durably, tmp_path / "file", b"content")

    async def play(machine: Machine) -> None:
        process = machine.process()
        process.refused = range(1, 2)
        await process.start(work())

    assert played(play).seen["disk full"] == 1
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_connection_that_is_given_up_once_its_process_ended_is_counted_once() -> None:
    async def play(machine: Machine) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
            client.setblocking(False)
            process = machine.process()
            dialling = process.start(machine.sock_connect(client, server.getsockname()))
            await asyncio.sleep(0)
            assert process.connecting == [client]
            process.end()
            dialling.cancel()
            await asyncio.wait([dialling])
            assert not machine.is_at_work()

    played(play)
