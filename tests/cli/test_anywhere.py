"""A campaign that ran is found by its name from every folder; `list` shows all there are."""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
from pathlib import Path

import pytest

from campaign_runner.output_folder.registry import RunRegistry
from tests.campaigns import SPRING, plan, written
from tests.cli.typed import Ask
from tests.recorded import record

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


@pytest.mark.parametrize("command", ["status", "plan", "verify", "resolve", "find", "prune", "doctor", "check"])
def test_a_name_leads_to_a_campaign_from_every_folder(command: str, elsewhere: Path, ask: Ask) -> None:
    said = ask(command, "spring")
    assert said.status == 0, said.err
    assert list(Path().iterdir()) == []


def test_doctor_tells_of_an_edit_that_a_night_would_be_refused_for(elsewhere: Path, ask: Ask) -> None:
    file = elsewhere / "campaigns" / "spring.yaml"
    file.write_text(SPRING.replace("a {", "one {"), encoding="utf-8")
    said = ask("doctor", "spring")
    assert said.status == 2
    assert "record    the campaign changed since the last run: 4 of 4 stored images would no" in said.out
    assert "--accept changes" in said.out
    night = ask("run", file, "--quiet")
    assert (night.status, "--accept changes" in night.err) == (2, True)


def test_what_lies_beside_it_has_a_name_too(elsewhere: Path, ask: Ask) -> None:
    assert ask("run", "--sandbox", elsewhere / "campaigns" / "spring.yaml", "--quiet").status == 0
    assert "4 of 4 images stored" in ask("status", "spring", "--sandbox").out
    assert "4 of 4 images stored" in ask("status", "spring.sandbox").out


@pytest.mark.parametrize("name", ["spring.sandbox", "output/spring.sandbox"])
def test_a_rehearsal_is_not_bought_by_its_name(name: str, ask: Ask, account: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "spring.yaml").write_text(SPRING, encoding="utf-8")
    assert ask("run", "--sandbox", "spring", "--no-review", "--quiet").status == 0
    said = ask("run", name, "--no-review", **account)
    assert (said.status, said.out) == (2, "attention exit=2\n") and not (tmp_path / "output" / "spring").exists()
    file = tmp_path / "spring.yaml"
    told = f"rehearse again: `campaign-runner run {file} --sandbox`; to buy: `campaign-runner run {file}`\n"
    assert told in said.err
    assert ask("run", "--sandbox", name, "--no-review", "--quiet").status == 0


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
    assert spring.startswith("  spring   4 of 4 images stored; ran ") and spring.endswith(
        ", exit status 0; bought 4 images in 2 requests"
    )
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
    broken, verify, spring = ask("list").out.splitlines()[1:]
    assert broken.startswith("  broken   ") and str(journal) in broken
    assert verify.split() == ["next:", "campaign-runner", "verify", str(journal.parent)]
    assert "4 of 4 images stored" in spring


@pytest.mark.parametrize("command", ["list", "status broken --sandbox", "verify broken --sandbox"])
def test_the_damaged_record_of_a_rehearsal_is_deleted_and_made_again(command: str, tmp_path: Path, ask: Ask) -> None:
    folder = tmp_path / "output" / "broken.sandbox"
    folder.mkdir(parents=True)
    (folder / "journal.sqlite").write_bytes(b"not a journal" * 1000)
    said = ask(*command.split())
    told = said.out + said.err
    assert f"It is of a rehearsal, and cost nothing: delete {folder} and run with --sandbox again" in told
    assert "backup" not in told


def test_list_says_of_a_rehearsal_that_was_stopped_how_to_begin_it_again(tmp_path: Path, ask: Ask) -> None:
    written(tmp_path)
    asyncio.run(record(tmp_path / "output" / "almond.sandbox", plan(tmp_path), ["in_doubt", "accepted", "stored"]))
    told = ask("list").out
    assert "1 in doubt, 1 forgotten by the sandbox" in told and f"run {tmp_path}/almond.yaml --sandbox" in told


def test_list_shows_a_campaign_whose_file_has_problems_as_it_last_ran(elsewhere: Path, ask: Ask) -> None:
    (elsewhere / "campaigns" / "spring.yaml").write_text("campaign: spring\nmodle: image3\n", encoding="utf-8")
    said = ask("list").out
    assert "  spring   4 of 4 images stored; its file has problems; ran " in said
    assert said.endswith(f"next: campaign-runner check {elsewhere}/campaigns/spring.yaml\n")


