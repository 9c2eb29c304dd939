"""An output folder held against its record: what differs is named, and nothing else."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from campaign_runner.errors import Busy, UsageError
from campaign_runner.output_folder.folder import Folder
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from campaign_runner.verify.findings import Difference, Verdict
from campaign_runner.verify.verification import verify
from tests.fixtures import Begin

Damage = Callable[[Path], object]


async def held(folder: Path) -> Verdict:
    return await verify(Folder(folder))


def kinds(verdict: Verdict) -> list[str]:
    return [finding.kind for finding in verdict.findings]


def images(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "manifest.json").read_bytes())["images"]
    return found


@pytest.fixture
async def made(begin: Begin, tmp_path: Path) -> Path:
    """A copy of a folder with four images of two requests: what is done to it is nobody else's."""
    night = await begin()
    assert (await night.run(night.campaign(requests=2, seeds=2))).code == 0
    return Path(shutil.copytree(night.output, tmp_path / "output" / "night"))


async def test_a_folder_as_a_run_left_it_is_as_recorded(made: Path) -> None:
    verdict = await held(made)
    assert verdict.is_ok and verdict.images == 4
    assert verdict.bytes == sum(image["bytes"] for image in images(made))


@pytest.mark.parametrize(
    "faults",
    [
        (Fault("extra_output", nth=1),),
        (Fault("wrong_size", "output", nth=1),),
        (Fault("truncated", "output", nth=1),),
        (Fault("without_seed", nth=1),),
        (Fault("other_image_host", nth=1, word="images.example.test"),),
        (Fault("metadata", nth=1),),
        (Fault("failed", nth=1),),
        (Fault("reset_after", nth=1),),
        (Fault("451", nth=1),),
        (Fault("denied_words", nth=1),),
    ],
    ids=lambda faults: faults[0].kind,
)
async def test_whatever_became_of_the_images_the_folder_is_as_recorded(begin: Begin, faults: tuple[Fault, ...]) -> None:
    night = await begin(*faults)
    await night.run(night.campaign(requests=2, seeds=2))
    assert not (await held(night.output)).findings


async def test_a_run_that_was_stopped_and_an_edited_campaign_leave_a_folder_as_recorded(begin: Begin) -> None:
    night = await begin()
    await night.run(night.campaign(requests=2, seeds=2))
    await night.run(night.campaign(requests=2, seeds=2, of="cup"), limits=Limits(max_requests=1))
    assert not (await held(night.output)).findings
    night.campaign(requests=1, seeds=2)  # edited again, not run
    assert not (await held(night.output)).findings


async def test_a_custom_model_is_no_difference(begin: Begin) -> None:
    night = await begin()
    await night.run(night.custom("Warm Custom Model"))
    assert not (await held(night.output)).findings


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-700])


def repainted(file: Path) -> None:
    with Image.open(file) as picture:
        Image.new("RGB", picture.size, (1, 2, 3)).save(file, "JPEG")


def resized(file: Path) -> None:
    with Image.open(file) as picture:
        picture.resize((100, 100)).save(file, "JPEG")


def linked(file: Path) -> None:
    file.rename(file.with_suffix(".real"))
    file.symlink_to(file.with_suffix(".real"))


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGES: list[tuple[Damage, str, str]] = [
    (Path.unlink, "missing", "it is gone"),
    (cut, "cut", "the picture is cut"),
    (lambda file: file.write_bytes(b""), "cut", "it is empty"),
    (lambda file: file.write_bytes(file.read_bytes() + b"more"), "same_pixels", "4 bytes more"),
    (lambda file: file.write_text("a note"), "not_a_picture", "not a JPEG, PNG or WebP"),
    (repainted, "other_bytes", "a whole picture (image/jpeg)"),
    (resized, "other_size", "of 100x100, not of 1024x1024"),
]


@pytest.mark.parametrize(("damage", "kind", "words"), DAMAGES, ids=[kind for _, kind, _ in DAMAGES])
async def test_an_image_that_differs_is_named_with_how_and_the_command(
    made: Path, damage: Damage, kind: str, words: str
) -> None:
    image = images(made)[1]
    damage(made / image["file"])
    (finding,) = (await held(made)).findings
    assert (finding.kind, finding.file, finding.key) == (kind, image["file"], image["key"])
    assert words in finding.message
    manifest = made / "manifest.json"
    assert finding.mend == f"campaign-runner rerun {manifest} --only key={image['key'][:8]} --restore"


async def test_one_flipped_bit_is_seen(made: Path) -> None:
    flipped(made / images(made)[2]["file"])
    (finding,) = (await held(made)).findings
    assert finding.key == images(made)[2]["key"]


