"""`run` tells somebody: once its report is printed and its lock let go, whatever becomes of the message."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaign_runner.notify import delivery
from campaign_runner.output_folder.folder import Folder
from tests.campaigns import SPRING
from tests.cli.typed import Ask
from tests.notify.sinks import WebSink, web_sink

SECRETS = ("canary-password", "canary-hook")
PATIENT = """
from campaign_runner.__main__ import main
from campaign_runner.notify import delivery
delivery.PATIENCE = 600.0
main()
"""
"""The program, for which a busy machine is no failure."""


@pytest.fixture(autouse=True)
def spring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spring.yaml").write_text(SPRING, encoding="utf-8")
    monkeypatch.setattr(delivery, "PATIENCE", 600.0)  # a busy machine is no failure


@pytest.fixture
def sink() -> Iterator[WebSink]:
    with web_sink() as sink:
        yield sink


def test_a_file_with_a_mistake_is_told_once_and_again_when_it_is_mended(
    ask: Ask, sink: WebSink, account: dict[str, str], tmp_path: Path
) -> None:
    settings = {**account, "CAMPAIGN_RUNNER_NOTIFY": sink.address}
    (tmp_path / "spring.yaml").write_text(SPRING.replace("seeds:", "seedz:"), encoding="utf-8")
    assert [ask("run", "spring.yaml", **settings).status for _ in range(2)] == [2, 2]
    (tmp_path / "spring.yaml").write_text(SPRING, encoding="utf-8")
    assert [ask("run", "spring.yaml", "--quiet", **settings).status for _ in range(2)] == [0, 0]
    assert [each["title"] for each in sink.taken] == ["spring needs attention", "spring: all is well again"]
    assert "seedz" not in str(sink.taken) and str(tmp_path) not in str(sink.taken)


def test_a_command_with_a_slip_is_told_once_and_again_when_it_is_mended(
    ask: Ask, sink: WebSink, account: dict[str, str]
) -> None:
    settings = {**account, "CAMPAIGN_RUNNER_NOTIFY": sink.address}
    assert [ask("run", "spring.yaml", "--untl", "06:00", **settings).status for _ in range(2)] == [2, 2]
    assert ask("run", "spring.yaml", "--quiet", **settings).status == 0
    assert [each["title"] for each in sink.taken] == ["spring needs attention", "spring: all is well again"]
    assert "new: the run was refused, and nothing is bought" in sink.taken[0]["message"]


def test_always_tells_of_a_rehearsal_too_and_never_of_nothing(ask: Ask, sink: WebSink, tmp_path: Path) -> None:
    settings = {"CAMPAIGN_RUNNER_NOTIFY": sink.address}
    assert ask("run", "--sandbox", "spring.yaml", **settings).status == 0
    assert ask("run", "--sandbox", "spring.yaml", "--max-images", "1", "--notify", "never", **settings).status == 0
    assert sink.taken == []
    assert ask("run", "--sandbox", "spring.yaml", "--notify", "always", **settings).status == 0
    (message,) = [each["message"] for each in sink.taken]
    assert message.startswith("spring: ok, exit status 0, 4 of 4 images stored; this run bought ")
    assert not (tmp_path / "state" / "told.sqlite").exists()


def test_the_report_is_out_and_the_lock_let_go_before_anybody_is_told(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def look(addresses: object, message: object) -> None:
        seen.append(capsys.readouterr().out)
        with Folder(tmp_path / "output" / "spring.sandbox").locked():
            return

    monkeypatch.setattr("campaign_runner.cli.notification.deliver", look)
    ask(
        "run",
        "--sandbox",
        "spring.yaml",
        "--notify",
        "always",
        "--max-images",
        "1",
        "--quiet",
        CAMPAIGN_RUNNER_NOTIFY="x",
    )
    assert seen[0].splitlines()[-1].startswith("attention planned=4")


@pytest.mark.parametrize(("more", "status"), [((), 0), (("--max-images", "1"), 9)])
def test_a_message_that_cannot_be_sent_changes_no_exit_status_and_is_in_the_log(
    ask: Ask, tmp_path: Path, more: tuple[str, ...], status: int
) -> None:
    with web_sink() as sink:
        address = sink.address  # nobody listens there any more
    arguments = ("run", "--sandbox", "spring.yaml", "--notify", "always", "--quiet", "--log-file", "spring.log", *more)
    said = ask(*arguments, CAMPAIGN_RUNNER_NOTIFY=address)
    why = "the message about this run could not be sent: none of its addresses took it"
    assert said.status == status
    assert said.err == ("" if status == 0 else f"campaign-runner: {why}\n")
    log = (tmp_path / "spring.log").read_text("utf-8")
    assert why in log.splitlines()[-1]
    assert not any(secret in text for secret in SECRETS for text in (said.out, said.err, log))


def test_the_addresses_may_be_in_a_file(ask: Ask, sink: WebSink, tmp_path: Path) -> None:
    (tmp_path / "addresses").write_text(f"{sink.address}\n", encoding="utf-8")
    ask("run", "--sandbox", "spring.yaml", "--notify", "always", CAMPAIGN_RUNNER_NOTIFY_FILE="addresses")
    assert len(sink.taken) == 1


def test_a_file_of_addresses_that_is_gone_changes_no_exit_status(ask: Ask) -> None:
    said = ask("run", "--sandbox", "spring.yaml", "--notify", "always", CAMPAIGN_RUNNER_NOTIFY_FILE="nowhere")
    assert said.status == 0
    assert "CAMPAIGN_RUNNER_NOTIFY_FILE cannot be read; no message about this run is sent" in said.err


@pytest.mark.parametrize("more", [(), ("--max-images", "1")])
def test_always_without_an_address_says_that_no_one_is_told(ask: Ask, more: tuple[str, ...]) -> None:
    said = ask("run", "--sandbox", "spring.yaml", "--notify", "always", *more)
    assert said.status == (9 if more else 0)
    assert said.err.splitlines()[-1].startswith(
        "campaign-runner: no message was sent: --notify always needs an address"
    )


def test_a_signal_while_someone_is_told_leaves_the_exit_status_of_the_run(ask: Ask, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        command = [sys.executable, "-c", PATIENT, "run", "--sandbox", "spring.yaml", "--notify", "always"]
        command += ["--max-images", "1"]
        settings = {"CAMPAIGN_RUNNER_NOTIFY": f"json://127.0.0.1:{silent.getsockname()[1]}/x"}
        with subprocess.Popen(command, cwd=tmp_path, env=os.environ | settings, stderr=subprocess.PIPE) as process:
            while not select.select([silent], [], [], 0.1)[0]:
                assert process.poll() is None, "it ended and sent no message"
            asked, _ = silent.accept()  # the message is on its way, and no one answers
            process.send_signal(signal.SIGTERM)
            _, told = process.communicate()
            asked.close()
    assert process.returncode == 9
    assert b"could not be sent: it was interrupted" in told


def test_several_campaigns_make_one_message(ask: Ask, sink: WebSink, tmp_path: Path) -> None:
    (tmp_path / "autumn.yaml").write_text(SPRING.replace("campaign: spring", "campaign: autumn"), encoding="utf-8")
    ask("run", "--sandbox", "spring.yaml", "autumn.yaml", "--notify", "always", CAMPAIGN_RUNNER_NOTIFY=sink.address)
    assert [each["title"] for each in sink.taken] == ["spring, autumn: the run has ended"]
