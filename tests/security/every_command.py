"""Every command of the program, as somebody types it about the campaign `spring`, in a folder where that was rehearsed.

`python -m tests.security.every_command` is a process that types them, and says before each what it is about to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from campaign_runner.cli import COMMANDS
from tests.campaigns import SPRING

CAMPAIGN = f"{SPRING}channels: [instagram-square]\nbudget: 400\n"
NOT_TYPED = {"sandbox": "it serves until it is ended"}
TYPED: Mapping[str, Sequence[str]] = {
    "init": ("init", "first.yaml"),
    "check": ("check", "spring.yaml"),
    "plan": ("plan", "spring.yaml", "--list"),
    "plan --sandbox": ("plan", "spring.yaml", "--sandbox"),
    "clone": ("clone", "spring.yaml", "autumn"),
    "export": ("export", "products", "spring", "products.xlsx", "--sandbox"),
    "models": ("models",),
    "schema": ("schema",),
    "login": ("login",),
    "list": ("list",),
    "status": ("status", "spring", "--sandbox", "--json"),
    "find": ("find", "spring", "--sandbox"),
    "find a key": ("find", "KEY8"),
    "find a picture": ("find", "PICTURE"),
    "review --list": ("review", "spring", "--sandbox", "--list", "--as", "me"),
    "review --page": ("review", "spring", "--sandbox", "--page", "--as", "me"),
    "review --pick": ("review", "spring", "--sandbox", "--pick", "KEY8", "--as", "me"),
    "reroll": ("reroll", "spring", "--sandbox"),
    "retake": ("retake", "KEY8", "--in", "spring", "--sandbox"),
    "resolve": ("resolve", "spring", "--sandbox"),
    "resolve --abandon": ("resolve", "spring", "--sandbox", "--abandon", "--yes"),
    "cancel": ("cancel", "spring", "--yes"),
    "channels": ("channels",),
    "deliver": ("deliver", "spring", "--sandbox", "--all"),
    "verify": ("verify", "spring", "--sandbox"),
    "doctor": ("doctor", "spring.yaml"),
    "keep": ("keep", "spring", "--sandbox", "--all", "--yes"),
    "prune": ("prune", "spring", "--sandbox", "--yes"),
    "rerun": ("rerun", "output/spring.sandbox/manifest.json", "--sandbox", "--quiet", "--into", "again"),
    "run": ("run", "--sandbox", "spring.yaml", "--quiet"),
}
"""KEY8 and PICTURE stand for an image of the campaign."""


def typed(home: Path) -> Iterator[tuple[str, list[str]]]:
    """Each command with its arguments, for a folder in which the campaign was rehearsed."""
    picture = min(
        (home / "output" / "spring.sandbox" / "images").rglob("*_s1_*"), default=home / "gone_s1_0123abcd.jpg"
    )
    meant = {"KEY8": picture.stem[-8:], "PICTURE": str(picture)}
    for name, arguments in TYPED.items():
        yield name, [meant.get(each, each) for each in arguments]


def test_it_is_every_command() -> None:
    known = {name for group in COMMANDS.values() for name in group}
    assert {words[0] for words in TYPED.values()} | NOT_TYPED.keys() == known
