"""What a person names may be a pipe, a device or no name at all: each is told in a sentence, and nothing waits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from campaign_runner.cli import run_command
from campaign_runner.cli.core_dumps import refuse_core_dumps
from tests.campaigns import SPRING

Captured = pytest.CaptureFixture[str]
LONG = "a" * 5_000


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAMPAIGN_RUNNER_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "spring.yaml").write_text(SPRING, encoding="utf-8")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize("name", [LONG, f"{LONG}.yaml", f"{LONG}/manifest.json", f"{LONG}/{LONG}"])
@pytest.mark.parametrize("command", [("status",), ("find",), ("verify",), ("plan",), ("run", "--sandbox"), ("check",)])
def test_a_name_that_no_disk_takes_is_told(command: tuple[str, ...], name: str, capsys: Captured) -> None:
    assert run_command([*command, name]) == 2
    said = capsys.readouterr()
    assert "a bug" not in said.err and (len(said.err) < 500 or command == ("check",) or ".yaml" in name)


@pytest.mark.parametrize("option", ["--output", "--log-file"])
def test_a_place_that_no_disk_has_is_told(option: str, capsys: Captured) -> None:
    assert run_command(["run", "--sandbox", "spring.yaml", option, LONG]) in (2, 6)
    assert "a bug" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "why"), [("/dev/zero", "a device"), ("pipe", "a device"), (".", "directory"), ("large", "64 KiB")]
)
def test_a_secret_is_read_from_a_file_that_ends(
    file: str, why: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    (home / "large").write_bytes(bytes(1 << 20))
    monkeypatch.setenv("CUSTOM_MODELS_CLIENT_ID", "me")
    monkeypatch.setenv("CUSTOM_MODELS_CLIENT_SECRET_FILE", file)
    assert run_command(["models"]) == 7
    told = capsys.readouterr().err.lower()
    assert "custom_models_client_secret_file" in told and (why in told or "bytes" in told), told


def test_a_log_that_is_a_pipe_without_a_reader_is_not_waited_for(capsys: Captured) -> None:
    assert run_command(["run", "--sandbox", "spring.yaml", "--log-file", "pipe"]) == 2
    assert "--log-file pipe cannot be written" in capsys.readouterr().err


def test_a_log_that_is_a_pipe_is_written_to_its_reader(home: Path) -> None:
    reader = os.open(home / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run_command(["run", "--sandbox", "spring.yaml", "--log-file", "pipe", "--quiet"]) == 0
        assert os.read(reader, 1 << 16)
    finally:
        os.close(reader)


@pytest.mark.parametrize("what", [".lock", "manifest.json", "journal.sqlite"])
def test_a_run_begins_in_no_folder_with_a_pipe_in_the_place_of_a_file_of_ours(
    what: str, home: Path, capsys: Captured
) -> None:
    folder = home / "output" / "spring.sandbox"
    folder.mkdir(parents=True)
    os.mkfifo(folder / what)
    assert run_command(["run", "--sandbox", "spring.yaml"]) == 5
    assert "is not what belongs there" in capsys.readouterr().err


def test_the_process_asks_for_no_core() -> None:
    """Its memory holds the secret. What a program of cores is piped to is given none either."""
    show = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
    dumpable = "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    asks = f"from {refuse_core_dumps.__module__} import refuse_core_dumps; refuse_core_dumps(); {show}; {dumpable}"
    said = subprocess.run([sys.executable, "-c", asks], capture_output=True, check=True, text=True)
    assert said.stdout.splitlines() == ["(0, 0)", "0"]


def test_the_program_asks_before_it_does_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import resource, sys; sys.argv = ['campaign-runner', '--version']\n"
        "from campaign_runner.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert said.stdout.splitlines()[-1] == "0", said
