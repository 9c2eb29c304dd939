"""Nothing in a target is touched that we did not put there, whatever it is called; what is refused is refused first."""

from __future__ import annotations

import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from campaign_runner.deliver.file_names import kept
from campaign_runner.deliver.handover.upload_list import harmless
from tests.cli.typed import Ask
from tests.deliver.stored import store
from tests.deliver.test_command import SPRING, delivered, digests

OURS = "shop/spring_candle_hero_shop_320x180.jpg"


def contents(place: Path) -> dict[str, bytes]:
    """Everything in a folder."""
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", [OURS, "upload.csv"])
def test_a_stranger_under_a_name_of_ours_refuses_the_whole_delivery(name: str, tmp_path: Path, ask: Ask) -> None:
    store(tmp_path, SPRING)
    target = tmp_path / "share"
    (target / name).parent.mkdir(parents=True)
    (target / name).write_bytes(b"somebody else's")
    said = ask("deliver", "spring", "--all", "--to", target)
    assert said.status == 5 and name in said.err and "nothing was written" in said.err
    assert contents(target) == {name: b"somebody else's"}


def test_strangers_under_other_names_stay_through_all_deliveries(tmp_path: Path, ask: Ask) -> None:
    store(tmp_path, SPRING)
    target = tmp_path / "share"
    theirs = {"notes.txt": b"mine", "shop/spring.jpg": b"also mine", ".hidden.tmp": b"too"}
    for name, content in theirs.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(content)
    for flags in (("--all",), ("--only", "product=soap", "--all"), ()):
        assert ask("deliver", "spring", "--to", target, *flags).status == 0
        assert theirs.items() <= contents(target).items()


