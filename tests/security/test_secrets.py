"""Secrets: from the environment or a file alone, to the service alone, and in nothing that is written."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, quote_plus

import click
import pytest

from campaign_runner.cli import COMMANDS, commands, run_command
from campaign_runner.run.fetcher import ImageFetcher
from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.settings import Settings
from tests.checker import Seen, check
from tests.cli.typed import Said
from tests.firefly.raw_server import answer, raw_server
from tests.leaks import check_bytes, files_below
from tests.security.commands import Command

ODD_SECRET = "p8e-c&n/a+r\"y'<s>%e=c\\ret"
"""Each character is spelled otherwise in a URL, in JSON or in HTML."""
CAMPAIGN = """\
campaign: spring
model: image3
products: [candle, soap]
prompts: {hero: "a {product.name}"}
sizes: [1024x1024]
seeds: [1, 2]
"""


class Typed(Protocol):
    def __call__(self, *arguments: str, **variables: str) -> Said: ...


PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture(autouse=True)
def spring(tmp_path: Path) -> None:
    (tmp_path / "spring.yaml").write_text(CAMPAIGN, encoding="utf-8")


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """`typed("models", CUSTOM_MODELS_CLIENT_ID="")` runs a command here, with a service that would be missed."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "CAMPAIGN_RUNNER_STATE_DIR": str(tmp_path / "state"),
        "CAMPAIGN_RUNNER_FIREFLY_URL": "http://127.0.0.1:9",
        "CAMPAIGN_RUNNER_IMS_URL": "http://127.0.0.1:9",
        "CUSTOM_MODELS_CLIENT_ID": "me",
        "CUSTOM_MODELS_CLIENT_SECRET": "hush-hush",
    }.items():
        monkeypatch.setenv(name, value)

    def typed(*arguments: str, **variables: str) -> Said:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        status = run_command(arguments)
        said = capsys.readouterr()
        return Said(status, said.out, said.err)

    return typed


@asynccontextmanager
async def sandbox() -> AsyncIterator[tuple[Sandbox, str]]:
    served = Sandbox(Settings(per_minute=600, job_seconds=0.1, plain_pictures=True))
    async with serving(served) as origin:
        yield served, origin


def modes(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.lstat().st_mode) for path in (folder, *folder.rglob("*"))
    }


