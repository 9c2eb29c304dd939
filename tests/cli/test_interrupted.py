"""Ctrl-C at a real terminal: at each question, and while a command is at work."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from tests.campaigns import SPRING
from tests.cli.typed import Ask, on_terminal, status_of, until_closed

QUESTIONS = (
    *("1. What is", "2. Which products", "3. Which custom model", "4. What do", "5. Which looks", "6. Which sizes"),
    "7. How many",
)
CTRL_C = b"\x03"
ONCE_MORE = 10.0
"""Seconds without an answer after which a person presses it again."""


def interrupted(folder: Path, *arguments: str, after: str, typed: str = "") -> tuple[int, str]:
    """The exit status and the screen of a command, where Ctrl-C is pressed once `after` is shown."""
    with on_terminal(folder, *arguments, columns=80) as (process, ours):
        os.write(ours, typed.encode())
        shown = b""
        while not (after.encode() in shown and shown.endswith(b": ")):
            shown += os.read(ours, 4096)
        shown += answer_to_ctrl_c(ours) + until_closed(ours)
        return status_of(process), shown.decode().replace("\r\n", "\n")


def answer_to_ctrl_c(terminal: int) -> bytes:
    """What is shown after Ctrl-C, its echo first. One that falls between prompt and reading is pressed again."""
    os.write(terminal, CTRL_C)
    shown = b""
    while not shown.replace(b"^C", b"").strip():
        if select.select([terminal], [], [], ONCE_MORE)[0]:
            shown += os.read(terminal, 4096)
        else:
            os.write(terminal, CTRL_C)
    return shown


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
