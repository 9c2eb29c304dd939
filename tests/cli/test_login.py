"""`login`: credentials are tried, kept where only their owner reads them, and used when the environment has none."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.typed import Ask, Said, on_terminal, status_of, until_closed

ID, SECRET = ("Client id: ", "somebody\n"), ("(not shown): ", "canary-secret\n")
Question = tuple[str, str]
LogIn = Callable[..., Said]


@pytest.fixture
def log_in(tmp_path: Path) -> LogIn:
    """`login` at a terminal, where each answer is typed once it is asked for: what was typed before is not a secret."""

    def log_in(*saying: Question) -> Said:
        with on_terminal(tmp_path, "login") as (process, ours):
            shown = b""
            for question, answer in saying or (ID, SECRET):
                while question.encode() not in shown:
                    shown += os.read(ours, 4096)
                os.write(ours, answer.encode())
            shown += until_closed(ours)
            return Said(status_of(process), shown.decode().replace("\r\n", "\n"), "")

    return log_in


@pytest.fixture
def service(sandbox_origin: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A service, and nobody has credentials."""
    for name in ("CAMPAIGN_RUNNER_FIREFLY_URL", "CAMPAIGN_RUNNER_IMS_URL"):
        monkeypatch.setenv(name, sandbox_origin)


def kept(tmp_path: Path) -> Path:
    return tmp_path / "config" / "campaign_runner" / "credentials.json"


def test_they_are_tried_and_kept_where_only_their_owner_reads_them(
    log_in: LogIn, ask: Ask, service: None, tmp_path: Path
) -> None:
    assert ask("models").status == 7
    said = log_in()
    assert said.status == 0, said.out
    assert f"Adobe accepts them; kept in {kept(tmp_path)}, which only you can read" in said.out
    assert "canary-secret" not in said.out
    assert stat.S_IMODE(kept(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept(tmp_path).parent.stat().st_mode) == 0o700
    assert ask("models").out.splitlines()[-1] == "74 custom models"


def test_those_that_adobe_refuses_are_not_kept(
    log_in: LogIn, ask: Ask, sandbox_origin: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CAMPAIGN_RUNNER_FIREFLY_URL", sandbox_origin)
    monkeypatch.setenv("CAMPAIGN_RUNNER_IMS_URL", "http://127.0.0.1:9")  # no one listens there
    said = log_in()
    assert said.status in (7, 8) and "canary-secret" not in said.out
    assert not kept(tmp_path).exists()


def test_the_environment_comes_first_and_nothing_is_mixed(
    log_in: LogIn, ask: Ask, service: None, tmp_path: Path
) -> None:
    assert log_in().status == 0
    said = ask("models", CUSTOM_MODELS_CLIENT_ID="another")
    assert said.status == 7 and "CUSTOM_MODELS_CLIENT_SECRET is not set" in said.err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"client_id": 1, "client_secret": 2}', "\x00"])
def test_a_file_that_was_changed_is_told(text: str, ask: Ask, service: None, tmp_path: Path) -> None:
    kept(tmp_path).parent.mkdir(parents=True)
    kept(tmp_path).touch(0o600)
    kept(tmp_path).write_text(text, encoding="utf-8")
    said = ask("models")
    assert said.status == 7 and "was changed; nothing was sent. Log in again: campaign-runner login" in said.err


def test_a_file_that_others_can_read_is_refused(log_in: LogIn, ask: Ask, service: None, tmp_path: Path) -> None:
    assert log_in().status == 0
    kept(tmp_path).chmod(0o640)
    said = ask("models")
    assert said.status == 7 and f"Type: chmod 600 {kept(tmp_path)}" in said.err and "canary-secret" not in said.err


def test_without_a_terminal_it_says_what_to_set(ask: Ask) -> None:
    said = ask("login")
    assert said.status == 2 and "CUSTOM_MODELS_CLIENT_SECRET_FILE" in said.err


def test_leaving_at_a_question_keeps_nothing(log_in: LogIn, tmp_path: Path) -> None:
    assert log_in(ID, (SECRET[0], "\x04")).status == 130
    assert not kept(tmp_path).exists()
