"""The help of a command: a short first page, a whole second one; and one option for what is accepted."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from campaign_runner.cli import COMMANDS
from tests.campaigns import SPRING
from tests.cli.typed import Ask

RARE = ("--concurrency", "--per-minute", "--per-day", "--max-requests", "--accept-drift", "--log-format")


@pytest.mark.parametrize("command", ["run", "rerun"])
def test_help_leaves_out_what_hardly_anyone_needs_and_help_all_shows_it(command: str, ask: Ask) -> None:
    short, whole, again = (ask(command, option) for option in ("--help", "--help-all", "--help"))
    assert (short.status, whole.status) == (0, 0)
    for option in RARE:
        assert option not in short.out and option in whole.out
    assert "--help-all" in short.out and "more options and exit" in short.out
    assert again.out == short.out


@pytest.mark.parametrize("command", ["", *sorted(name for names in COMMANDS.values() for name in names)])
def test_every_command_takes_help_all(command: str, ask: Ask) -> None:
    words = [command] if command else []
    short, whole = ask(*words, "--help"), ask(*words, "--help-all")
    assert (short.status, whole.status, whole.err) == (0, 0, "")
    left_out = {line for line in whole.out.splitlines() if line not in short.out.splitlines()}
    assert command in ("run", "rerun", "sandbox") or "--help-all" not in short.out
    assert bool(left_out) >= ("--help-all" in short.out)


def test_rare_options_work_as_the_others(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "spring.yaml").write_text(SPRING, encoding="utf-8")
    assert ask("run", "--sandbox", "spring.yaml", "--max-requests", "1", "--no-review").status == 9


@pytest.mark.parametrize("words", ["changes", "drift", "changes,drift", "changes, drift"])
def test_what_is_accepted_is_said_in_one_option(words: str, ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "spring.yaml").write_text(SPRING, encoding="utf-8")
    assert ask("run", "--sandbox", "spring.yaml", "--accept", words, "--quiet").status == 0


def test_a_word_that_cannot_be_accepted_is_answered_with_the_nearest(ask: Ask) -> None:
    said = ask("run", "spring.yaml", "--accept", "drfit")
    assert said.status == 2 and "'drfit' cannot be accepted; did you mean 'drift'?" in said.err
    assert "'changes' cannot be accepted" in ask("rerun", "spring", "--accept", "changes").err


def test_what_a_command_imports_is_not_looked_through_again(ask: Ask) -> None:
    before = gc.get_freeze_count()  # what the tests have imported, which stays so
    usual = gc.get_threshold()
    gc.disable()  # as the process begins
    try:
        assert ask("channels").status == 0
        assert gc.isenabled() and gc.get_freeze_count() > before and gc.get_threshold() > usual
    finally:
        gc.set_threshold(*usual)
        gc.enable()