async def test_two_images_that_changed_places_are_told_so(made: Path) -> None:
    one, other = (made / image["file"] for image in images(made)[:2])
    one.rename(made / "kept")
    other.rename(one)
    (made / "kept").rename(other)
    verdict = await held(made)
    assert kinds(verdict) == ["swapped", "swapped"]
    assert images(made)[1]["file"] in verdict.findings[0].message


async def test_an_image_that_was_only_renamed_is_not_to_be_bought_again(made: Path) -> None:
    first, second, *_ = images(made)
    (made / first["file"]).rename(made / "images" / "best.jpg")
    (made / second["file"]).unlink()
    verdict = await held(made)
    assert sorted(kinds(verdict)) == ["missing", "moved"]
    (moved,) = (finding for finding in verdict.findings if finding.kind == "moved")
    assert (moved.file, moved.mend) == (first["file"], None)
    assert moved.message == "it was moved to images/best.jpg: move it back"
    assert verdict.mend_all is None


async def test_where_several_are_damaged_one_command_mends_them_all(made: Path) -> None:
    for image in images(made)[:2]:
        (made / image["file"]).unlink()
    verdict = await held(made)
    assert verdict.mend_all is not None and verdict.mend_all.endswith("manifest.json --restore")
    assert any(verdict.mend_all in line for line in verdict.lines(5))


async def test_a_link_in_the_place_of_an_image_is_not_followed(made: Path) -> None:
    linked(made / images(made)[0]["file"])
    assert kinds(await held(made)) == ["in_the_way", "unknown"]


async def test_files_that_nobody_knows_are_named_left_alone_and_no_damage(made: Path) -> None:
    first = images(made)[0]["file"]
    copy = first.replace(".jpg", " (Anna's conflicted copy 2026-11-28).jpg")
    for name in (".DS_Store", "images/Thumbs.db", "images/p00/._a.jpg", "images/p00/a.jpg.xmp", "Icon\r", ".staging/x"):
        (made / name).write_text("left behind")
    (made / ".dropbox.cache").mkdir()
    (made / "picks").mkdir()
    for name in ("notes.txt", "images/p00/copy.jpg", copy, "picks/a.jpg", "picks/b.jpg", ".dropbox.cache/x"):
        (made / name).write_text("whose?")
    verdict = await held(made)
    assert {finding.file for finding in verdict.findings} == {
        *("notes.txt", "images/p00/copy.jpg", copy, "picks/a.jpg", "picks/b.jpg")
    }
    assert verdict.is_ok and Counter(kinds(verdict)) == {"unknown": 4, "conflict_copy": 1}
    told = "\n".join(verdict.lines(0))
    assert "not part of this campaign (left alone): images/p00/copy.jpg, notes.txt, picks/ (2 files)" in told
    assert f"a sync client's conflict copy of {first} (left alone)" in told
    assert told.endswith("ok images=4 differing=0 unknown=5 exit=0")


def manifest_with(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(manifest | changes), encoding="utf-8")


def edited(folder: Path, **changes: object) -> None:
    """One image of the manifest is told otherwise."""
    first, *others = images(folder)
    manifest_with(folder, images=[first | changes, *others])


EDITS: list[tuple[str, Damage, str]] = [
    ("gone", lambda folder: (folder / "manifest.json").unlink(), "is gone"),
    ("torn", lambda folder: cut(folder / "manifest.json"), "is not a manifest"),
    ("not json", lambda folder: (folder / "manifest.json").write_bytes(b"\xff\xfe"), "is not a manifest"),
    ("another state", lambda folder: edited(folder, state="pending"), "(state)"),
    ("another size", lambda folder: edited(folder, bytes=7), "(bytes)"),
    ("another seed", lambda folder: edited(folder, seed=77), "its seed and recipe do not match"),
    ("another prompt", lambda folder: edited(folder, prompt="a cup"), "its prompt or size does not match its request"),
    ("a path that leads away", lambda folder: edited(folder, file="../x.jpg"), "is not a name of an image"),
    ("an image left out", lambda folder: manifest_with(folder, images=images(folder)[1:]), "(left out)"),
    ("an image twice", lambda folder: manifest_with(folder, images=images(folder) * 2), "its key appears twice"),
    ("other figures", lambda folder: manifest_with(folder, requests={"submitted": 9, "accepted": 9}), "requests"),
    ("a field of its own", lambda folder: manifest_with(folder, note="mine"), "note: Extra inputs"),
    ("another order", lambda folder: manifest_with(folder, images=images(folder)[::-1]), "its order, names or figures"),
    ("another name", lambda folder: edited(folder, product="p07"), "its order, names or figures"),
]


