"""One message on its way: in a process of its own, with none of our settings, and for 20 seconds at most.

Recipients are secrets: they reach that process on its stdin, are on no command line and in no environment, and what
it writes is thrown away.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from campaign_runner.notify import sender
from campaign_runner.notify.message import Message

PATIENCE = 20.0
"""Seconds a message may take, from the start of its process."""
_OURS = ("CAMPAIGN_RUNNER_", "CUSTOM_MODELS_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_HERE = "127.0.0.1,localhost"
_FAILED: Mapping[int, str] = {
    sender.NOWHERE: "none of its addresses took it",
    sender.UNSAFE: "an address is not encrypted: use jsons://, mailtos:// and the like, or 127.0.0.1",
    sender.NO_APPRISE: "Apprise is not installed: pip install 'campaign-runner[notify]'",
    sender.UNREADABLE: "an address is none that Apprise knows",
}

Finish = Callable[["subprocess.Popen[bytes]", bytes, float], int]
"""Hands a process its input and waits for its exit status. Raises subprocess.TimeoutExpired after so many seconds."""


def _finish(process: subprocess.Popen[bytes], content: bytes, seconds: float) -> int:
    process.communicate(content, timeout=seconds)
    return process.returncode


@dataclass(frozen=True, slots=True)
class Recipients:
    """Apprise's addresses, with spaces or line ends between them. They are secrets: `repr` shows none.

    `proxy` is what the messages go through, None where there is none.
    """

    text: str
    proxy: str | None = None

    def __repr__(self) -> str:
        return "Recipients()"

    @property
    def each(self) -> list[str]:
        return [word for part in self.text.split() if (word := part.strip(","))]


def deliver(recipients: Recipients, message: Message, *, finish: Finish = _finish) -> str | None:
    """Send it; the answer is why no one has it, None where at least one address took it.

    Raises nothing of its own: what happened to a message changes nothing of the run.
    """
    asked = asdict(message) | {"addresses": recipients.each, "seconds": PATIENCE}
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", str(Path(sender.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=scrubbed(os.environ, recipients.proxy),
        )
    except OSError as error:
        return f"its process could not be started ({error.strerror})"
    assert process.stdin is not None
    try:
        code = finish(process, json.dumps(asked).encode(), PATIENCE)
    except subprocess.TimeoutExpired:
        return f"it took more than {PATIENCE:.0f} s"
    except KeyboardInterrupt:
        return "it was interrupted"
    finally:
        process.kill()
        process.wait()
        with suppress(OSError):  # what it did not read
            process.stdin.close()
    return None if code == sender.ARRIVED else _FAILED.get(code, "its process failed")


def unusable(recipients: Recipients) -> str | None:
    """Why a message could not be sent, as far as that is known without sending one; None where nothing is."""
    return deliver(recipients, Message("", ""))


def scrubbed(environment: Mapping[str, str], proxy: str | None) -> dict[str, str]:
    """An environment without our settings and secrets, without a netrc, and with our proxy or none."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith(_OURS) and name.lower() not in _PROXIES
    }
    through = {"no_proxy": "*"} if proxy is None else {"http_proxy": proxy, "https_proxy": proxy, "no_proxy": _HERE}
    return kept | through | {"NETRC": os.devnull}
