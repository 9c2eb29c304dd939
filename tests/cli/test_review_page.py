"""The page to choose on: a run leaves it, `review --page` writes it, `--single-file` makes one to mail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from campaign_runner.review.page import page_file
from tests.campaigns import SPRING
from tests.cli.typed import Ask

RUN = ("run", "--sandbox", "spring.yaml", "--quiet")
PAGE = ("review", "--sandbox", "spring.yaml", "--page")


@pytest.fixture(autouse=True)
def spring(tmp_path: Path) -> Path:
    (tmp_path / "spring.yaml").write_text(SPRING, encoding="utf-8")
    return tmp_path / "output" / "spring.sandbox"


def test_a_run_leaves_the_page_and_its_thumbnails(ask: Ask, spring: Path) -> None:
    assert ask(*RUN).status == 0
    page = (spring / "review.html").read_text(encoding="utf-8")
    thumbnails = sorted(path.name for path in (spring / "review").iterdir())
    assert len(thumbnails) == 8 and all(f"review/{name}" in page for name in thumbnails)
    assert ask("verify", "--sandbox", "spring.yaml").status == 0


def test_a_run_without_it_leaves_none_and_review_writes_it(ask: Ask, spring: Path) -> None:
    ask(*RUN, "--no-review")
    assert not (spring / "review.html").exists() and not (spring / "review").exists()
    said = ask(*PAGE)
    assert said.out.strip() == str(spring / "review.html") and (spring / "review.html").exists()


def test_what_shows_the_same_is_not_written_again(ask: Ask, spring: Path) -> None:
    ask(*RUN)
    os.utime(spring / "review.html", (1, 1))
    ask(*PAGE)
    assert (spring / "review.html").stat().st_mtime == 1


def test_a_page_that_cannot_be_written_is_told_and_fails_no_run(ask: Ask, spring: Path) -> None:
    (spring / "review.html").mkdir(parents=True)
    said = ask("run", "--sandbox", "spring.yaml")
    assert said.status == 0 and "the review page was not written" in said.err
    (spring / "review.html").rmdir()


def test_a_damaged_image_is_shown_itself_and_told(ask: Ask, spring: Path) -> None:
    ask(*RUN, "--no-review")
    image = next(spring.rglob("images/*/*.jpg"))
    whole = image.read_bytes()
    image.write_bytes(whole[:-100])
    said = ask(*PAGE)
    assert said.status == 0 and "no thumbnail: " in said.err and image.name in said.err
    assert image.name in (spring / "review.html").read_text(encoding="utf-8")
    image.write_bytes(whole)


def test_one_file_holds_everything(ask: Ask, tmp_path: Path) -> None:
    ask(*RUN)
    said = ask("review", "--sandbox", "spring.yaml", "--single-file", "mail.html")
    assert (said.status, said.out) == (0, "mail.html\n")
    page = (tmp_path / "mail.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,/9j/") == 4 and '"images/' not in page and '"review/' not in page
    assert "100 % shows 1,280 pixels" in page


def test_one_file_too_large_for_mail_is_refused_with_what_would_fit(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(*RUN)
    monkeypatch.setattr(page_file, "LARGEST_SINGLE_FILE", 1_000_000)
    monkeypatch.setattr(page_file, "_BASE64", 40.0)
    said = ask("review", "--sandbox", "spring.yaml", "--single-file", "mail.html")
    assert said.status == 2 and "4 images would make a file of" in said.err and "mail takes 1 MB" in said.err
    assert not (tmp_path / "mail.html").exists()


def test_one_file_for_a_folder_that_is_not_there_is_refused_before_anything_is_made(
    ask: Ask, spring: Path, tmp_path: Path
) -> None:
    ask(*RUN, "--no-review")
    said = ask("review", "--sandbox", "spring.yaml", "--single-file", "nowhere/mail.html")
    assert said.status == 2 and f"there is no folder {tmp_path / 'nowhere'}; make it first" in said.err
    assert not (spring / "review").exists()


def test_who_reviews_needs_a_name_with_a_letter_or_digit(ask: Ask) -> None:
    ask(*RUN)
    said = ask("review", "--sandbox", "spring.yaml", "--as", "…")
    assert said.status == 2 and "letters or digits" in said.err
