"""Commands as they are typed: in a folder of their own, with the environment of nobody."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from campaign_runner.cli import run_command
from campaign_runner.cli.target import find
from campaign_runner.review.thumbnails import workers
from tests.checker import Seen, check
from tests.cli.typed import Ask, AtATerminal, Said, on_terminal, status_of, until_closed
from tests.command_line import understood
from tests.printed import check_commands, printed_commands
from tests.processes.forks import shared


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Ask]:
    """`ask("models", "--json", CUSTOM_MODELS_CLIENT_ID="me")` runs a command in `tmp_path`.

    Every command that it prints to be typed is tried from `/`. Where one was a run, the checker looks at what is left
    once the test is over.
    """
    texts: list[str] = []
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("CUSTOM_MODELS_", "CAMPAIGN_RUNNER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CAMPAIGN_RUNNER_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))  # where `login` keeps credentials
    monkeypatch.setattr(workers, "_FEW", 100)  # to start processes takes longer than to shrink these few pictures

    def ask(*arguments: str | Path, **variables: str) -> Said:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        status = run_command([str(argument) for argument in arguments])
        said = capsys.readouterr()
        check_typed_anywhere(f"{said.out}\n{said.err}")
        texts.extend((said.out, said.err) if arguments[0] == "run" else ())
        return Said(status, said.out, said.err)

    yield ask
    if texts:
        texts += [log.read_text(encoding="utf-8") for log in tmp_path.glob("*.jsonl")]
        check(tmp_path / "output", None, seen=Seen(texts=texts))


def check_typed_anywhere(text: str) -> None:
    """Each command in a text that was printed is one, with options that it has, and finds its campaign from `/`."""
    check_commands([text])
    with chdir("/"):
        for words in printed_commands(text):
            given = understood(words).params if words[0] != "schema" else {}
            named = (given.get("name"), *given.get("names", ()))
            for campaign in (each for each in named if isinstance(each, str) and Path(each).name == each):
                find(campaign, output=given.get("output"), is_sandbox=given.get("is_sandbox", False))


@pytest.fixture
def at_a_terminal(tmp_path: Path) -> AtATerminal:
    """`at_a_terminal("init", typed="spring\\n…")` runs a command at a terminal, in `tmp_path`."""

    def run(*arguments: str, typed: str) -> Said:
        with on_terminal(tmp_path, *arguments) as (process, ours):
            os.write(ours, typed.encode())
            shown = until_closed(ours).decode()
            return Said(status_of(process), shown.replace("\r\n", "\n"), "")

    return run


@pytest.fixture(scope="session")
def sandbox_origin() -> Iterator[str]:
    """A sandbox in a process of its own, with an allowance for all tests of a worker."""
    with TemporaryDirectory(prefix="sandbox-") as home, shared().sandbox(Path(home), "--per-minute", "600") as sandbox:
        yield sandbox.origin


@pytest.fixture
def account(sandbox_origin: str, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody with credentials, and a state folder of his own."""
    return {
        "CUSTOM_MODELS_CLIENT_ID": "somebody",
        "CUSTOM_MODELS_CLIENT_SECRET": "canary-secret",
        "CAMPAIGN_RUNNER_FIREFLY_URL": sandbox_origin,
        "CAMPAIGN_RUNNER_IMS_URL": sandbox_origin,
        "CAMPAIGN_RUNNER_STATE_DIR": str(tmp_path / "state"),
    }
