"""What `check` warns of is said by `run`, too: before anything is bought, in the log, and at the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.campaigns import SPRING
from tests.cli.typed import Ask, AtATerminal

TWO_LANGUAGES = "markets: {us: {locale: en-US}, de: {locale: de-DE}}\n"
STYLE = "spring.yaml:7:11: Adobe has no style 'watercolour'; did you mean 'watercolor'?"
WORDING = "spring.yaml:3:20: 2 products have only one name, but your markets use de and en"


@pytest.fixture(autouse=True)
def spring(tmp_path: Path) -> Path:
    path = tmp_path / "spring.yaml"
    path.write_text(f"{SPRING}presets: [watercolour]\n{TWO_LANGUAGES}", encoding="utf-8")
    return path


def warned(text: str) -> list[str]:
    return [json.loads(line)["message"] for line in text.splitlines() if json.loads(line)["event"] == "warned"]


def test_run_says_what_check_warns_of_in_the_log_and_in_the_report(ask: Ask) -> None:
    checked = ask("check", "spring.yaml").out
    said = ask("run", "--sandbox", "spring.yaml")
    for words in (STYLE, WORDING):
        assert words in checked
        assert f"warning: {words}" in said.err
        assert words in said.out
    assert said.out.splitlines()[-1].startswith("ok planned=8 stored=8 ")
    assert "  warning   " in said.out


def test_the_log_for_machines_has_each_as_an_event(ask: Ask) -> None:
    said = ask("run", "--sandbox", "spring.yaml", "--log-format", "json")
    told = warned(said.err)
    assert [sum(words in message for message in told) for words in (STYLE, WORDING)] == [1, 1]
    assert json.loads(said.err.splitlines()[1])["event"] == "warned"


def test_at_a_terminal_they_stand_above_the_question(
    at_a_terminal: AtATerminal, account: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in account.items():
        monkeypatch.setenv(name, value)
    said = at_a_terminal("run", "spring.yaml", typed="n\n")
    assert said.out.index(STYLE) < said.out.index("This buys 8 images") < said.out.rindex(STYLE)


def test_many_are_counted_in_the_report(ask: Ask, spring: Path) -> None:
    styles = ", ".join(f"unknown{number}" for number in range(20))
    spring.write_text(f"{SPRING}presets: {{odd: {{styles: [{styles}]}}}}\n", encoding="utf-8")
    said = ask("run", "--sandbox", "spring.yaml")
    assert said.err.count("Adobe has no style") == 20 and said.out.count("Adobe has no style") == 8
    assert f"and 12 more: campaign-runner check {spring}" in said.out


def test_what_is_wrong_with_a_channel_is_said_once_and_counted_in_the_report(ask: Ask, spring: Path) -> None:
    spring.write_text(f"{SPRING}channels: [instagram-story, linkedin-ad]\n", encoding="utf-8")
    said = ask("run", "--sandbox", "spring.yaml")
    assert said.err.count("is larger than every size here") == 2
    assert "is larger than every size here" not in said.out
    assert f"  warning   3 about what is delivered: campaign-runner check {spring}" in said.out
