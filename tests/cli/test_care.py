"""`campaign-runner keep` and `prune`, through the command line."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.output_folder.folder import Folder
from tests.campaigns import SPRING
from tests.cli.typed import Ask, AtATerminal
from tests.processes.forks import shared

NEW = SPRING.replace("{candle: candle", "{candle: big candle")
LINE = 'candle, hero, 2 images: "a candle" → "a big candle"'


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `spring` ran in the sandbox."""
    home = tmp_path_factory.mktemp("spring")
    (home / "spring.yaml").write_text(SPRING, encoding="utf-8")
    command = ("run", "--sandbox", "spring.yaml", "--quiet")
    assert shared().run(*command, home=home, env=os.environ | {"XDG_CONFIG_HOME": str(home)}).exit == 0
    return home


@pytest.fixture
def edited(ran: Path, ask: Ask, tmp_path: Path) -> Path:
    """The same, and the words for the candle have changed."""
    shutil.copytree(ran, tmp_path, dirs_exist_ok=True)
    (tmp_path / "spring.yaml").write_text(NEW, encoding="utf-8")
    return tmp_path / "output" / "spring.sandbox"


def images(folder: Path) -> list[Any]:
    found: list[Any] = json.loads((folder / "manifest.json").read_bytes())["images"]
    return found


def test_keep_shows_the_old_words_and_the_new_ones_and_does_nothing_by_itself(edited: Path, ask: Ask) -> None:
    before = (edited / "manifest.json").read_bytes()
    said = ask("keep", "spring", "--sandbox", "--all")
    assert said.status == 0
    assert said.out.splitlines() == [
        LINE, "2 images can be used for the new wording", "nothing was kept; --yes keeps them",
    ]  # fmt: skip
    assert (edited / "manifest.json").read_bytes() == before


def test_keep_keeps_what_was_chosen(edited: Path, ask: Ask) -> None:
    said = ask("keep", "spring", "--sandbox", "--only", "seed=1", "--yes")
    assert said.out.splitlines()[-1] == "1 image kept; nothing was bought"
    kept = images(edited)[0]
    assert (kept["state"], kept["source"]["how"], kept["source"]["prompt"]) == ("stored", "kept", "a candle")
    assert (edited / kept["file"]).exists()
    assert "there      3 stored" in ask("plan", "spring", "--sandbox").out


def test_keep_is_asked_at_a_terminal(edited: Path, at_a_terminal: AtATerminal) -> None:
    for typed, told, status in (("n\n", "nothing was changed", 9), ("y\n", "2 images kept; nothing was bought", 0)):
        said = at_a_terminal("keep", "spring", "--sandbox", "--all", typed=typed)
        assert (
            f"{LINE}\n" in said.out
            and "Use these 2 existing images for the new wording? [y/N]" in said.out
            and told in said.out
            and said.status == status
        )


@pytest.mark.parametrize("arguments", [[], ["--all", "--only", "seed=1"]])
def test_keep_wants_to_be_told_which(arguments: list[str], edited: Path, ask: Ask) -> None:
    said = ask("keep", "spring", "--sandbox", "--yes", *arguments)
    assert (said.status, said.err) == (2, "say which images: --only AXIS=VALUE, or --all\n")


def test_keep_says_where_nothing_fits(edited: Path, ask: Ask) -> None:
    said = ask("keep", "spring", "--sandbox", "--only", "product=soap", "--yes")
    assert (said.status, said.out) == (0, "no stored image matches one that is due\n")


def test_a_file_that_is_gone_cannot_be_kept(edited: Path, ask: Ask) -> None:
    gone = edited / images(edited)[0]["file"]
    gone.unlink()
    said = ask("keep", "spring", "--sandbox", "--all", "--yes")
    assert (said.status, said.out.splitlines()[-1]) == (5, "1 image kept; nothing was bought")
    assert f"{gone} of campaign spring is missing or was changed: it is not used" in said.err


def test_prune_lists_what_left_the_campaign_and_moves_it_when_told(edited: Path, ask: Ask) -> None:
    old = sorted(image["file"] for image in images(edited) if image["product"] == "candle")
    said = ask("prune", "spring", "--sandbox")
    assert said.out.splitlines()[:2] == old
    assert said.out.splitlines()[2].startswith("2 images no longer in the campaign; --yes moves them to ")
    assert all((edited / file).exists() for file in old)
    said = ask("prune", "spring", "--sandbox", "--yes")
    assert said.out == f"2 images moved to {edited / 'removed'}\n"
    left = [image["file"] for image in images(edited) if not image["in_campaign"]]
    assert sorted(left) == [file.replace("images/", "removed/") for file in old]
    assert all((edited / file).exists() for file in left)
    assert ask("prune", "spring", "--sandbox").out.startswith("nothing to move: the campaign uses every stored image")


def test_prune_takes_only_what_was_chosen(edited: Path, ask: Ask) -> None:
    assert ask("prune", "spring", "--sandbox", "--yes", "--only", "seed=2").out.startswith("1 image moved to ")


def test_prune_leaves_what_differs_and_says_so(edited: Path, ask: Ask) -> None:
    altered = edited / images(edited)[0]["file"]
    altered.write_bytes(b"altered")
    said = ask("prune", "spring", "--sandbox", "--yes")
    assert said.status == 5
    assert said.out.startswith("1 image moved to ")
    assert f"{altered.relative_to(edited)}: missing or changed; left alone" in said.err
    assert altered.read_bytes() == b"altered"


@pytest.mark.parametrize("command", [["keep", "--all", "--yes"], ["prune", "--yes"]])
def test_nothing_is_touched_while_a_run_goes_on(command: list[str], edited: Path, ask: Ask) -> None:
    with Folder(edited).locked():
        assert ask(command[0], "spring", "--sandbox", *command[1:]).status == 11