def test_list_after_an_edit_says_what_is_there_and_that_the_file_changed(elsewhere: Path, ask: Ask) -> None:
    file = elsewhere / "campaigns" / "spring.yaml"
    file.write_text(SPRING.replace("a {", "one {"), encoding="utf-8")
    said = ask("list").out
    stored = "0 of 4 images stored, 4 more of earlier words or sizes; 4 not requested yet"
    assert f"  spring   {stored}; its file changed since the last run; ran " in said
    assert said.endswith(f"           next: campaign-runner plan {file}\n")
    (spring,) = json.loads(ask("list", "--json").out)
    assert (spring["kept"], spring["edited"], spring["next"]) == (4, True, f"campaign-runner plan {file}")


def test_list_says_how_to_go_on(elsewhere: Path, ask: Ask) -> None:
    (file := elsewhere / "campaigns" / "summer.yaml").write_text(NEW.replace("soap", "soapdish"), encoding="utf-8")
    assert ask("run", file, "--max-requests", "1", "--no-review", "--no-reuse").status == 9
    assert ask("list").out.endswith(f"\n           next: campaign-runner run {file}\n")


def test_a_campaign_file_that_was_renamed_is_one_campaign_and_its_old_place_is_said(
    elsewhere: Path, ask: Ask, account: dict[str, str]
) -> None:
    file = elsewhere / "campaigns" / "spring.yaml"
    new = file.rename(file.with_name("spring-2027.yaml"))
    (line,) = ask("list").out.splitlines()[1:]
    assert line.startswith(
        "  spring   4 of 4 images stored; its file is spring-2027.yaml now (it was spring.yaml); ran "
    )
    refused = ask("plan", "spring")
    assert refused.status == 2
    assert f"gone: it was {file}. Put it back where it was; if it was renamed, run it once by its" in refused.err
    assert ask("run", new, "--no-review", **account).status == 0
    assert ask("plan", "spring").status == 0
    assert "its file is" not in ask("list").out


def test_a_campaign_file_that_is_gone_is_listed_with_its_old_place(elsewhere: Path, ask: Ask) -> None:
    (file := elsewhere / "campaigns" / "spring.yaml").unlink()
    assert f"4 of 4 images stored; its file is gone (it was {file}); ran " in ask("list").out


def test_status_says_when_it_last_ran(elsewhere: Path, ask: Ask) -> None:
    (last,) = [line for line in ask("status", "spring").out.splitlines() if line.startswith("  last ")]
    assert last.startswith("  last    ran ") and last.endswith(", exit status 0; bought 4 images in 2 requests")


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