def test_a_delivered_file_that_was_changed_is_never_moved_or_replaced(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    ask("deliver", "spring", "--all")
    (folder.path / "deliver" / OURS).write_bytes(b"retouched")
    said = ask("deliver", "spring")  # nothing is picked: all would leave
    assert said.status == 5 and OURS in said.err
    assert (folder.path / "deliver" / OURS).read_bytes() == b"retouched"
    assert len(delivered(folder)) == 5


def test_a_file_that_is_gone_is_made_again_with_the_same_bytes(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    ask("deliver", "spring", "--all")
    before = contents(folder.path / "deliver")
    (folder.path / "deliver" / OURS).unlink()
    said = ask("deliver", "spring", "--all")
    assert said.status == 0 and "made=1 unchanged=3" in said.out
    assert contents(folder.path / "deliver") == before


def test_no_link_in_a_target_is_followed(tmp_path: Path, ask: Ask) -> None:
    store(tmp_path, SPRING)
    target, outside = tmp_path / "share", tmp_path / "outside"
    target.mkdir()
    outside.mkdir()
    (target / "shop").symlink_to(outside)
    said = ask("deliver", "spring", "--all", "--to", target)
    assert said.status == 5 and list(outside.iterdir()) == []


def test_a_target_inside_the_output_folder_is_refused(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    said = ask("deliver", "spring", "--all", "--to", folder.images)
    assert said.status == 2 and "choose another with --to" in said.out + said.err


def test_an_original_that_was_changed_is_not_delivered(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    victim = next(iter(sorted(digests(folder))))
    victim.write_bytes(victim.read_bytes() + b"more")
    said = ask("deliver", "spring", "--all")
    assert said.status == 5 and f"{victim.relative_to(folder.path)} is not what was stored" in said.out
    assert len(delivered(folder)) == 4


def test_an_original_that_is_gone_is_told_and_the_others_are_delivered(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    next(iter(sorted(digests(folder)))).unlink()
    said = ask("deliver", "spring", "--all")
    assert said.status == 5 and "is gone" in said.out
    assert len(delivered(folder)) == 4


def test_a_full_disk_leaves_nothing_half_and_going_on_completes_it(
    tmp_path: Path, ask: Ask, small_disk: Callable[[str], Path]
) -> None:
    store(tmp_path, SPRING)
    share = small_disk("size=64k")
    filler = share / "filler"
    filler.write_bytes(b"x" * 36_000)
    said = ask("deliver", "spring", "--all", "--to", share / "aw26")
    assert said.status == 6 and "the disk is full" in said.err
    filler.unlink()
    said = ask("deliver", "spring", "--all", "--to", share / "aw26")
    assert said.status == 0, said.err
    assert len(contents(share)) == 5


def test_zip_files_hold_what_is_delivered_by_the_first_folder(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    ask("deliver", "spring", "--all", "--zip")
    root = folder.path / "deliver"
    assert sorted(path.name for path in root.glob("*.zip")) == ["spring_display-rectangle.zip", "spring_shop.zip"]
    with ZipFile(root / "spring_shop.zip") as archive:
        names = [name for name in delivered(folder) if name.startswith("shop/")]
        assert archive.namelist() == [*names, "upload.csv"]
        assert all(archive.read(name) == (root / name).read_bytes() for name in names)
        assert archive.testzip() is None


def test_a_second_campaign_in_the_same_folder_is_told_to_take_its_own_before_anything_is_written(
    tmp_path: Path, ask: Ask
) -> None:
    store(tmp_path, SPRING)
    store(tmp_path, SPRING.replace("campaign: spring", "campaign: autumn"), name="autumn")
    hand = tmp_path / "hand over"
    assert ask("deliver", "spring", "--all", "--to", hand).status == 0
    before = sorted(hand.rglob("*"))
    said = ask("deliver", "autumn", "--all", "--to", hand)
    assert (said.status, sorted(hand.rglob("*"))) == (5, before)
    own = f"--to '{hand}-autumn'"
    assert f"Two campaigns cannot be delivered into one folder: give this one its own, {own}; or move it" in said.err
    assert ask("deliver", "autumn", "--all", "--to", f"{hand}-autumn").status == 0


def test_a_zip_file_that_would_lack_a_file_is_not_made_and_it_says_what_helps(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    ask("deliver", "spring", "--all")
    (folder.path / "deliver" / OURS).unlink()
    said = ask("deliver", "spring", "--all", "--zip", "--only", "product=soap")
    assert said.status == 5 and f"spring_shop.zip was not made: {OURS} is gone" in said.err
    assert not (folder.path / "deliver" / "spring_shop.zip").exists()
    said = ask("deliver", "spring", "--all", "--zip")
    assert said.status == 0 and "spring_shop.zip" in said.out


def test_a_zip_file_that_no_longer_holds_what_is_delivered_is_not_left_lying(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    ask("deliver", "spring", "--all", "--zip")
    said = ask("deliver", "spring")
    assert "spring_shop.zip contained other files and was removed" in said.out
    assert delivered(folder) == ["upload.csv"]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("../../etc/passwd", "..-..-etc-passwd"),
        ("almond candle", "almond-candle"),
        ("C:\\aux", "C-aux"),
        ("Mandel\u00adkerze\u202e", "Mandel-kerze"),
        ("e\u0301clair", "\u00e9clair"),
        ("アーモンド", "アーモンド"),
        ("a\nb\0c", "a-b-c"),
    ],
)
def test_of_a_word_only_letters_digits_and_a_few_signs_come_into_a_name(value: str, name: str) -> None:
    assert kept(value) == name


@pytest.mark.parametrize(
    ("art", "what"),
    [
        ("con", "Windows keeps it for a device"),
        ("..", "cannot be the name of a file"),
        ("-x", "cannot be the name of a file"),
        ("x" * 130, "more than name_max (120)"),
        ("香" * 100, "bytes, and disks take 255"),
    ],
)
def test_names_that_no_disk_should_have_are_refused_before_anything_is_written(
    art: str, what: str, tmp_path: Path, ask: Ask
) -> None:
    text = SPRING.replace("candle: almond candle", f'candle: {{name: almond candle, art: "{art}"}}')
    text = text.replace("soap: almond soap", "soap: {name: almond soap, art: s1}")
    folder = store(tmp_path, text.replace("deliver:\n", 'deliver:\n  name: "{product.art}.{channel}"\n'))
    said = ask("deliver", "spring", "--all")
    assert said.status == 2 and what in said.out + said.err
    assert not (folder.path / "deliver").exists()


def test_two_names_that_differ_in_case_only_are_refused(tmp_path: Path, ask: Ask) -> None:
    text = SPRING.replace("candle: almond candle", "candle: {name: almond candle, art: HC1}")
    text = text.replace("soap: almond soap", "soap: {name: almond soap, art: hc1}")
    folder = store(tmp_path, text.replace("deliver:\n", 'deliver:\n  name: "{product.art}_{channel}"\n'))
    said = ask("deliver", "spring", "--all")
    assert said.status == 2 and "two files would be called" in said.out + said.err
    assert not (folder.path / "deliver").exists()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@sum", "'@sum"),
        ("\t=1", "'\t'=1"),
        ("a;=1+1", "a;'=1+1"),
        ("soap, -20 % today", "soap, -20 % today"),
        ("plain", "plain"),
    ],
)
def test_no_value_of_a_list_is_a_formula(value: str, shown: str) -> None:
    assert harmless(value) == shown


def test_an_alt_text_that_would_be_a_formula_is_none_in_the_list(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING.replace('alt: "{product.name} on a table"', 'alt: \'=HYPERLINK("http://x";"y")\''))
    ask("deliver", "spring", "--all")
    text = (folder.path / "deliver" / "upload.csv").read_text(encoding="utf-8-sig")
    assert {row["alt"] for row in csv.DictReader(StringIO(text))} == {'\'=HYPERLINK("http://x";"y")'}
