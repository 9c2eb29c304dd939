"""What a typed command answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.request import ProxyHandler, build_opener


@dataclass(frozen=True)
class Said:
    """What a command answered: its exit status, its results, and what it said beside them."""

    status: int
    out: str
    err: str


class Ask(Protocol):
    """`ask("models", "--json", CUSTOM_MODELS_CLIENT_ID="me")` runs a command with these settings."""

    def __call__(self, *arguments: str | Path, **variables: str) -> Said: ...


class AtATerminal(Protocol):
    """`at_a_terminal("init", typed="spring\\n…")` runs a command at a terminal."""

    def __call__(self, *arguments: str, typed: str) -> Said: ...


def charged(origin: str) -> object:
    """How many images the sandbox charged so far, and how many requests it was sent."""
    past_any_proxy = build_opener(ProxyHandler({}))
    with past_any_proxy.open(f"{origin}/sandbox/ledger", timeout=60) as answer:
        ledger = json.load(answer)
    return ledger["images_charged"], ledger["calls"]["submit"]
