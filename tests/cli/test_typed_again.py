"""Commands that are printed do what they say when they are typed, whatever files and folders are called."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.cli.typed import Ask

CAMPAIGN = """\
campaign: spring
model: image3
products: {candle: almond candle, soap: almond soap}
prompts: {hero: "{product.name} on an oak table"}
sizes: [896x1152]
seeds: [1]
"""
PLACES = [
    # campaign file, further words of `run`
    ("campaigns/spring.yaml", ()),
    ("spring.yaml", ()),
    ("campaigns/my spring's pictures.yaml", ()),
    ("campaigns/spring.yaml", ("--output", "else where")),
    ("far/away/spring.yml", ("--output", "elsewhere")),
]


@pytest.fixture(params=PLACES, ids=lambda place: " ".join([place[0], *place[1]]))
def begun(request: pytest.FixtureRequest, ask: Ask, tmp_path: Path) -> str:
    """What is printed at the end of a run that bought one of two images."""
    name, words = request.param
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(CAMPAIGN, encoding="utf-8")
    said = ask("run", name, "--sandbox", "--max-requests", "1", *words)
    assert said.status == 9
    return said.out


def printed(text: str, command: str) -> list[str]:
    """The words of the one command of this name in a text."""
    (line,) = [line for line in text.splitlines() if f"campaign-runner {command} " in line]
    return shlex.split(line[line.index(f"{command} ") :])


def test_the_report_says_how_to_go_on(ask: Ask, begun: str) -> None:
    again = ask(*printed(begun, "run"))
    assert (again.status, "2 of 2 images stored" in again.out) == (0, True)


def test_status_says_so_too(ask: Ask, begun: str, tmp_path: Path) -> None:
    (folder,) = tmp_path.rglob("spring.sandbox")
    again = ask(*printed(ask("status", folder).out, "run"))
    assert (again.status, "2 of 2 images stored" in again.out) == (0, True)


def test_find_says_how_to_make_an_image_again(ask: Ask, begun: str, tmp_path: Path) -> None:
    (image,) = tmp_path.rglob("candle/*.jpg")
    found = ask("find", image, "--output", image.parents[3])
    again = ask(*printed(found.out, "rerun"), "--into", "again")
    assert (again.status, "1 identical bytes" in again.out) == (0, True)


def test_verify_says_how_to_mend_what_is_damaged(ask: Ask, begun: str, tmp_path: Path) -> None:
    (image,) = tmp_path.rglob("candle/*.jpg")
    before = image.read_bytes()
    image.write_bytes(b"overwritten by mistake")
    damaged = ask("verify", image.parents[2])
    assert damaged.status == 5
    assert ask(*printed(damaged.out, "rerun")).status == 0
    assert image.read_bytes() == before
