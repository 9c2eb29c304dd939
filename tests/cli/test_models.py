"""`models`: what Adobe lists, ready to paste, and harmless whatever is in it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.cli.models import lines_to_paste, table
from campaign_runner.model import CustomModel
from tests.cli.typed import Ask

WARM = CustomModel("urn:aaid:sc:US:1", "Warm Custom Model", "1", "etag", "", "clio_v2", "warm", "published")
CAMPAIGN = """\
campaign: spring
{lines}
products: [candle]
prompts: {{hero: "a {{product.name}}"}}
sizes: [square]
seeds: [1]
"""


def test_it_lists_every_model_of_the_account(ask: Ask, account: dict[str, str]) -> None:
    said = ask("models", **account)
    assert said.status == 0 and said.out.splitlines()[-1] == "74 custom models"  # more than one page of Adobe's
    assert len(re.findall("^ +custom_model: ", said.out, flags=re.M)) == 74


def test_the_newest_comes_first(ask: Ask, account: dict[str, str]) -> None:
    names = [model["name"] for model in json.loads(ask("models", "--json", **account).out)]
    assert names[-1] == "Warm Custom Model"  # the oldest of the sandbox
    assert names.index("Cool Custom Model") < names.index("Almond Candle")


def test_a_word_shows_those_that_have_it(ask: Ask, account: dict[str, str]) -> None:
    said = ask("models", "HOLIDAY", **account)
    assert said.out.splitlines()[-1] == "2 custom models of 74"
    assert said.out.count('custom_model: "urn:') == 2, "the name is not that of one alone"
    assert [model["name"] for model in json.loads(ask("models", "almndcndl", "--json").out)] == ["Almond Candle"]


def test_a_word_that_none_has_is_answered_with_the_nearest(ask: Ask, account: dict[str, str]) -> None:
    said = ask("models", "hoilday", **account)
    assert (said.status, said.err) == (2, "none of 74 custom models has 'hoilday' in it; did you mean 'Holiday'?\n")


def test_the_two_lines_can_be_pasted(ask: Ask, account: dict[str, str], tmp_path: Path) -> None:
    shown = ask("models", **account).out.splitlines()
    at = next(number for number, line in enumerate(shown) if line.startswith("Warm Custom Model"))
    lines = "\n".join(line.strip() for line in shown[at + 1 : at + 3])
    (tmp_path / "spring.yaml").write_text(CAMPAIGN.format(lines=lines), encoding="utf-8")
    campaign = load(tmp_path / "spring.yaml")
    assert (campaign.model, campaign.custom_model) == ("image3_custom", "Warm Custom Model")


def test_a_name_that_two_models_bear_is_pasted_as_an_id(ask: Ask, account: dict[str, str]) -> None:
    models = json.loads(ask("models", "--json", **account).out)
    twins = [model for model in models if model["name"] == "Holiday Lifestyle"]
    assert [model["paste"][1] for model in twins] == [f'custom_model: "{model["id"]}"' for model in twins]
    assert len(twins) == 2


def test_json_has_what_the_table_has_and_more(ask: Ask, account: dict[str, str]) -> None:
    (candle,) = [m for m in json.loads(ask("models", "--json", **account).out) if m["name"] == "Almond Candle"]
    assert (candle["kind"], candle["concept"], candle["base_model"]) == ("subject", "almndcndl", "clio_v2")
    assert (candle["model"], candle["state"], candle["version"]) == ("image3_custom", "published", "1")


def test_without_credentials_it_says_which_are_missing(ask: Ask) -> None:
    said = ask("models")
    assert said.status == 7 and "CUSTOM_MODELS_CLIENT_ID is not set" in said.err
    assert "practise without any: campaign-runner run --sandbox FILE" in said.err  # `models` itself has no --sandbox


def test_credentials_that_are_refused_end_it(ask: Ask, account: dict[str, str]) -> None:
    refused = {**account, "CUSTOM_MODELS_ACCESS_TOKEN": "of-another-world"}
    said = ask("models", **refused)
    assert said.status == 7
    assert "canary-secret" not in said.err and "of-another-world" not in said.err


def test_an_unknown_base_model_is_not_guessed_in_silence() -> None:
    model, _ = lines_to_paste(replace(WARM, base="clio_v9"), [WARM])
    assert model.startswith("model: image4_custom   # or image3_custom") and "clio_v9" in model


@pytest.mark.parametrize(
    "text",
    [
        "warm\x1b[2Jmodel",  # would clear the screen
        "warm\nmodel: image4_custom",  # would be another line
        "warm \u202e model",  # would be read from right to left
        "",
    ],
)
def test_a_name_that_is_not_harmless_is_never_shown_and_pasted_as_an_id(text: str) -> None:
    odd = replace(WARM, name=text, base=text, state=text, concept=text)
    shown = list(table([odd]))
    assert all(line.isprintable() for line in shown)
    assert shown[-2].strip() == f'custom_model: "{WARM.id}"'


def test_an_account_without_models_is_told_what_to_do() -> None:
    (line,) = table([])
    assert "share one" in line
