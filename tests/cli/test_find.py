"""`find`: an image by key, by name, by its bytes, by its looks."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.campaigns import campaign, plan, written
from tests.cli.typed import Ask
from tests.many_images import copy_of, make
from tests.recorded import record, record_from_later

STATES = ["stored", "in_doubt", "failed", "accepted"]


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    """The keys of four images, one in each of STATES."""
    planned = plan(tmp_path)
    asyncio.run(record(tmp_path / "output" / "almond", planned, STATES))
    return list(planned.keys())


def test_a_key_tells_a_pictures_life(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    said = ask("find", keys[0][:8])
    lines = [line.strip() for line in said.out.splitlines()]
    assert said.status == 0
    assert lines[0] == "almond: candle, hero, plain, 2048x2048, seed 66080"
    assert lines[1].startswith(f"file       {tmp_path}/output/almond/images/candle/hero_plain_2048x2048_s66080_")
    assert lines[1].endswith("(missing)")
    assert lines[2:5] == [
        f"key        {keys[0]}",
        "prompt     almond candle on an oak table",
        "look       image4_standard, 2048x2048",
    ]
    assert lines[5].startswith("generated  requested ") and f"(job job-{keys[0][:8]}, seeds 66080)" in lines[5]
    assert lines[6] == "now        stored, but its file is gone"
    folder = tmp_path / "output" / "almond"
    assert lines[7] == f"next       campaign-runner retake {keys[0][:8]} --text '…' --in {folder}"
    assert lines[8] == f"campaign-runner rerun {folder}/manifest.json --only key={keys[0][:8]}"


@pytest.mark.parametrize("version", ["image4_standard", "image9"])
def test_a_request_that_this_version_cannot_read_is_said_to_be_one(
    version: str, ask: Ask, keys: list[str], tmp_path: Path
) -> None:
    later = asyncio.run(record_from_later(tmp_path / "output" / "almond", version))
    said = ask("find", later.key)
    assert (said.status, "prompt     from later" in said.out) == (0, True)
    (look,) = [line.strip() for line in said.out.splitlines() if line.startswith("  look ")]
    assert look.startswith(f"look       {version}, ") and "this version" in look


NEXT = [
    (1, "in doubt: the line broke", "resolve {folder} --resubmit --only key="),
    (2, "failed: Adobe returned no image", "resolve {folder} --retry-failed --only key="),
    (3, "accepted", "almond.yaml --only key="),
]


@pytest.mark.parametrize(("number", "now", "command"), NEXT)
def test_the_next_command_settles_what_is_open(
    ask: Ask, keys: list[str], tmp_path: Path, number: int, now: str, command: str
) -> None:
    said = ask("find", keys[number])
    assert f"now        {now}" in said.out
    (line,) = [line for line in said.out.splitlines() if line.startswith("  next")]
    assert f"{command.format(folder=tmp_path / 'output' / 'almond')}{keys[number][:8]}" in line


def test_of_a_refused_image_the_same_words_are_not_asked_for_again(ask: Ask, tmp_path: Path) -> None:
    made = plan(tmp_path)
    asyncio.run(record(tmp_path / "output" / "almond", made, ["unsafe"]))
    key = next(iter(made)).variation.key
    (found,) = json.loads(ask("find", key, "--json").out)
    assert [command.split()[1] for command in found["next"]] == ["retake", "resolve"]
    assert "--abandon" in found["next"][1]


def test_what_came_instead_is_shown_before_it_is_asked_for_again(ask: Ask, tmp_path: Path) -> None:
    made = plan(tmp_path)
    asyncio.run(record(tmp_path / "output" / "almond", made, ["replaced"]))
    key = next(iter(made)).variation.key
    lines = [line.strip() for line in ask("find", key).out.splitlines()]
    (look,) = [number for number, line in enumerate(lines) if line.startswith("look at")]
    assert lines[look].endswith("_s9_abababab.jpg: Adobe delivered this instead, you paid for it")
    assert "--abandon" in lines[look + 1] and "--retry-failed" in lines[look + 2]
    (found,) = json.loads(ask("find", key, "--json").out)
    assert [Path(file).parent.name for file in found["unexpected"]] == ["unexpected"]
    assert "--retry-failed" not in found["next"][0]


def test_a_file_name_from_a_mail_is_enough(ask: Ask, keys: list[str]) -> None:
    assert keys[0] in ask("find", f"Fwd/hero_plain_2048x2048_s66080_{keys[0][:8]}.jpg").out


def test_an_image_that_left_the_campaign_says_so(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    campaign(tmp_path, seeds=[82683])
    assert "stored, but its file is gone; no longer in the campaign" in ask("find", keys[0]).out
    written(tmp_path, seeds=["no seed"])
    assert "stored, but its file is gone; its campaign file is missing or has problems" in ask("find", keys[0]).out


def test_the_name_of_a_campaign_lists_its_images(ask: Ask, keys: list[str]) -> None:
    lines = ask("find", "almond").out.splitlines()
    assert [line[:18] for line in lines] == [
        f"{state.replace('_', ' '):9} {key[:8]}" for state, key in zip(STATES, keys, strict=True)
    ]
    assert [image["key"] for image in json.loads(ask("find", "almond", "--json").out)] == keys
    nothing = ask("find", "almond", "--only", "product=cnadle")
    assert (nothing.out, nothing.err) == ("", "--only selects no image that was requested so far\n")


def test_json_tells_the_same_for_machines(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    (found,) = json.loads(ask("find", keys[1], "--json").out)
    assert (found["key"], found["state"], found["in_campaign"]) == (keys[1], "in_doubt", True)
    assert found["reason"]["code"] == "no_answer"
    assert found["request"]["prompt"] == "almond candle on an oak table"
    assert found["next"][0].startswith(f"campaign-runner resolve {tmp_path}/output/almond --resubmit")


def test_the_very_file_and_a_copy_of_it_are_found(ask: Ask, tmp_path: Path) -> None:
    folder = make(tmp_path, 12)
    file = sorted(folder.images.rglob("*.jpg"))[7]
    ask("find", file, CAMPAIGN_RUNNER_STATE_DIR=str(tmp_path / "state"))
    (itself,) = json.loads(ask("find", file, "--json").out)
    (copy,) = json.loads(ask("find", copy_of(file, tmp_path / "mail.jpg"), "--json").out)
    assert (itself["file"], itself["distance"], itself["exists"]) == (str(file), None, True)
    assert copy["file"] == str(file) and copy["distance"] <= 3
    assert "bits differ" in ask("find", tmp_path / "mail.jpg").out


def test_several_pictures_are_looked_for_one_by_one(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    pictures = [tmp_path / name for name in ("first.jpg", "second.jpg")]
    for picture in pictures:
        picture.write_bytes(b"\xff\xd8\xff")
    said = ask("find", *pictures)
    assert said.status == 2
    assert said.err == f"find takes one picture at a time, and these are 2: campaign-runner find {pictures[0]}\n"


def test_images_of_another_folder_are_found_once_a_run_went_there(
    ask: Ask, account: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "spring.yaml").write_text(
        'campaign: spring\nmodel: image3\nproducts: [mug]\nprompts: {hero: "a {product.name}"}\n'
        "sizes: [1024x1024]\nseeds: [1]\n",
        encoding="utf-8",
    )
    assert ask("run", "spring.yaml", "--output", "elsewhere", **account).status == 0
    (file,) = (tmp_path / "elsewhere").rglob("images/*/*.jpg")
    assert str(file) in ask("find", file.name).out


@pytest.mark.parametrize("what", ["0123456789abcdef", "text.jpg", "no-such-campaign"])
def test_what_is_nowhere_is_said_with_what_to_do(ask: Ask, keys: list[str], tmp_path: Path, what: str) -> None:
    (tmp_path / "text.jpg").write_text("no picture", encoding="utf-8")
    said = ask("find", what)
    assert said.status == 2 and said.out == "" and len(said.err.splitlines()) == 1


def test_where_nothing_was_run_yet_it_says_so(ask: Ask, tmp_path: Path) -> None:
    said = ask("find", "0123456789abcdef", CAMPAIGN_RUNNER_STATE_DIR=str(tmp_path / "state"))
    assert said.status == 2 and "nothing was run yet" in said.err


WORDS = [
    (["candle", "square"], 2),  # a size by its name
    (["2048x2048"], 4),
    (["ALMOND", "soap"], 2),  # of the prompt, and a product
    (["oak_table", "66080"], 0),  # a seed is not a word
    (["hero", "plain", "oak table"], 4),
    (["able"], 0),  # no word begins so
]


@pytest.mark.parametrize(("words", "number"), WORDS)
def test_words_find_images_by_their_names_and_their_prompt(
    words: list[str], number: int, ask: Ask, keys: list[str]
) -> None:
    said = ask("find", *words)
    assert (said.status, len(said.out.splitlines())) == (0 if number else 2, number)
    assert all(" almond: " in line for line in said.out.splitlines())


def test_one_word_that_is_no_campaign_is_looked_for_too(ask: Ask, keys: list[str]) -> None:
    said = ask("find", "soap")
    assert [line.split()[0] for line in said.out.splitlines()] == ["failed", "accepted"]
    assert said.err == "2 images; all about one of them: campaign-runner find KEY8\n"


def test_words_that_are_nowhere_are_answered_with_the_nearest(ask: Ask, keys: list[str]) -> None:
    said = ask("find", "candel", "plain")
    assert (said.status, said.err) == (
        2, "no image found that has all of these words: candel plain; did you mean 'candle'?\n",
    )  # fmt: skip


def test_the_words_of_a_rehearsal_are_found_where_there_is_nothing_else(ask: Ask, tmp_path: Path) -> None:
    asyncio.run(record(tmp_path / "output" / "almond.sandbox", plan(tmp_path), STATES))
    assert len(ask("find", "soap", "hero").out.splitlines()) == 2
    asyncio.run(record(tmp_path / "output" / "almond", plan(tmp_path), ["stored"]))
    assert ask("find", "hero", "candle", "--json").out.count('"key"') == 1


SLIPS = [
    ("{key:.4}", "a key needs at least 8 digits: did you mean '{key:.8}'?"),
    ("{file}", "did you mean '{key:.8}'?"),  # its key lost a digit
    ("{name}", "did you mean '{whole}'?"),  # its key is gone
    ("elsewhere/{name}", "did you mean '{whole}'?"),
    ("{slip}", "no image found has the key {slip}; did you mean '{key:.8}'?"),
    ("66080", "for the images with this seed: `campaign-runner find almond --only seed=66080`"),
    ("almnd", "did you mean 'almond'?"),
    ("oak-tabel", "did you mean 'oak-table'?"),  # words of the prompt
    ("tabel", "did you mean 'table'?"),
    ("12", "at least 8 digits of its key"),
    ("nix.png", "there is no file nix.png, and no image of a campaign has that name; find takes the name of a"),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "told"), SLIPS)
def test_a_slip_is_answered_with_what_was_meant(
    typed: str, told: str, ask: Ask, keys: list[str], tmp_path: Path
) -> None:
    whole = Path(json.loads(ask("find", keys[0], "--json").out)[0]["file"]).name
    words = {
        "key": keys[0],
        "whole": whole,
        "file": whole.replace(f"{keys[0][:8]}", keys[0][:7]),
        "name": whole.replace(f"_{keys[0][:8]}", ""),
        "slip": keys[0][:7] + ("0" if keys[0][7] != "0" else "1"),
    }
    said = ask("find", typed.format(**words))
    assert (said.status, said.out) == (2, "") and told.format(**words) in said.err
