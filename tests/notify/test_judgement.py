"""Which nights are worth a message: what the causes are called, what is patient, what is remembered."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.errors import (
    AccountRefused,
    CampaignError,
    CampaignFileError,
    DiskFull,
    IntegrityError,
    LaterError,
    StoreError,
    UsageError,
)
from campaign_runner.model import State
from campaign_runner.notify.concerns import CampaignEnd, concerns_of
from campaign_runner.notify.judgement import News, Told, judge
from campaign_runner.notify.memory import Memory
from campaign_runner.notify.message import message_of
from campaign_runner.problem import Problem
from campaign_runner.report.standing import Standing, night_of

TEN = datetime(2026, 9, 1, 22, 0).astimezone()
"""The start of the first night."""
FILE = Path("/season/campaigns/spring.yaml")
PRIVATE = "/home/anna/season/output/spring"


def standing(stored: int = 10, *, waiting: datetime | None = None, **open: int) -> Standing:
    """`in_doubt=2` is two images in doubt for `no_answer`, `failed=1` one that failed for `missing`."""
    codes = {"in_doubt": (State.IN_DOUBT, "no_answer"), "failed": (State.FAILED, "missing")}
    counts = {"planned": 20, "stored": stored, "accepted": int(waiting is not None), **open}
    return Standing(counts, {codes[state]: number for state, number in open.items()}, waiting)


def end(code: int, *errors: BaseException, at: Standing | None = None) -> CampaignEnd:
    return CampaignEnd("spring", FILE, code, errors, at)


def nights(*ends: CampaignEnd, every: float = 24.0, began: datetime = TEN) -> list[News]:
    """The news of one run after the other, so many hours apart, each of which is told."""
    told, found = Told(), []
    for number, each in enumerate(ends):
        start = began + timedelta(hours=number * every)
        news, told = judge(told, each, start, start + timedelta(minutes=30))
        found.append(news)
    return found


def due(*ends: CampaignEnd, **more: Any) -> list[int]:
    """The numbers of the runs, from 1, that are worth a message."""
    return [number for number, news in enumerate(nights(*ends, **more), 1) if news.is_due]


def words(news: News) -> str:
    return message_of([news]).body


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (AccountRefused("no", code="quota_exhausted"), "credentials or account were refused (quota_exhausted)"),
        (DiskFull(f"no room: {PRIVATE} cannot be written"), "the disk is full"),
        (StoreError(f"no permission for {PRIVATE}"), "the disk or its permissions stopped the run"),
        (IntegrityError(f"{PRIVATE}/journal.sqlite is damaged"), "differ from the record"),
        (UsageError(f"spring.yaml last ran into {PRIVATE}"), "the run was refused"),
        (
            CampaignFileError([Problem(Path(PRIVATE), 3, 1, "the text 'a secret candle' …", "hero: a secret candle")]),
            "the campaign file has 1 problem",
        ),
        (KeyError("a secret candle"), "a bug in campaign_runner (KeyError)"),
    ],
)
def test_a_cause_is_told_without_a_path_or_a_prompt(error: BaseException, said: str) -> None:
    code = error.exit_code if isinstance(error, CampaignError) else 1
    (news,) = nights(end(code, error))
    assert news.is_due and said in words(news)
    assert "anna" not in words(news) and "candle" not in words(news)


def test_images_in_doubt_and_failed_are_told_with_their_command() -> None:
    (news,) = nights(end(4, at=standing(in_doubt=2, failed=1)))
    assert words(news).splitlines() == [
        "spring: attention, exit status 4, 10 of 20 images stored; this run bought nothing",
        "new: 2 images in doubt (no_answer): Adobe may have charged for them",
        "  campaign-runner resolve spring",
        "new: 1 image failed (missing)",
        "  campaign-runner resolve spring",
    ]


def test_a_code_that_would_steer_a_terminal_is_harmless() -> None:
    (concern,) = concerns_of(end(7, AccountRefused("no", code="\x1b[31m" + "x" * 100)))
    assert concern.words.isprintable() and len(concern.words) < 120


def test_good_nights_are_nobodys_business() -> None:
    assert due(*[end(0, at=standing(number)) for number in range(30)]) == []


def test_the_same_cause_is_told_again_after_seven_days() -> None:
    refused = end(7, AccountRefused("no", code="invalid_client"))
    assert due(*[refused] * 16) == [1, 8, 15]


def test_the_numbers_in_a_sentence_make_no_new_cause() -> None:
    ends = [end(6, StoreError(f"only {free} MB are free; make room and run again")) for free in (12, 9, 11)]
    assert due(*ends) == [1]
    assert due(ends[0], end(6, StoreError("the disk is read-only"))) == [1, 2]


def test_more_images_of_a_known_cause_make_no_new_one() -> None:
    assert due(end(4, at=standing(in_doubt=2)), end(4, at=standing(12, in_doubt=6))) == [1]


def test_what_is_over_is_told_once_and_what_comes_back_is_new() -> None:
    failed, well = end(3, at=standing(failed=1)), end(0, at=standing())
    assert due(failed, well, well, failed, failed, well) == [1, 2, 4, 6]


@pytest.mark.parametrize("code", [8, 9])
def test_what_may_pass_by_itself_is_told_in_the_third_night_without_an_image(code: int) -> None:
    stopped = [end(code, at=standing(stored)) for stored in (5, 9, 9, 9, 9, 9, 12)]
    assert due(*stopped) == [5, 7]  # from the third of the nights that made nothing, until one makes something


def test_two_runs_of_one_night_are_one_night() -> None:
    assert due(*[end(8, at=standing(0))] * 6, every=8.5) == [6]  # 22:00, 6:30, 15:00, 23:30, 8:00, 16:30
    assert night_of(TEN) == night_of(TEN + timedelta(hours=8.5))


def test_a_limit_that_makes_images_every_night_is_never_told() -> None:
    assert due(*[end(9, at=standing(number * 5)) for number in range(1, 20)]) == []


def test_paid_images_that_expire_before_the_next_night_are_told() -> None:
    lately, yesterday = TEN + timedelta(minutes=10), TEN - timedelta(hours=2)
    assert due(end(8, at=standing(waiting=lately))) == []
    (news,) = nights(end(8, at=standing(waiting=yesterday)))
    assert news.is_due and "1 paid image can be downloaded until about" in words(news)


def test_a_second_start_in_the_morning_is_in_time_for_what_waits() -> None:
    """Accepted at 23:00, seen again at 6:30: the run of 22:00 comes before they expire."""
    waiting = standing(waiting=TEN + timedelta(hours=1))
    assert due(end(8, at=standing()), end(8, at=waiting), every=8.5) == []


@pytest.mark.parametrize("code", [11, 129, 130, 143])
def test_a_run_that_says_nothing_of_its_campaign_changes_nothing(code: int) -> None:
    failed = end(3, at=standing(failed=1))
    assert due(failed, end(code), failed, end(code), end(0, at=standing())) == [1, 5]


def test_a_file_with_a_mistake_does_not_end_what_the_record_said() -> None:
    failed, wrong = end(3, at=standing(failed=1)), end(2, UsageError("no such file"))
    found = nights(failed, wrong, failed, end(0, at=standing()))
    assert [news.is_due for news in found] == [True, True, True, True]
    assert [line for line in words(found[1]).splitlines() if "failed" in line] == ["still: 1 image failed (missing)"]
    assert words(found[2]).splitlines()[-1] == "over: the run was refused, and nothing is bought"


def test_an_outage_is_no_cause_however_it_is_said() -> None:
    assert list(concerns_of(end(8, LaterError("nobody answers")))) == []


def test_what_was_told_is_remembered_and_belongs_to_its_file(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state")
    assert memory.of(FILE) == Told()
    news, told = judge(Told(), end(8, at=standing(in_doubt=1)), TEN, TEN)
    memory.keep(FILE, told)
    assert news.is_due and memory.of(FILE) == told
    assert memory.of(FILE.with_name("autumn.yaml")) == Told()
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0


def test_a_memory_that_cannot_be_read_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.keep(FILE, Told())
    with memory._open() as db:
        db.execute("UPDATE told SET what = '[]'")
    with pytest.raises(IntegrityError, match=r"told\.sqlite is damaged; remove it"):
        memory.of(FILE)
