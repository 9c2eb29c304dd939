"""Rehearsing with a custom model that nobody but Adobe knows, and the practice server's help."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from campaign_runner.cli.played import catalog
from campaign_runner.model import CustomModel
from campaign_runner.sandbox.faults import KINDS
from campaign_runner.sandbox.settings import Settings
from tests.cli.typed import Ask

CAMPAIGN = """\
campaign: mine
model: image4_custom
custom_model: {model}
products: [tea]
prompts: {{hero: "{{product.name}} {concept} on a table"}}
sizes: [square]
seeds: [1]
"""


@pytest.mark.parametrize("model", ["Brand X", "urn:aaid:sc:EU:0c0ffee0", "Grüne Marke"])
def test_a_rehearsal_plays_a_custom_model_of_any_name_or_id_and_says_so(ask: Ask, tmp_path: Path, model: str) -> None:
    (tmp_path / "mine.yaml").write_text(CAMPAIGN.format(model=model, concept=""), encoding="utf-8")
    said = ask("run", "--sandbox", "mine.yaml")
    assert said.status == 0, said.err
    assert f"model   the sandbox plays '{model}' as a style model; of yours it knows no more than the name" in said.out
    again = ask("rerun", "--sandbox", "output/mine.sandbox")
    assert (again.status, "1 identical bytes" in again.out) == (0, True), again.err


def test_what_a_folder_recorded_is_played_as_it_was() -> None:
    then = CustomModel("urn:aaid:sc:VA6C2:0", "Warm Custom Model", "1", '"then"', "", asset_name="warm")
    account = catalog([then])
    assert {model.id for model in account if "Warm Custom Model" in (model.name, model.display)} == {then.id}
    played = account.find(then.id)
    assert played is not None and (played.name, played.version, played.etag) == ("warm", "1", '"then"')


def test_a_manifest_is_rehearsed_with_the_model_as_it_was_then(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(CAMPAIGN.format(model="Brand X", concept=""), encoding="utf-8")
    assert ask("run", "--sandbox", "mine.yaml").status == 0
    manifest = tmp_path / "output" / "mine.sandbox" / "manifest.json"
    text = manifest.read_text(encoding="utf-8").replace('"custom_model_version": "1"', '"custom_model_version": "7"')
    manifest.write_text(re.sub(r'("custom_model_etag": )"\\"\w+\\""', r'\1"adobes"', text), encoding="utf-8")
    assert '"adobes"' in manifest.read_text(encoding="utf-8")
    said = ask("rerun", "--sandbox", manifest)
    assert (said.status, "was version" in said.out) == (0, False), said.out + said.err


def test_one_of_its_own_is_not_told(ask: Ask, tmp_path: Path) -> None:
    text = CAMPAIGN.format(model="Warm Custom Model", concept="").replace("image4_custom", "image3_custom")
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    for command in (("run", "--sandbox", "mine.yaml"), ("rerun", "--sandbox", "output/mine.sandbox")):
        said = ask(*command)
        assert said.status == 0 and "the sandbox plays" not in said.out, said.err


def test_a_subject_model_is_played_with_the_word_for_its_concept(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(CAMPAIGN.format(model="Brand X", concept="{concept}"), encoding="utf-8")
    said = ask("run", "--sandbox", "--subject", "brnd", "mine.yaml")
    assert said.status == 0 and "plays 'Brand X' as a subject model of 'brnd'" in said.out, said.err
    assert '"prompt": "tea brnd on a table"' in (tmp_path / "output/mine.sandbox/manifest.json").read_text()
    (tmp_path / "mine.yaml").write_text(CAMPAIGN.format(model="Brand X", concept="{concept} pot"), encoding="utf-8")
    assert ask("run", "--sandbox", "mine.yaml", "--accept-changes").status == 0  # as it was recorded
    assert '"prompt": "tea brnd pot on a table"' in (tmp_path / "output/mine.sandbox/manifest.json").read_text()
    said = ask("rerun", "--sandbox", "output/mine.sandbox")
    assert said.status == 0, said.err


@pytest.mark.parametrize(
    ("options", "words"),
    [(("--subject", "brnd"), "--subject is for --sandbox"), (("--sandbox", "--subject", "brnd"), "names one")],
)
def test_a_concept_without_a_model_to_play_is_refused(
    ask: Ask, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    text = CAMPAIGN.format(model="x", concept="").replace("custom_model: x\n", "").replace("image4_custom", "image3")
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    said = ask("run", *options, "mine.yaml")
    assert (said.status, words in said.err) == (2, True)


def test_what_init_says_to_run_next_runs_with_a_model_that_only_adobe_knows(ask: Ask, tmp_path: Path) -> None:
    written = ask("init", "spring.yaml")
    file = tmp_path / "spring.yaml"
    model = re.sub("(?m)^model: .*$", "model: image3_custom\ncustom_model: Our Own Look", file.read_text(), count=1)
    file.write_text(model, encoding="utf-8")
    *_, following = written.out.splitlines()
    assert following.startswith("next: campaign-runner ")
    said = ask(*following.removeprefix("next: campaign-runner ").split(), "--max-images", "1")
    assert said.status in (0, 9) and "plays 'Our Own Look'" in said.out, said.err


def test_the_help_of_the_practice_server_is_ten_options_and_a_page(ask: Ask) -> None:
    text = ask("sandbox", "--help").out
    shown = re.findall("^  --([a-z-]+)", text.partition("Options:")[2], re.MULTILINE)
    assert len(shown) == 10 and len(text.splitlines()) < 50


def test_the_other_switches_and_every_kind_of_fault_are_a_page_of_their_own(ask: Ask) -> None:
    short, long = ask("sandbox", "--help").out, ask("sandbox", "--switches").out
    for setting in fields(Settings):
        flag = f"  --{setting.name.replace('_', '-')}"
        assert (flag in short) != (flag in long)
    assert all(re.search(f"^  {kind} ", long, re.MULTILINE) for kind in KINDS)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--models", "none.json"), "--models none.json cannot be read"),
        (("--models", "odd.yaml"), "a list of names is expected"),
        (("--subject", "brnd"), "add --models NAME, or --models any"),
        (("--per-minute", "0"), "per_minute and per_day are 1 or more"),
    ],
)
def test_what_the_practice_server_cannot_play_is_refused_in_words(
    ask: Ask, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    (tmp_path / "odd.yaml").write_text("models: 7\n", encoding="utf-8")
    said = ask("sandbox", "--port", "0", *options)
    assert (said.status, words in said.err) == (2, True)
