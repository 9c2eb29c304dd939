"""`campaign-runner clone`, through the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.plan.plan import Plan
from tests.cli.typed import Ask
from tests.recorded import record

TEXT = """\
# yaml-language-server: $schema=campaign.schema.json
campaign:   'autumn'    # the name
model: image4_standard
vars:
  season: autumn   # and later winter
  light: {en: soft light, de: "weiches Licht", ja: 柔らかな光}   # by language
  mood: >
    quiet and
    warm

  # what follows is shown
markets: {us: {locale: en-US}, de: {locale: de-DE}, ja: {locale: ja-JP}}
products: {soap: {name: {other: soap}}}
prompts:
  hero: {other: "{product.name}, {season}, {light}, {mood}"}
sizes: [square]
seeds: [1]
"""


@pytest.fixture
def autumn(tmp_path: Path, ask: Ask) -> Path:
    path = tmp_path / "autumn.yaml"
    path.write_bytes(TEXT.encode())
    return path


SETTINGS = [
    (["season=spring"], [("season: autumn", "season: spring")]),
    (["season=late spring"], [("season: autumn", "season: late spring")]),
    (["season=a # b: {{x}}"], [("season: autumn", 'season: "a # b: {{x}}"')]),
    (['season=don\'t "stop"'], [("season: autumn", "season: 'don''t \"stop\"'")]),
    (["season=no"], [("season: autumn", 'season: "no"')]),
    (["light.de=hart, grell"], [('"weiches Licht"', '"hart, grell"')]),
    (["light.ja=朝", "light.en=hard"], [("柔らかな光", '"朝"'), ("soft light", "hard")]),
    (["mood=loud"], [("mood: >\n    quiet and\n    warm\n", "mood: loud\n")]),
]


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["plain", "windows"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "marked"])
@pytest.mark.parametrize(("settings", "changes"), SETTINGS, ids=[" ".join(each) for each, _ in SETTINGS])
def test_every_other_byte_stays(
    settings: list[str], changes: list[tuple[str, str]], mark: str, ends: str, autumn: Path, ask: Ask
) -> None:
    text = mark + TEXT.replace("\n", ends)
    autumn.write_bytes(text.encode())
    assert ask("clone", "autumn", "spring", *(f"--set={each}" for each in settings)).status == 0
    expected = text.replace("'autumn'", "spring")
    for old, new in changes:
        expected = expected.replace(old.replace("\n", ends), new.replace("\n", ends))
    assert autumn.with_name("spring.yaml").read_bytes().decode() == expected
    assert autumn.read_bytes().decode() == text


@pytest.mark.parametrize("text", ["spring", "no", "1984", "a: b", "[x]", "a, b", "'quoted'", '"', "# none", "ü", "- x"])
def test_what_is_set_is_what_is_read(text: str, autumn: Path, ask: Ask) -> None:
    assert ask("clone", "autumn", "spring", f"--set=season={text}", f"--set=light.en={text}").status == 0
    new = load(autumn.with_name("spring.yaml"))
    assert (new.campaign, new.vars["season"], new.vars["light"]["en"]) == ("spring", {"": text}, text)


def test_it_shows_what_differs_and_what_that_costs(autumn: Path, ask: Ask) -> None:
    assert ask("clone", "autumn.yaml", "spring", "--set", "season=spring").out.splitlines()[:12] == [
        "--- autumn.yaml",
        "+++ spring.yaml",
        "@@ -1,6 +1,6 @@",
        " # yaml-language-server: $schema=campaign.schema.json",
        "-campaign:   'autumn'    # the name",
        "+campaign:   spring    # the name",
        " model: image4_standard",
        " vars:",
        "-  season: autumn   # and later winter",
        "+  season: spring   # and later winter",
        '   light: {en: soft light, de: "weiches Licht", ja: 柔らかな光}   # by language',
        "",
    ]


def test_what_the_old_campaign_has_costs_nothing(autumn: Path, tmp_path: Path, ask: Ask) -> None:
    asyncio.run(record(tmp_path / "output" / "autumn", Plan(load(autumn)), ["stored"] * 3))
    said = ask("clone", "autumn", "spring")
    assert "  reuse      3 images of autumn\n  due        nothing\n" in said.out
    assert said.out.endswith(f"written; next: campaign-runner run {tmp_path}/spring.yaml\n")


REFUSED = [
    (["spring", "--set", "saison=x"], "this campaign has no var 'saison'; did you mean 'season'?"),
    (["spring", "--set", "season.de=x"], "one text for all markets; leave out .de"),
    (["spring", "--set", "light=x"], "a text for each of en, de, ja; write light.en=…, light.de=…, light.ja=…"),
    (["spring", "--set", "light.fr=x"], "a text for each of en, de, ja"),
    (["spring", "--set", "season"], "write VAR=TEXT"),
    (["spring", "--set", "season= "], "write VAR=TEXT"),
    (["spring", "--set", "season={nothing}"], "spring.yaml:5:"),
    (["Spring Time"], "try: spring-time"),
    (["autumn"], "autumn.yaml already exists; nothing was written"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    arguments: list[str], message: str, autumn: Path, ask: Ask
) -> None:
    said = ask("clone", "autumn", *arguments)
    assert (said.status, message in said.err) == (2, True), said.err
    assert [path.name for path in autumn.parent.iterdir()] == ["autumn.yaml"]
    assert autumn.read_bytes() == TEXT.encode()
