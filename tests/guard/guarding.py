"""No socket of the tests leads anywhere but to 127.0.0.0/8, no name is looked up, and what is the person's stays so.

The person is who runs the tests: the folders that the program would use for them are neither read nor written.
Python tells an audit hook of every connection, and of every file that is opened, before the system is asked for it, so
what is refused here never happened. It is refused with an error like that of the system, and written down: the code
under test may swallow the error, the test that made the attempt fails all the same (`suite.py`). Every Python that a
test starts finds `sitecustomize.py` beside this file and is guarded, too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RECORD = "TESTS_REFUSED_CONNECTIONS"
"""The variable that names the file of refused attempts, one a line, of a test process and all it starts."""
PERSONS = "TESTS_FOLDERS_OF_THE_PERSON"
"""The variable that names the folders which the program would use for the person who runs the tests."""
RULE = "the tests connect to 127.0.0.0/8 only, and use no folder of the person who runs them"
_OPENS = ("open", "os.mkdir", "sqlite3.connect")
_PLACE_OF_ADDRESS = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1}
_PLACE_OF_NAME = {"socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.gethostbyaddr": 0}
_stands = False
_record = ""
"""The file, kept here: a process may clear its environment."""
_persons: tuple[str, ...] = ()


class Refused(PermissionError):
    """A test wanted to connect to somewhere else, or to use what is the person's."""


def stand() -> None:
    """From now on, and for good, this process is guarded."""
    global _stands, _record, _persons
    _record = os.environ[RECORD]
    _persons = tuple(os.environ[PERSONS].split(os.pathsep))
    if not _stands:
        _stands = True
        sys.addaudithook(_look)


def is_here(host: object) -> bool:
    """Whether `host` is a literal address in 127.0.0.0/8: a name may be anybody's."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if not isinstance(text, str):
        return False
    parts = text.split(".")
    return parts[0] == "127" and len(parts) == 4 and all(p.isascii() and p.isdigit() and int(p) < 256 for p in parts)


def attempts() -> list[str]:
    """What was refused since they were last forgotten, in this process and those it started."""
    path = Path(_record)
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def forget() -> None:
    """Nothing was refused."""
    Path(_record).unlink(missing_ok=True)


@contextmanager
def expecting() -> Iterator[list[str]]:
    """For a test of the guard itself: what is refused inside is in the list afterwards, and fails nothing."""
    seen: list[str] = []
    yield seen
    seen += attempts()
    forget()


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _PLACE_OF_ADDRESS:
        address = arguments[_PLACE_OF_ADDRESS[event]]
        # A path is a socket of this machine; None is the end that is connected already.
        if isinstance(address, tuple) and not is_here(address[0]):
            _refuse(event, address)
    elif event in _PLACE_OF_NAME:
        host = arguments[_PLACE_OF_NAME[event]]
        if host is not None and not is_here(host):
            _refuse(event, host)
    elif event in _OPENS and isinstance(arguments[0], str) and arguments[0].removeprefix("file:").startswith(_persons):
        _refuse(event, arguments[0])


def _refuse(event: str, what: object) -> None:
    line = f"{event} {what!r} by process {os.getpid()}\n"
    with open(_record, "a", encoding="utf-8") as record:  # noqa: PTH123 - as little as possible in a hook
        record.write(line)
    raise Refused(f"{RULE}: {line.strip()}")
