"""The guard fires: before anything leaves, in every process, and whatever becomes of its error."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import aiohttp
import pytest

from campaign_runner.cli.environment import Environment
from tests.guard import guarding

ELSEWHERE = "192.0.2.1"
"""An address that is nobody's: it is kept for documentation."""
INNER = f"""
import contextlib, socket, subprocess, sys
import pytest

ATTEMPT = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('{ELSEWHERE}', 9))"

def test_loud():
    exec(ATTEMPT)

def test_swallowed():
    with contextlib.suppress(OSError), socket.socket() as end:
        end.connect(("{ELSEWHERE}", 9))

def test_in_a_process_of_its_own():
    subprocess.run([sys.executable, "-c", ATTEMPT], stderr=subprocess.DEVNULL)

def test_innocent():
    pass

@pytest.fixture(scope="module")
def careless():
    yield
    with contextlib.suppress(OSError):
        socket.getaddrinfo("nobody.example", 9)

def test_in_a_fixture_of_the_module(careless):
    pass

"""


def udp(host: str) -> None:
    """Were it not refused, nothing would leave either: connecting such a socket sends nothing."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as end:
        end.connect((host, 9))


def udp6(host: str) -> None:
    with closing(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as end:
        end.connect((host, 9))


@pytest.mark.parametrize(
    ("attempt", "argument"),
    [
        (udp, ELSEWHERE),
        (udp, "0.0.0.0"),
        (udp6, "::1"),
        (lambda name: socket.getaddrinfo(name, 80), "nobody.example"),
        (lambda name: socket.getaddrinfo(name, 80), "localhost"),
        (socket.gethostbyname, "nobody.example"),
    ],
)
def test_what_would_leave_is_refused_and_written_down(attempt: Callable[[str], object], argument: str) -> None:
    with guarding.expecting() as refused, pytest.raises(guarding.Refused, match="connect to 127"):
        attempt(argument)
    assert len(refused) == 1
    assert argument in refused[0]


async def test_the_http_library_is_guarded_by_address_and_by_name() -> None:
    with guarding.expecting() as refused:
        async with aiohttp.ClientSession() as session:
            for host in (ELSEWHERE, "nobody.example"):
                with pytest.raises(aiohttp.ClientConnectorError):
                    await session.get(f"http://{host}:9/")
    assert [line.split()[0] for line in refused] == ["socket.connect", "socket.getaddrinfo"]


async def test_this_machine_may_be_asked() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.2", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await reader.read() == b""
        writer.close()
    assert guarding.attempts() == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.255.0.2", b"127.0.0.1"])
def test_a_literal_address_of_this_machine_is_here(host: object) -> None:
    assert guarding.is_here(host)


@pytest.mark.parametrize(
    "host", ["127.1", "127.0.0.1.example", "127.0.0.256", "1270.0.0.1", "128.0.0.1", "localhost", "", "::1", None, 127]
)
def test_everything_else_is_elsewhere(host: object) -> None:
    assert not guarding.is_here(host)


def test_an_attempt_fails_the_suite_also_where_its_error_is_swallowed(tmp_path: Path) -> None:
    (tmp_path / "test_inner.py").write_text(INNER, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.guard.suite",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
        "-rA",
        ".",
    ]
    command.append("--color=no")  # whatever the environment asks for
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8")
    told = {line.split("::")[1].split()[0] for line in done.stdout.splitlines() if line.startswith(("ERROR", "FAILED"))}
    assert told == {"test_loud", "test_swallowed", "test_in_a_process_of_its_own", "test_in_a_fixture_of_the_module"}
    assert done.returncode == 1
    assert "socket.connect ('192.0.2.1', 9)" in done.stdout


def test_every_process_of_the_tests_is_guarded() -> None:
    code = f"import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('{ELSEWHERE}', 9))"
    with guarding.expecting() as refused, suppress(OSError):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert "guarding.Refused" in done.stderr
    assert len(refused) == 1


def test_the_folders_of_the_person_are_refused_in_every_process() -> None:
    """Also in one that was given no variable: there the program would use the person's."""
    uses = ("Path({}).mkdir()", "open({} + '/x')", "sqlite3.connect('file:' + {} + '/x', uri=True)")
    persons = os.environ[guarding.PERSONS].split(os.pathsep)
    tries = [f"with suppress(PermissionError): {use.format(repr(folder))}" for use in uses for folder in persons]
    begin = ["import os, sqlite3", "from contextlib import suppress", "from pathlib import Path", "os.environ.clear()"]
    with guarding.expecting() as refused:
        subprocess.run([sys.executable, "-c", "\n".join(begin + tries)], check=True)
    assert [line.split()[0] for line in refused] == ["os.mkdir"] * 2 + ["open"] * 2 + ["sqlite3.connect"] * 2


def test_the_program_uses_the_folders_of_the_suite_here_and_in_a_process_of_its_own() -> None:
    ask = "from campaign_runner.cli.environment import Environment as E; e = E.of_process()\n"
    ask += "print(e.state_folder, e.login_file.parent)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, encoding="utf-8", check=True)
    used = {*done.stdout.split(), str(Environment.of_process().state_folder)}
    assert not used & set(os.environ[guarding.PERSONS].split(os.pathsep))
    assert all(Path(folder).is_relative_to(Path(os.environ["XDG_STATE_HOME"]).parent) for folder in used)
