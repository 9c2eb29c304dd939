"""Several files in one `run`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.typed import Ask, AtATerminal

CAMPAIGN = """\
campaign: {name}
model: image3
products: {{candle: {name} candle}}
prompts: {{hero: "a {{product.name}}"}}
sizes: [1024x1024]
seeds: [1, 2]
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    for name in ("autumn", "spring"):
        (tmp_path / f"{name}.yaml").write_text(CAMPAIGN.format(name=name), encoding="utf-8")


def test_each_has_its_report_and_the_last_line_is_about_all(ask: Ask) -> None:
    said = ask("run", "--sandbox", "autumn.yaml", "spring.yaml")
    lines = said.out.splitlines()
    assert said.status == 0
    assert [line.split("/")[-1] for line in lines[:2]] == ["autumn.sandbox", "spring.sandbox"]
    assert [line for line in lines if line.startswith("ok planned=2 stored=2 ")] == lines[7::6][:2]
    assert lines[-1] == "ok campaigns=2 exit=0 autumn=0 spring=0"


def test_a_file_given_twice_is_made_once(ask: Ask, tmp_path: Path) -> None:
    said = ask("run", "--sandbox", "autumn.yaml", tmp_path / "autumn.yaml")
    assert (said.status, said.out.count("ok planned=2 stored=2")) == (0, 1)


def test_the_log_names_the_campaign_of_every_event(ask: Ask) -> None:
    said = ask("run", "--sandbox", "autumn.yaml", "spring.yaml", "--log-format", "json")
    events = [json.loads(line) for line in said.err.splitlines()]
    assert {event["campaign"] for event in events if event["event"] == "stored"} == {"autumn", "spring"}


def test_the_limits_are_those_of_the_command(ask: Ask) -> None:
    said = ask("run", "--sandbox", "autumn.yaml", "spring.yaml", "--max-images", "3", "--quiet")
    assert said.status == 9
    assert sum(int(line.split("stored=")[1].split()[0]) for line in said.out.splitlines() if "stored=" in line) == 3


def test_a_selection_that_one_of_them_does_not_know_sends_nothing(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "spring.yaml").write_text(CAMPAIGN.format(name="spring").replace("candle:", "soap:"), encoding="utf-8")
    said = ask("run", "--sandbox", "autumn.yaml", "spring.yaml", "--only", "product=candle")
    assert said.status == 2 and "--only product=candle" in said.err
    assert not (tmp_path / "output").exists()


def test_at_a_terminal_every_file_is_asked_for_before_anything_is_sent(
    at_a_terminal: AtATerminal, account: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in account.items():
        monkeypatch.setenv(name, value)
    said = at_a_terminal("run", "autumn.yaml", "spring.yaml", typed="y\nn\n")
    first, second = said.out.index("autumn: this buys 2 images (1 request"), said.out.index("spring: this buys 2")
    assert first < second < said.out.index("2 of 2 images stored")
    assert said.out.splitlines()[-1] == "attention campaigns=2 exit=9 autumn=0 spring=9"
