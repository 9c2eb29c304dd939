"""A campaign that ran is found by its name from every folder; `list` shows all there are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.campaigns import SPRING, written
from tests.cli.typed import Ask

NEW = SPRING.replace("spring", "summer")


@pytest.fixture
def elsewhere(ask: Ask, account: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`spring` was bought in a folder that is left again; what is here is empty."""
    home = tmp_path / "season"
    (home / "campaigns").mkdir(parents=True)
    (home / "campaigns" / "spring.yaml").write_text(SPRING, encoding="utf-8")
    assert ask("run", home / "campaigns" / "spring.yaml", "--no-review", **account).status == 0
    here = tmp_path / "elsewhere"
    here.mkdir()
    monkeypatch.chdir(here)
    return home


@pytest.mark.parametrize("command", [["status"], ["plan"], ["verify"], ["resolve"], ["find"], ["prune"], ["doctor"]])
def test_a_name_leads_to_a_campaign_from_every_folder(command: list[str], elsewhere: Path, ask: Ask) -> None:
    said = ask(*command, "spring")
    assert said.status == 0, said.err
    assert list(Path().iterdir()) == []


def test_what_lies_beside_it_has_a_name_too(elsewhere: Path, ask: Ask) -> None:
    assert ask("run", "--sandbox", elsewhere / "campaigns" / "spring.yaml", "--quiet").status == 0
    assert "4 of 4 images stored" in ask("status", "spring", "--sandbox").out
    assert "4 of 4 images stored" in ask("status", "spring.sandbox").out


def test_a_name_that_two_have_says_where_they_are(elsewhere: Path, ask: Ask, tmp_path: Path) -> None:
    shutil.copytree(elsewhere / "campaigns", tmp_path / "other" / "campaigns")
    assert ask("run", tmp_path / "other" / "campaigns" / "spring.yaml", "--max-requests", "1").status == 9
    said = ask("status", "spring")
    assert said.status == 2
    assert "2 campaigns here are called 'spring'" in said.err
    assert f"{tmp_path}/other/output/spring or {elsewhere}/output/spring" in said.err
    assert ask("status", elsewhere / "output" / "spring").status == 0


def test_a_slip_in_the_name_is_answered_with_the_name(elsewhere: Path, ask: Ask) -> None:
    said = ask("status", "sprnig")
    assert (said.status, said.err) == (2, "no campaign named 'sprnig' found; did you mean 'spring'?\n")


def test_nothing_near_leads_to_the_list(elsewhere: Path, ask: Ask) -> None:
    assert "`campaign-runner list` shows what this machine knows" in ask("status", "xyz").err


def test_list_says_how_each_stands_and_when_it_last_ran(elsewhere: Path, ask: Ask) -> None:
    (elsewhere / "campaigns" / "summer.yaml").write_text(NEW, encoding="utf-8")
    said = ask("list")
    home, spring, summer = said.out.splitlines()
    assert (said.status, home) == (0, str(elsewhere / "output"))
    assert spring.startswith("  spring   4 of 4 images stored; ran ") and spring.endswith(", exit status 0")
    assert summer == "  summer   not run yet"
    assert "reuse      4 images of spring" in ask("plan", "summer").out


def test_list_for_machines(elsewhere: Path, ask: Ask) -> None:
    (spring,) = json.loads(ask("list", "--json").out)
    assert (spring["name"], spring["exit"], spring["running"]) == ("spring", 0, False)
    assert spring["folder"] == str(elsewhere / "output" / "spring")
    assert spring["file"] == str(elsewhere / "campaigns" / "spring.yaml")
    assert spring["counts"]["stored"] == 4 and spring["began"] <= spring["ended"]


def test_list_without_any_campaign_names_the_first_step(ask: Ask) -> None:
    said = ask("list")
    assert (said.status, said.out.count("campaign-runner init")) == (0, 1)


def test_list_shows_what_cannot_be_read_beside_the_others(elsewhere: Path, ask: Ask) -> None:
    journal = elsewhere / "output" / "broken" / "journal.sqlite"
    journal.parent.mkdir()
    journal.write_bytes(b"not a journal" * 1000)
    broken, spring = ask("list").out.splitlines()[1:]
    assert broken.startswith("  broken   ") and str(journal) in broken
    assert "4 of 4 images stored" in spring


def test_list_shows_a_campaign_whose_file_has_problems_as_it_last_ran(elsewhere: Path, ask: Ask) -> None:
    (elsewhere / "campaigns" / "spring.yaml").write_text("campaign: spring\nmodle: image3\n", encoding="utf-8")
    assert "  spring   4 of 4 images stored; ran " in ask("list").out


def test_status_says_when_it_last_ran(elsewhere: Path, ask: Ask) -> None:
    (last,) = [line for line in ask("status", "spring").out.splitlines() if line.startswith("  last ")]
    assert last.startswith("  last    ran ") and last.endswith(", exit status 0")


def test_a_file_is_not_taken_for_a_campaign_because_it_is_yaml(ask: Ask, tmp_path: Path) -> None:
    written(tmp_path, "almond.yaml")
    (tmp_path / "compose.yaml").write_text("services: {}\n", encoding="utf-8")
    assert [line.split()[0] for line in ask("list").out.splitlines()[1:]] == ["almond"]


def test_rerun_takes_a_name(elsewhere: Path, ask: Ask) -> None:
    said = ask("rerun", "spring", "--sandbox", "--only", "seed=1", "--only", "product=soap", "--into", "again")
    assert "again   1 image (1 request, 1 min) of " in said.out, said.err
    assert Path("again").is_dir()


def test_rerun_of_what_was_only_rehearsed_rehearses_that(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "spring.yaml").write_text(SPRING, encoding="utf-8")
    assert ask("run", "--sandbox", "spring.yaml", "--quiet").status == 0
    assert ask("rerun", "spring", "--sandbox", "--quiet").status == 0
    assert (tmp_path / "output" / "spring.sandbox.rerun.sandbox").is_dir() or list(tmp_path.glob("output/*rerun*"))
