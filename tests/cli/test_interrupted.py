"""Ctrl-C at a real terminal: at each question, and while a command is at work."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from tests.campaigns import SPRING
from tests.cli.conftest import PROGRAM, until_closed
from tests.cli.typed import Ask

QUESTIONS = (
    *("1. What is", "2. Which products", "3. Which custom model", "4. What do", "5. Which looks", "6. Which sizes"),
    "7. How many",
)
CTRL_C = b"\x03"
ONCE_MORE = 10.0
"""Seconds without an answer after which a person presses it again."""


def own_terminal() -> None:
    """In the child: its stdin is the terminal that its signals come from."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def interrupted(folder: Path, *arguments: str, after: str, typed: str = "", columns: int = 80) -> tuple[int, str]:
    """The exit status and the screen of a command, where Ctrl-C is pressed once `after` is shown."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=folder,
        env=os.environ | {"XDG_CONFIG_HOME": str(folder / "config")},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=own_terminal,
    ) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        while not (after.encode() in shown and shown.endswith(b": ")):
            shown += os.read(ours, 4096)
        os.write(ours, CTRL_C)
        while not select.select([ours], [], [], ONCE_MORE)[0]:  # it came just before the terminal was read
            os.write(ours, CTRL_C)
        shown += b"".join(until_closed(ours))
    os.close(ours)
    return process.returncode, shown.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=[] if number in (0, 6) else pytest.mark.proof) for number in range(7)]
)
def test_ctrl_c_at_a_question_of_init_writes_nothing(number: int, ask: Ask, tmp_path: Path) -> None:
    status, shown = interrupted(tmp_path, "init", after=QUESTIONS[number], typed="\n" * number)
    assert (status, shown.splitlines()[-1]) == (130, "cancelled; nothing was written")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("question", ["Client id", pytest.param("Client secret", marks=pytest.mark.proof)])
def test_ctrl_c_at_a_question_of_login_keeps_nothing(question: str, ask: Ask, tmp_path: Path) -> None:
    status, shown = interrupted(tmp_path, "login", after=question, typed="" if question == "Client id" else "me\n")
    assert (status, shown.splitlines()[-1]) == (130, "cancelled; nothing was changed")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_a_delivery_is_made_says_how_to_go_on(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted_at_work(*_: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "spring.yaml").write_text(f"{SPRING}channels: [instagram-story]\n", encoding="utf-8")
    assert ask("run", "--sandbox", "spring.yaml", "--no-review", "--quiet").status == 0
    monkeypatch.setattr("campaign_runner.cli.deliver._deliver", interrupted_at_work)
    said = ask("deliver", "spring", "--sandbox", "--all")
    assert (said.status, said.err.strip()) == (130, "stopped; to go on, run the same command again")
