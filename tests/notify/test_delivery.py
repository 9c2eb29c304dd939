"""A message on its way: to a real web server and a real mail server of this machine, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from campaign_runner.notify import delivery, sender
from campaign_runner.notify.delivery import Recipients, deliver, scrubbed
from campaign_runner.notify.message import Message
from tests.notify.sinks import mail_sink, web_sink

MESSAGE = Message("spring needs attention", "new: 4 images in doubt (no_answer)\n  campaign-runner resolve spring")
SECRETS = ("canary-password", "canary-hook")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no failure: only what is scripted takes too long."""
    monkeypatch.setattr(delivery, "PATIENCE", 600.0)


def test_a_webhook_is_told_title_and_body() -> None:
    with web_sink() as sink:
        assert deliver(Recipients(sink.address), MESSAGE) is None
    assert sink.paths == ["/canary-hook"]
    assert [(each["title"], each["message"]) for each in sink.taken] == [(MESSAGE.title, MESSAGE.body)]


def test_a_mailbox_is_told_title_and_body() -> None:
    with mail_sink() as sink:
        assert deliver(Recipients(sink.address), MESSAGE) is None
    (mail,) = sink.taken
    assert mail["Subject"] == MESSAGE.title
    assert "4 images in doubt (no_answer)" in mail.as_string()
    assert "campaign-runner resolve spring" in mail.as_string()
    assert [line.upper() for line in sink.recipients] == ["RCPT TO:<OPS@EXAMPLE.COM>"]


def test_of_several_addresses_one_that_takes_it_is_enough() -> None:
    with web_sink(status=500) as dead, web_sink() as alive:
        assert deliver(Recipients(f"{dead.address}\n{alive.address}"), MESSAGE) is None
    assert len(alive.taken) == 1


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("nonsense", "an address is none that Apprise knows"),
        ("json://192.0.2.1/hook", "an address is not encrypted"),
        pytest.param(
            *("mailto://user:secret@192.0.2.1?from=a@example.com&to=ops@example.com", "an address is not encrypted"),
            marks=pytest.mark.proof,
        ),
        (
            "mailtos://user:secret@192.0.2.1?from=a@example.com&to=ops@example.com&mode=insecure",
            "an address is not encrypted",
        ),
        ("mailto://127.0.0.1?smtp=192.0.2.1&from=a@example.com&to=b@example.com", "an address is not encrypted"),
    ],
)
def test_an_address_that_may_not_be_used_is_not_contacted(address: str, why: str) -> None:
    told = deliver(Recipients(address), MESSAGE)
    assert told is not None and told.startswith(why) and "192.0.2.1" not in told


def test_a_way_elsewhere_is_not_followed() -> None:
    with web_sink() as elsewhere, web_sink(status=307, location=f"http://127.0.0.1:{elsewhere.port}/x") as sink:
        assert deliver(Recipients(sink.address), MESSAGE) == "none of its addresses took it"
    assert (len(sink.taken), elsewhere.paths) == (1, [])


def test_nobody_who_listens_is_told_and_no_secret_is_said() -> None:
    with web_sink() as sink:
        address = sink.address
    assert deliver(Recipients(address), MESSAGE) == "none of its addresses took it"
    assert not any(secret in repr(Recipients(address)) for secret in SECRETS)


def test_a_process_that_takes_too_long_is_ended_after_its_20_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    waited: list[float] = []
    ended: list[subprocess.Popen[bytes]] = []

    def time_is_over(process: subprocess.Popen[bytes], content: bytes, seconds: float) -> int:
        ended.append(process)
        waited.append(seconds)
        raise subprocess.TimeoutExpired("sender", seconds)

    assert deliver(Recipients("json://127.0.0.1:9/"), MESSAGE, finish=time_is_over) == "it took more than 20 s"
    assert waited == [20.0]
    assert ended[0].returncode is not None  # gone, and waited for


def test_a_process_that_is_left_alone_ends_by_itself() -> None:
    """Whoever started it may be killed meanwhile; here its time is over before anything is sent."""
    asked = b'{"seconds": 0, "addresses": ["json://192.0.2.1/"], "title": "", "body": ""}'
    ended = subprocess.run([sys.executable, "-P", sender.__file__], input=asked, check=False)
    assert ended.returncode in (sender.NOWHERE, sender.UNSAFE)


def test_no_secret_is_in_the_command_line_or_the_environment_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPAIGN_RUNNER_NOTIFY", "json://somebody:canary-password@127.0.0.1:9/canary-hook")
    monkeypatch.setenv("CUSTOM_MODELS_CLIENT_SECRET", "canary-secret")
    seen: list[bytes] = []

    def look(process: subprocess.Popen[bytes], content: bytes, seconds: float) -> int:
        at = Path("/proc") / str(process.pid)
        while not (at / "cmdline").read_bytes():  # it is there, but not all of it yet
            pass
        seen.extend((at / file).read_bytes() for file in ("cmdline", "environ"))
        return delivery._finish(process, content, seconds)

    deliver(Recipients("json://somebody:canary-password@127.0.0.1:9/canary-hook"), MESSAGE, finish=look)
    assert b"sender.py" in seen[0]
    assert not any(b"canary" in each for each in seen)


def test_the_process_goes_through_our_proxy_or_none() -> None:
    before = {
        "PATH": "/bin",
        "HTTPS_PROXY": "http://other:1",
        "no_proxy": "x",
        "CAMPAIGN_RUNNER_PROXY": "http://ours:1",
    }
    assert scrubbed(before, None) == {"PATH": "/bin", "no_proxy": "*", "NETRC": os.devnull}
    ours = scrubbed(before, "http://ours:1")
    assert (ours["http_proxy"], ours["https_proxy"]) == ("http://ours:1", "http://ours:1")
    assert "HTTPS_PROXY" not in ours
