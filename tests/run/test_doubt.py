"""A request without a usable answer may have been charged: it is never sent again but on a person's word."""

from __future__ import annotations

import pytest

from campaign_runner.events import Stopping
from campaign_runner.journal.ledger import Ledger
from campaign_runner.maintenance.resolve import Decision
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from campaign_runner.sandbox.recoding import READABLE, SPOILED
from tests.fixtures import Begin
from tests.night import Night

ONE_BY_ONE = Limits(concurrency=1)
DOUBTS = ["500", "html", "500_after", "reset", "reset_after", "garbled", "no_job_id", "repeated_job_id"]


@pytest.mark.parametrize("kind", DOUBTS)
async def test_a_doubt_is_kept_never_sent_again_and_the_others_go_on(begin: Begin, kind: str) -> None:
    night = await begin(Fault(kind, nth=2))
    ended = await night.run(night.campaign(requests=4, seeds=2), limits=ONE_BY_ONE)
    assert ended.code == 4
    assert ended.states == {"stored": 6, "in_doubt": 2}
    sent = len(night.ledger.entries)
    again = await night.run()
    assert again.code == 4
    assert again.states == ended.states
    assert len(night.ledger.entries) == sent


@pytest.mark.parametrize("word", READABLE)
async def test_an_acceptance_of_another_make_is_an_acceptance(begin: Begin, word: str) -> None:
    night = await begin(*(Fault("recoded", place, first=2, word=word) for place in ("token", "submit", "poll")))
    ended = await night.run(night.campaign(requests=3, seeds=2), limits=ONE_BY_ONE)
    assert (ended.code, ended.states) == (0, {"stored": 6})
    assert len(night.ledger.entries) == 3


def beginnings(night: Night) -> set[str]:
    """What the journal keeps of answers to requests in doubt."""
    with Ledger(night.output) as ledger:
        return set(ledger.unread_answers().values())


@pytest.mark.parametrize("word", sorted(set(SPOILED) - {"brotli"}))
async def test_an_acceptance_with_no_single_reading_is_a_doubt_that_shows_its_job(begin: Begin, word: str) -> None:
    night = await begin(Fault("recoded", nth=2, word=word))
    ended = await night.run(night.campaign(requests=3, seeds=2), limits=ONE_BY_ONE)
    assert (ended.code, ended.states) == (4, {"stored": 4, "in_doubt": 2})
    (shown,) = beginnings(night)
    job = night.ledger.accepted[1].job_id
    assert f'"jobId": "{job}"' in shown
    assert job not in (night.output / "manifest.json").read_text(encoding="utf-8")  # its reason stays short


@pytest.mark.parametrize(
    ("fault", "shows"),
    [
        (Fault("recoded", nth=1, word="brotli"), True),
        (Fault("garbled", nth=1), True),
        (Fault("garbled", nth=1, word="huge"), True),
        (Fault("garbled", nth=1, word="list"), True),
        (Fault("garbled", nth=1, word="empty"), False),
        (Fault("html", nth=1, word="200"), True),
        (Fault("no_job_id", nth=1), True),
        (Fault("noise", nth=1, word="half_length"), True),
        (Fault("500_after", nth=1), False),  # said of a failure, and no acceptance
        (Fault("reset_after", nth=1), False),
    ],
    ids=lambda value: f"{value.kind} {value.word}" if isinstance(value, Fault) else "",
)
async def test_of_every_acceptance_that_cannot_be_read_the_beginning_is_kept(
    begin: Begin, fault: Fault, shows: bool
) -> None:
    night = await begin(fault)
    ended = await night.run(night.campaign(requests=1, seeds=2), limits=ONE_BY_ONE)
    assert ended.states == {"in_doubt": 2}
    assert len(beginnings(night)) == shows


async def test_on_a_persons_word_a_doubt_is_sent_again(begin: Begin) -> None:
    night = await begin(Fault("reset_after", nth=2))
    await night.run(night.campaign(requests=3, seeds=2), limits=ONE_BY_ONE)
    assert await night.resolve(Decision.RESUBMIT) == 2
    ended = await night.run()
    assert ended.code == 0
    assert ended.states == {"stored": 6}
    assert sorted(night.ledger.charged.values()) == [1] * 4 + [2] * 2


async def test_three_doubts_in_a_row_stop_submitting(begin: Begin) -> None:
    night = await begin(*[Fault("reset_after", nth=number) for number in (2, 3, 4)])
    ended = await night.run(night.campaign(requests=8, seeds=1), limits=ONE_BY_ONE)
    assert ended.code == 4
    assert ended.states == {"stored": 1, "in_doubt": 3, "pending": 4}
    assert "3 requests in a row" in ended.seen(Stopping)[0].why


async def test_doubts_between_answers_do_not_stop(begin: Begin) -> None:
    night = await begin(Fault("reset_after", every=2))
    ended = await night.run(night.campaign(requests=8, seeds=1), limits=ONE_BY_ONE)
    assert ended.states == {"stored": 4, "in_doubt": 4}


async def test_a_doubt_that_left_the_campaign_is_still_told(begin: Begin) -> None:
    night = await begin(Fault("reset_after", nth=3))
    await night.run(night.campaign(requests=3, seeds=1), limits=ONE_BY_ONE)
    ended = await night.run(night.campaign(requests=2, seeds=1))
    assert ended.code == 4


async def test_an_answer_that_comes_too_late_is_a_doubt(begin: Begin) -> None:
    night = await begin(Fault("slow_after", where="submit", nth=1, seconds=70))
    ended = await night.run(night.campaign(requests=2, seeds=1), limits=ONE_BY_ONE)
    assert ended.code == 4
    assert ended.states == {"stored": 1, "in_doubt": 1}