@pytest.fixture
def rehearsed(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`spring` ran in the sandbox alone, in a folder that is left again."""
    home = tmp_path / "season"
    (home / "campaigns").mkdir(parents=True)
    (home / "campaigns" / "spring.yaml").write_text(SPRING, encoding="utf-8")
    assert ask("run", "--sandbox", home / "campaigns" / "spring.yaml", "--no-review").status == 0
    here = tmp_path / "elsewhere"
    here.mkdir()
    monkeypatch.chdir(here)
    return home


def test_what_ran_only_in_the_sandbox_is_listed_and_has_a_name_everywhere(rehearsed: Path, ask: Ask) -> None:
    home, real, sandbox = ask("list").out.splitlines()
    assert (home, real) == (str(rehearsed / "output"), "  spring           not run yet")
    assert sandbox.startswith("  spring.sandbox   in the sandbox; 4 of 4 images stored; ran ")
    assert [each["sandbox"] for each in json.loads(ask("list", "--json").out)] == [False, True]
    for words in (["status", "spring.sandbox"], ["status", "spring", "--sandbox"], ["plan", "spring"]):
        assert ask(*words).status == 0
    assert "see it with --sandbox" in ask("status", "spring").err
    assert ask("find", "soap").status == 0, "rehearsals are searched from everywhere, too"


def test_a_rehearsal_whose_folder_is_gone_is_forgotten(rehearsed: Path, ask: Ask, tmp_path: Path) -> None:
    shutil.rmtree(rehearsed / "output")
    assert ask("run", "--sandbox", written(tmp_path, "almond.yaml"), "--no-review", "--quiet").status == 0
    assert [folder.name for _, folder in RunRegistry(tmp_path / "state").rehearsed()] == ["almond.sandbox"]


def test_a_state_folder_that_cannot_be_written_keeps_no_rehearsal_from_running(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in its place", encoding="utf-8")
    assert ask("run", "--sandbox", written(tmp_path), "--no-review", "--quiet").status == 0


def test_list_and_status_agree_about_a_rerun(elsewhere: Path, ask: Ask, tmp_path: Path) -> None:
    into = elsewhere / "output" / "spring.rerun"
    assert ask("rerun", "spring", "--sandbox", "--into", into, "--quiet").status in (0, 5)
    (line,) = [line for line in ask("list").out.splitlines() if line.startswith("  spring.rerun")]
    assert line.startswith("  spring.rerun   a rerun; ") and "; bought " in line
    said = ask("status", "spring.rerun")
    first, _, last, files, compare, going_on = said.out.splitlines()
    assert said.status == 0 and first.startswith("spring.rerun   a rerun of spring of ")
    assert last.startswith("  last      ran ") and "; bought " in last
    assert (files, compare) == (f"  files     {into}/images", f"  compare   {into}/comparison.html")
    command = f"campaign-runner rerun {elsewhere}/output/spring/manifest.json --into {into} --sandbox"
    assert going_on == f"  next      to go on, or compare again: {command}"
    assert ask(*shlex.split(command)[1:], "--quiet").status in (0, 5)
    assert json.loads(ask("status", "spring.rerun", "--json").out)["rerun_of"].startswith("spring of ")
    for command_word in ("plan", "review", "deliver", "prune"):
        refused = ask(command_word, "spring.rerun")
        assert (refused.status, refused.err.count("campaign-runner status ")) == (2, 1), refused


def test_status_and_list_say_what_the_last_run_alone_bought(elsewhere: Path, ask: Ask, account: dict[str, str]) -> None:
    assert "; bought 4 images in 2 requests" in ask("status", "spring").out
    said = ask("run", elsewhere / "campaigns" / "spring.yaml", "--no-review")
    assert "  money   4 images paid and kept; this run bought nothing\n" in said.out
    assert "exit status 0; bought nothing" in ask("list").out
    (spring,) = json.loads(ask("list", "--json").out)
    assert spring["bought"] == {"images": 0, "requests": 0}


def test_a_file_that_is_elsewhere_is_named(elsewhere: Path, ask: Ask) -> None:
    there = elsewhere / "campaigns" / "spring.yaml"
    for typed in ("spring.yaml", "sprng.yaml"):
        said = ask("plan", typed)
        assert (said.status, said.err) == (2, f"{typed}:1:1: file not found; did you mean '{there}'?\n")
    assert "`campaign-runner list` shows" in ask("plan", "nofile.yaml").err
    assert "`campaign-runner list` shows" in ask("check", "nofile.yaml").out


def test_a_name_that_no_campaign_has_does_not_keep_others_from_being_checked(elsewhere: Path, ask: Ask) -> None:
    said = ask("check", "nofile", elsewhere / "campaigns" / "spring.yaml")
    assert (said.status, said.err) == (2, "")
    assert said.out.startswith("nofile:1:1: file not found\n") and "spring.yaml: ok\n" in said.out


def test_a_folder_in_the_place_of_a_file_is_answered_with_its_files(elsewhere: Path, ask: Ask) -> None:
    said = ask("check", elsewhere / "campaigns")
    assert said.status == 2 and "this is a folder\nname the files in it: " in said.out
    assert str(elsewhere / "campaigns" / "spring.yaml") in said.out


def test_an_image_that_was_deleted_by_hand_is_told(elsewhere: Path, ask: Ask) -> None:
    assert "gone" not in ask("status", "spring").out
    first, *_ = sorted((elsewhere / "output" / "spring" / "images").rglob("*.jpg"))
    first.unlink()
    folder = elsewhere / "output" / "spring"
    told = f"  gone    1 stored image without a file; `campaign-runner verify {folder}` names it and the way back\n"
    assert told in ask("status", "spring").out
    key = first.stem.rpartition("_")[2]
    assert "  now        stored, but its file is gone" in ask("find", key).out
    rows = ask("find", "spring").out.splitlines()
    assert [row.endswith(" (missing)") for row in rows if key in row] == [True]
    assert sum(row.endswith(" (missing)") for row in rows) == 1