@pytest.mark.parametrize(("edit", "words"), [edit[1:] for edit in EDITS], ids=[edit[0] for edit in EDITS])
async def test_a_manifest_that_is_not_what_the_journal_says_is_one_finding(
    begin: Begin, edit: Damage, words: str
) -> None:
    night = await begin()
    await night.run(night.campaign(requests=2, seeds=2))
    before = (night.output / "manifest.json").read_bytes()
    edit(night.output)
    (finding,) = (await held(night.output)).findings
    assert (finding.kind, finding.file) == ("manifest", "manifest.json")
    assert words in finding.message
    assert finding.mend == f"campaign-runner run {night.home}/campaigns/night.yaml"
    assert (await night.run()).code == 0  # what the command does
    assert (night.output / "manifest.json").read_bytes() == before
    assert len(night.ledger.charged) == 4


async def test_without_its_journal_the_images_are_held_against_the_manifest(made: Path) -> None:
    (made / "journal.sqlite").unlink()
    cut(made / images(made)[0]["file"])
    verdict = await held(made)
    assert kinds(verdict) == ["journal", "cut"]
    assert verdict.images == 4


def scribbled(journal: Path) -> None:
    content = bytearray(journal.read_bytes())
    content[-2000:] = b"\xff" * 2000
    journal.write_bytes(content)


def orphaned(journal: Path) -> None:
    with sqlite3.connect(journal) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("DELETE FROM attempts WHERE number = 1")
    db.close()


@pytest.mark.parametrize("damage", [scribbled, orphaned])
async def test_a_damaged_journal_is_named_and_the_images_are_held_against_the_manifest(
    made: Path, damage: Damage
) -> None:
    damage(made / "journal.sqlite")
    verdict = await held(made)
    assert kinds(verdict) == ["journal"]
    assert "is damaged" in verdict.findings[0].message
    assert verdict.images == 4


async def test_nothing_in_the_folder_is_changed(made: Path) -> None:
    def state() -> dict[str, tuple[int, bytes]]:
        files = (file for file in made.rglob("*") if file.is_file() and "journal.sqlite-" not in file.name)
        return {str(file): (file.stat().st_mtime_ns, file.read_bytes()) for file in files}

    before = state()
    cut(made / images(made)[0]["file"])
    damaged = state()
    await held(made)
    assert state() == damaged != before


async def test_it_is_refused_while_a_run_goes_on(made: Path) -> None:
    with Folder(made).locked(), pytest.raises(Busy, match="when it has ended"):
        await held(made)


async def test_a_folder_without_any_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a journal nor a manifest"):
        await held(tmp_path)


def test_the_last_line_is_for_machines_and_nothing_steers_the_terminal() -> None:
    findings = (Difference("cut", "cut", "images/a.jpg"), Difference("unknown", "whose", "a\x1b[2J\udcff.txt"))
    lines = list(Verdict("spring", Path("/x"), 9, 5, findings).lines(5))
    assert lines[-1] == "attention images=9 differing=1 unknown=1 exit=5"
    assert "\x1b" not in "".join(lines)
    "".join(lines).encode()


def test_differences_are_grouped_by_kind_and_the_first_few_are_named() -> None:
    lost = [
        Difference("missing", "it is gone", f"images/{number}.jpg", f"{number:064}", "mend") for number in range(20)
    ]
    cut = [
        Difference("cut", f"{left} of 9 bytes are left", f"images/cut{left}.jpg", "e" * 64, "mend") for left in (5, 7)
    ]
    lines = list(Verdict("spring", Path("/x"), 30, 5, (lost[0], *cut, *lost[1:]), "mend all").lines(5))
    assert lines[2] == "  20 missing: it is gone"
    assert lines[3:11] == [f"      images/{number}.jpg" for number in range(8)]
    assert lines[11:13] == ["      and 12 more: campaign-runner verify /x --json", "      mend"]
    assert lines[14:17] == [
        "  2 cut",
        "      images/cut5.jpg: 5 of 9 bytes are left",
        "      images/cut7.jpg: 7 of 9 bytes are left",
    ]
    assert "mend all" in lines[-3]


def test_where_each_needs_a_command_of_its_own_all_are_shown_unless_one_mends_them_all() -> None:
    lost = tuple(Difference("missing", "it is gone", f"{name}.jpg", name, f"mend {name}") for name in "ab")
    assert [line.strip() for line in Verdict("spring", Path("/x"), 2, 5, lost).lines(5)][2:7] == [
        "2 missing: it is gone", "a.jpg", "b.jpg", "mend a", "mend b",
    ]  # fmt: skip
    assert not any(line.strip() == "mend a" for line in Verdict("spring", Path("/x"), 2, 5, lost, "all").lines(5))
