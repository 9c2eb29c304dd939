"""Whose a file is, by its name: nobody's, a sync client's copy of a conflict, or somebody's."""

from __future__ import annotations

import pytest

from campaign_runner.disk.litter import conflict_copy_of, is_litter

LITTER = [
    *("._hero.jpg", "images/candle/._hero_s1_0123abcd.jpg", ".DS_Store", "images/.DS_Store", "Icon\r", ".localized"),
    *("Thumbs.db", "images/desktop.ini", "ehthumbs.db", ".dropbox", ".dropbox.attr", ".dropbox.cache/2026/hero.jpg"),
    *(
        "@eaDir/hero.jpg/SYNOPHOTO_THUMB_M.jpg",
        ".Trash-1000/info/a.trashinfo",
        ".Spotlight-V100/store.db",
        "~$master.xlsx",
    ),
    *(".~lock.master.xlsx#", ".nfs000000000a", ".stfolder/x", ".syncthing.hero.jpg.tmp", ".sync_4f2a9c11.db-wal"),
]
SOMEBODYS = ["picks/hero.jpg", "notes.txt", "images/candle/copy.jpg", ".env", "dropbox.txt", "icon.jpg", "synced/a.jpg"]
IMAGE = "images/candle/hero_plain_2048x2048_s1_0123abcd.jpg"
COPIES = [
    "images/candle/hero_plain_2048x2048_s1_0123abcd (Anna's conflicted copy 2026-11-28).jpg",  # Dropbox
    "images/candle/hero_plain_2048x2048_s1_0123abcd (In Konflikt stehende Kopie von Anna 2026-11-28).jpg",
    "images/candle/hero_plain_2048x2048_s1_0123abcd (conflicted copy 2026-11-28 101112).jpg",  # Nextcloud
    "images/candle/hero_plain_2048x2048_s1_0123abcd_conflict-20261128-101112.jpg",  # ownCloud
    "images/candle/hero_plain_2048x2048_s1_0123abcd.sync-conflict-20261128-101112-ABCDEFG.jpg",  # Syncthing
    "images/candle/hero_plain_2048x2048_s1_0123abcd-DESKTOP-7A2K.jpg",  # OneDrive
    "images/candle/hero_plain_2048x2048_s1_0123abcd (1).jpg",  # Google Drive
    "images/candle/hero_plain_2048x2048_s1_0123abcd 2.jpg",  # iCloud
    "images/candle/hero_plain_2048x2048_s1_0123abcd (SFConflict anna@example.com 2026-11-28-10-11-12).jpg",  # Seafile
    "images/candle/hero_plain_2048x2048_s1_0123abcd_DiskStation_Nov-28-101112-2026_Conflict.jpg",  # Synology
]


@pytest.mark.parametrize("name", LITTER)
def test_what_systems_leave_is_litter(name: str) -> None:
    assert is_litter(name)


@pytest.mark.parametrize("name", [*SOMEBODYS, IMAGE, "journal.sqlite", "manifest.json"])
def test_what_somebody_put_there_is_not(name: str) -> None:
    assert not is_litter(name)


@pytest.mark.parametrize("name", COPIES)
def test_a_conflict_copy_is_known_by_the_file_it_was_written_beside(name: str) -> None:
    assert conflict_copy_of(name, {IMAGE, "journal.sqlite"}) == IMAGE
    assert conflict_copy_of(name, {"journal.sqlite"}) is None


def test_the_record_has_conflict_copies_too() -> None:
    assert (
        conflict_copy_of("journal (Anna's conflicted copy 2026-11-28).sqlite", {"journal.sqlite"}) == "journal.sqlite"
    )
    assert conflict_copy_of("notes (1).txt", {"journal.sqlite"}) is None