@pytest.mark.parametrize("umask", [0o000, 0o077])
async def test_a_run_in_a_hostile_environment_leaks_nothing_and_opens_nothing_to_the_world(
    umask: int, command: Command, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(f"{ODD_SECRET}\n", encoding="utf-8")
    async with sandbox() as (served, origin), raw_server() as proxy:
        options = ("--log-format", "json", "--log-file", "spring.jsonl")
        variables: dict[str, Any] = dict.fromkeys(PROXIES, proxy.origin)
        variables |= {"CUSTOM_MODELS_CLIENT_SECRET": None, "CUSTOM_MODELS_CLIENT_SECRET_FILE": str(secret)}
        said = await command("run", "spring.yaml", *options, origin=origin, umask=umask, **variables)
        assert said.status == 0, said.err
        assert proxy.asked == [], "the proxy of the environment was told something"
        assert served.ledger.calls["token"] == 1, "the secret was sent, so that it could have leaked"
    seen = Seen({"spring": 0}, [said.out, said.err, (tmp_path / "spring.jsonl").read_text("utf-8")], tmp_path / "state")
    check(tmp_path / "output", served.ledger.as_json(), canaries=(ODD_SECRET.encode(), b"Bearer "), seen=seen)
    assert {name: mode & 0o077 for name, mode in modes(tmp_path / "state").items() if mode & 0o077} in (
        {},
        {"campaigns.sqlite": 0o044 & ~umask},
    )
    assert modes(tmp_path / "state")["."] == 0o700
    assert {name: oct(mode) for name, mode in modes(tmp_path / "output").items() if mode & 0o002} == {}


@pytest.mark.parametrize(
    "option", ["--client-secret", "--access-token", "--token", "--secret", "--api-key", "--client-id"]
)
def test_no_secret_is_taken_from_the_command_line_nor_repeated(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([f"{option}={ODD_SECRET}"], [option, ODD_SECRET]):
        assert run_command(["run", "spring.yaml", *arguments]) == 2
        said = capsys.readouterr()
        assert "No such option" in said.err
        check_bytes([("what was said", (said.out + said.err).encode())], [ODD_SECRET.encode()])


@pytest.mark.parametrize("name", sorted({name for names in COMMANDS.values() for name in names} - {"sandbox"}))
def test_no_option_asks_for_a_secret(name: str) -> None:
    found = commands.get_command(click.Context(commands), name)
    assert found is not None
    spelled = " ".join(option for parameter in found.params for option in parameter.opts)
    assert not any(word in spelled for word in ("secret", "token", "password", "credential", "api-key"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CUSTOM_MODELS_CLIENT_ID", "me\r\nX-Evil: 1"),
        ("CUSTOM_MODELS_CLIENT_ID", "mé"),
        ("CUSTOM_MODELS_CLIENT_SECRET", "hush-hush\n"),
        ("CUSTOM_MODELS_CLIENT_SECRET", "hush-hüsh"),
        ("CUSTOM_MODELS_ACCESS_TOKEN", "hush\thush"),
        ("CUSTOM_MODELS_ACCESS_TOKEN", "hush\r\nhost: evil.example"),
    ],
)
def test_credentials_that_could_steer_a_request_are_refused_in_one_sentence(
    name: str, value: str, typed: Typed
) -> None:
    for words in (("run", "spring.yaml"), ("models",)):
        said = typed(*words, **{name: value})
        assert said.status == 7
        sentences = [line for line in (said.out + said.err).splitlines() if "unsupported character" in line]
        assert all("nothing was sent" in each and "Copy it again" in each for each in sentences)
        assert len({each.partition("the ")[2] for each in sentences}) == 1
        assert "hush" not in said.out + said.err and "evil" not in said.out + said.err.lower()


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"", b"hush-hush\nhush-hush"])
def test_a_secret_file_that_cannot_be_used_is_refused(content: bytes | None, typed: Typed, tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    if content is not None:
        file.write_bytes(content)
    said = typed("models", CUSTOM_MODELS_CLIENT_SECRET="", CUSTOM_MODELS_CLIENT_SECRET_FILE=str(file))
    assert said.status == 7
    assert "nothing was sent" in said.err
    assert "hush" not in said.err


def test_the_trace_of_a_bug_holds_places_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def bug(self: ImageFetcher, *image: object, **names: object) -> None:
        raise ValueError(f"client_secret={ODD_SECRET} for https://s3.example/?X-Amz-Signature=abc \x1b[2J")

    monkeypatch.setattr(ImageFetcher, "_put", bug)
    monkeypatch.setenv("CAMPAIGN_RUNNER_STATE_DIR", str(tmp_path / "state"))
    assert run_command(["run", "--sandbox", str(tmp_path / "spring.yaml")]) == 1
    said = capsys.readouterr()
    (trace,) = (tmp_path / "state" / "traces").iterdir()
    assert str(trace) in said.err and "ValueError" in said.err
    assert "fetcher.py" in trace.read_text(encoding="utf-8")
    places = [*files_below(tmp_path / "state", tmp_path / "output")]
    check_bytes([*places, ("what was said", (said.out + said.err).encode())], [ODD_SECRET.encode(), b"X-Amz-Signature"])
    assert "Traceback" not in said.out + said.err and "\x1b" not in said.out + said.err


@pytest.mark.parametrize("spelled", [str, lambda text: quote(text, safe=""), quote_plus])
async def test_a_secret_that_the_service_repeats_is_blotted_out_however_it_is_spelled(
    spelled: Callable[[str], str], command: Command
) -> None:
    async with raw_server(answer(400, {"message": f"for {spelled(ODD_SECRET)}"})) as server:
        said = await command("models", origin=server.origin, CUSTOM_MODELS_CLIENT_SECRET=ODD_SECRET)
    assert len(server.asked) > 1
    assert "for ***" in said.err
    check_bytes([("what was said", (said.out + said.err).encode())], [ODD_SECRET.encode()])
