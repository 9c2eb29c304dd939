"""What is seen while a run goes on: a bar or a line a minute for people, one event a line for machines."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, get_args

import pytest

from campaign_runner.events import (
    Accepted,
    Adopted,
    Attempt,
    Called,
    Doubted,
    Edited,
    Ended,
    Event,
    Failed,
    Held,
    ModelResolved,
    Placed,
    Refused,
    Reused,
    SetAside,
    Started,
    StillAccepted,
    Stopping,
    Stored,
    Submitting,
    Uploaded,
    Waiting,
    Warned,
)
from campaign_runner.model import Bought, Cause, Cell, CustomModel, Job, Recipe, RecipeSource, Size, Ticket, Variation
from campaign_runner.plan.cost import RateLimit
from campaign_runner.report import progress
from campaign_runner.report.progress import Bar, Bounds, JsonLines, Lines, Progress

RECIPE = Recipe.of("image3", {"prompt": "a candle", "size": {"width": 1024, "height": 1024}})
CELL = Cell("candle", "hero", "plain", "us", Size(1024, 1024))
PAIR = tuple(Variation(RECIPE.key(seed), seed, CELL, "a {product.name}") for seed in (1, 2))
ATTEMPT = Attempt("nonce-1", Job(RECIPE, PAIR))
SOURCE = RecipeSource("reused", "spring", PAIR[0].key, "a candle", "job-1", (1, 2), None, None, None)
REASON = Cause("prompt_unsafe", "the content policy")
SIGNED = "https://storage.example/a.jpg?X-Amz-Signature=canary"
TICKET = Ticket("job-1", SIGNED, SIGNED)
STARTED = Started("almond", due=4, requests=2, waiting=0, may_buy=4)
STORED = [Stored(ATTEMPT, each, f"{each.stem}.jpg", "ab" * 32, 1234, "image/jpeg") for each in PAIR]
RATE = RateLimit(per_minute=4, per_day=9000)
README = (Path(__file__).parents[2] / "campaign_runner" / "README.md").read_text(encoding="utf-8")
BOUGHT = ("bought_images", "bought_requests", "night_images", "night_requests")

EVERY_EVENT: list[tuple[Event, str, set[str]]] = [
    (Called("0.1.0", "run almond.yaml"), "called", {"version", "command"}),
    (STARTED, "started", {"due", "may_buy", "requests", "waiting"}),
    (Ended(4, "attention planned=4 exit=4"), "ended", {"exit", "line", "why", *BOUGHT}),
    (ModelResolved(CustomModel("urn:1", "Warm", "1", "e", "")), "model_resolved", {"id", "name", "version"}),
    (Submitting(ATTEMPT), "submitting", {"attempt", "product", "prompt", "preset", "market", "size", "seeds"}),
    (Accepted(ATTEMPT, TICKET), "accepted", {"attempt", "seeds", "job_id"}),
    (Refused(ATTEMPT, REASON, for_good=True), "refused", {"attempt", "code", "message", "for_good"}),
    (Doubted(ATTEMPT, REASON), "in_doubt", {"attempt", "code", "message"}),
    (STORED[0], "stored", {"key", "seed", "file", "sha256", "bytes", "media_type", "warnings"}),
    (Failed(ATTEMPT, PAIR[0], REASON), "failed", {"key", "seed", "cell", "code", "message"}),
    (Held(ATTEMPT, PAIR[0], REASON), "held", {"key", "seed", "cell", "code", "message"}),
    (SetAside(ATTEMPT, "images/unexpected/a.jpg", "ab" * 32, 9, REASON), "set_aside", {"file", "sha256", "code"}),
    (Adopted(PAIR[0], RECIPE, SOURCE, "images/a.jpg", "ab" * 32, 9, "image/jpeg"), "adopted", {"key", "file", "how"}),
    (Placed(PAIR[0].key, "removed/a.jpg", "ab" * 32, 9, "image/jpeg", REASON), "placed", {"key", "file", "code"}),
    (Uploaded("ab" * 32, "upload-1"), "uploaded", {"sha256", "upload_id"}),
    (StillAccepted(ATTEMPT, REASON), "still_accepted", {"attempt", "code", "message"}),
    (Waiting(12.3456, "4 a minute"), "waiting", {"seconds", "why"}),
    (Edited("prompt hero changed: nothing due"), "edited", {"message"}),
    (Reused(24, "spring"), "reused", {"images", "of_campaign"}),
    (Warned("the disk is nearly full"), "warned", {"message"}),
    (Stopping("stopped at 06:00, as requested"), "stopping", {"why"}),
]
CELL_FACTS = "`product`, `prompt`, `preset`, `market`, `size`"
KINDS = {type(event) for event, _, _ in EVERY_EVENT}


def logged(*events: Event) -> list[dict[str, Any]]:
    """The JSON lines of some events."""
    stream = StringIO()
    log = JsonLines(stream, now=lambda: datetime(2026, 9, 1, 22, 0, 0, 5000, UTC))
    for event in events:
        log("almond", event)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


MINUTE = object()
"""Stands among events for a minute that is over."""


def lined(*events: Any, campaigns: tuple[str, ...] = ("almond",)) -> list[str]:
    """The plain lines of some events, each of the first campaign unless it comes with the name of its own."""
    stream = StringIO()
    lines = Lines(Progress(dict.fromkeys(campaigns, RATE)), stream)
    for event in events:
        match event:
            case _ if event is MINUTE:
                lines.tick()
            case (campaign, of_it):
                lines(campaign, of_it)
            case _:
                lines(campaigns[0], event)
    return stream.getvalue().splitlines()


def test_a_line_in_a_file_tells_when() -> None:
    stream = StringIO()
    lines = Lines(Progress({"almond": RATE}), stream, now=lambda: datetime(2026, 9, 1, 22, 0, 5))
    lines("almond", Stopping("stopped after 4 images, as requested"))
    assert stream.getvalue() == "2026-09-01 22:00:05 almond: stopped after 4 images, as requested\n"


def barred(*events: Event) -> str:
    """What a bar has written when it has seen some events, before it closes."""
    stream = StringIO()
    bar = Bar(Progress({"almond": RATE}), stream)
    for event in (STARTED, *events):
        bar("almond", event)
    shown = stream.getvalue()
    bar.close()
    return shown


def last_bar(*events: Event) -> str:
    return barred(*events).replace("\n", "\r").rstrip("\r").split("\r")[-1].strip()


def test_the_table_above_holds_every_event() -> None:
    assert set(get_args(Event)) == KINDS


@pytest.mark.parametrize(("event", "word", "facts"), EVERY_EVENT, ids=[row[1] for row in EVERY_EVENT])
def test_an_event_is_one_line_of_json_with_its_facts(event: Event, word: str, facts: set[str]) -> None:
    (line,) = logged(event)
    assert (line["event"], line["at"], line["campaign"]) == (word, "2026-09-01T22:00:00.005+00:00", "almond")
    assert facts <= line.keys()


def table() -> str:
    """The words of the log as the map of the code lists them: what an event says of itself, and its facts."""
    rows = "| `event` | says | facts |\n|---|---|---|\n"
    for event, _, _ in EVERY_EVENT:
        facts = ", ".join(f"`{fact}`" for fact in event.facts()).replace(CELL_FACTS, "the cell")
        rows += f"| `{event.word}` | {str(event.__doc__).splitlines()[0]} | {facts} |\n"
    return rows


def test_the_map_of_the_code_lists_every_word_of_the_log_and_its_facts() -> None:
    assert table() in README


def test_no_signed_url_is_ever_logged() -> None:
    assert "canary" not in json.dumps(logged(*(event for event, _, _ in EVERY_EVENT)))


def test_a_message_with_line_breaks_stays_one_line() -> None:
    assert [line["message"] for line in logged(Warned("one\ntwo\u2028three"))] == ["one\ntwo\u2028three"]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            Refused(ATTEMPT, REASON, for_good=True),
            "refused: candle, hero, plain, us, 1024x1024, seeds 1 2: the content",
        ),
        (Refused(ATTEMPT, REASON), "not accepted yet: candle"),  # it will be asked for again
        (Doubted(ATTEMPT, REASON), "in doubt: candle"),
        (Failed(ATTEMPT, PAIR[0], REASON), "failed: candle, hero, plain, us, 1024x1024, seed 1: the content policy"),
        (StillAccepted(ATTEMPT, REASON), "not downloaded yet: candle"),
        (Warned("the disk is nearly full"), "warning: the disk is nearly full"),
        (Edited("prompt hero changed: nothing due"), "changed: prompt hero changed: nothing due"),
        (Reused(24, "spring"), "reused: 24 images of spring, not bought again"),
        (Stopping("stopped at 06:00, as requested"), "stopped at 06:00, as requested"),
        (Waiting(120, "the day's allowance"), "waiting 120 s for the allowance"),
        (Warned("red\x1b[31m\nalert"), "warning: red�[31m�alert"),  # nothing may steer a terminal
    ],
)
def test_what_a_person_should_know_is_told_at_once(event: Event, words: str) -> None:
    assert f"almond: {words}" in lined(event)[0]
    assert words in barred(event)


@pytest.mark.parametrize("event", [Submitting(ATTEMPT), Accepted(ATTEMPT, TICKET), STORED[0], Waiting(15, "")])
def test_what_goes_well_only_moves_the_numbers(event: Event) -> None:
    assert lined(event) == []


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (
            Called("0.1.0", "run almond.yaml\x1b[2J"),
            ["almond: began: run almond.yaml�[2J (version 0.1.0)"],
        ),
        (STARTED, ["almond: 4 images due (2 requests)"]),
        (Started("almond", 480, 2, 0, may_buy=5), ["almond: 480 images due; this run may buy 5 (2 requests)"]),
        (Started("almond", 0, 0, 3, may_buy=0), ["almond: 0 images due (0 requests); 3 paid images to download"]),
        (Started("almond", 0, 0, 0, may_buy=0), ["almond: nothing is due"]),
        (Ended(0, "ok planned=4 exit=0"), ["almond: ended: ok planned=4 exit=0"]),
        (
            Ended(0, "ok planned=4 exit=0", bought=Bought(1, 1)),
            ["almond: ended: ok planned=4 exit=0; this run bought 1 image in 1 request"],
        ),
        (
            Ended(2, "attention exit=2", "almond.yaml:2:1: unknown key 'seedz'"),
            ["almond: refused: almond.yaml:2:1: unknown key 'seedz'", "almond: ended: attention exit=2"],
        ),
    ],
)
def test_a_log_says_how_a_run_begins_and_ends(event: Event, lines: list[str]) -> None:
    assert lined(event) == lines


def test_a_bar_leaves_that_to_the_report() -> None:
    assert last_bar(Ended(0, "ok planned=4 exit=0")).startswith("almond   0% |")


def test_without_a_terminal_there_is_a_line_a_minute() -> None:
    assert lined(STARTED, *STORED, MINUTE, Submitting(ATTEMPT), Submitting(ATTEMPT), MINUTE)[1:] == [
        "almond: 2 of 4 images, 0 of 2 requests, less than a minute left",
        "almond: 2 of 4 images, 2 of 2 requests, the last ones are being generated",
    ]


def test_several_campaigns_have_one_line_a_minute_together() -> None:
    beech = [("beech", Started("beech", due=40, requests=10, waiting=0, may_buy=40)), ("beech", STORED[0])]
    assert lined(STARTED, *beech, MINUTE, campaigns=("almond", "beech"))[2:] == [
        "2 campaigns: 1 of 44 images, 0 of 12 requests, about 4 min left"
    ]


def test_a_bar_of_several_campaigns_says_whose_sentence_it_is() -> None:
    stream = StringIO()
    bar = Bar(Progress({"almond": RATE, "beech": RATE}), stream)
    bar("beech", Doubted(ATTEMPT, REASON))
    assert stream.getvalue().startswith("beech: in doubt: candle")


def test_before_a_campaign_has_started_there_is_no_bar_and_no_line() -> None:
    assert lined(MINUTE) == []
    stream = StringIO()
    Bar(Progress({"almond": RATE}), stream)("almond", ModelResolved(CustomModel("urn:1", "Warm", "1", "e", "")))
    assert stream.getvalue() == ""


def test_the_bar_shows_images_requests_and_the_time_left() -> None:
    shown = last_bar(STARTED, Submitting(ATTEMPT), STORED[0])
    assert shown.startswith("almond  25% |")
    assert shown.endswith("1 of 4 images, 1 of 2 requests, less than a minute left")


def test_the_bar_tells_a_long_night_in_hours() -> None:
    assert "about 1 h" in last_bar(Started("almond", due=1200, requests=300, waiting=0, may_buy=1200))


def test_a_request_that_was_not_taken_does_not_count_as_sent() -> None:
    assert "0 of 2 requests" in last_bar(STARTED, Submitting(ATTEMPT), Refused(ATTEMPT, REASON))


def test_nothing_due_makes_no_bar() -> None:
    stream = StringIO()
    Bar(Progress({"almond": RATE}), stream)("almond", Started("almond", due=0, requests=0, waiting=0, may_buy=0))
    assert stream.getvalue() == ""


TEN = datetime(2026, 9, 1, 22, 0, 0, tzinfo=UTC)


def at_ten(*events: Event, bounds: Bounds | None = None, campaigns: tuple[str, ...] = ("almond",)) -> list[str]:
    """How a run stands at ten o'clock after some events, in ever fewer words."""
    told = Progress(dict.fromkeys(campaigns, RATE), bounds, now=lambda: TEN)
    for event in events:
        for campaign in campaigns:
            told.count(campaign, event)
    return list(told.figures())


def test_it_is_told_when_the_next_request_leaves() -> None:
    assert at_ten(STARTED, Submitting(ATTEMPT), Waiting(42.0, "minute")) == [
        "0 of 4 images, 1 of 2 requests, next at 22:00:42, less than a minute left",
        "0/4 images, 1/2 requests, next 22:00:42, less than a minute left",
        "0/4 images, next 22:00:42, less than a minute left",
    ]


@pytest.mark.parametrize("event", [Submitting(ATTEMPT), Stopping("stopped at 06:00, as requested")])
def test_once_it_has_left_or_none_will_leave_that_is_not_told_any_more(event: Event) -> None:
    assert "next" not in at_ten(STARTED, Waiting(42.0, "minute"), event)[0]


def test_what_is_counted_is_what_this_run_may_do() -> None:
    bounded = Started("almond", due=480, requests=2, waiting=3, may_buy=5)
    assert at_ten(bounded)[0].startswith("0 of 8 images, 0 of 2 requests")


def test_the_limits_of_a_command_are_those_of_all_its_campaigns() -> None:
    bounded = Started("almond", due=480, requests=2, waiting=3, may_buy=5)
    told = at_ten(bounded, bounds=Bounds(images=5, requests=3), campaigns=("almond", "beech"))
    assert told[0].startswith("0 of 11 images, 0 of 3 requests")


def test_a_run_that_stops_before_its_end_says_when() -> None:
    long = Started("almond", due=480, requests=120, waiting=0, may_buy=480)
    assert at_ten(long, bounds=Bounds(until=TEN + timedelta(minutes=10)))[0].endswith("stops at 22:10")
    assert at_ten(long, bounds=Bounds(until=TEN + timedelta(hours=10)))[0].endswith("about 31 min left")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 132])
def test_a_bar_fits_its_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "columns", lambda stream: width)
    many = Started("a-campaign-with-a-long-name", due=9999, requests=2500, waiting=0, may_buy=9999)
    bar = Bar(Progress({"a-campaign-with-a-long-name": RATE}, now=lambda: TEN), StringIO())
    bar("a-campaign-with-a-long-name", many)
    bar("a-campaign-with-a-long-name", Waiting(42.0, "minute"))
    assert bar._bar is not None
    shown = bar._bar.format_meter(**{**bar._bar.format_dict, "ncols": width})
    bar.close()
    assert len(shown) <= width
    assert "next" in shown and ("22:00:42" in shown or width == 40)


def test_what_happens_again_and_again_is_said_once_and_counted() -> None:
    stream = StringIO()
    lines = Lines(Progress({"almond": RATE}), stream)
    full = Cause("store", "the disk is full: make room")
    for _ in range(16):
        lines("almond", StillAccepted(ATTEMPT, full))
        lines("almond", Refused(ATTEMPT, Cause("no_answer", "Adobe cannot be reached")))
    lines("almond", StillAccepted(ATTEMPT, Cause("stopped", "the run was stopped")))
    lines.close()
    assert stream.getvalue().splitlines() == [
        "almond: not downloaded yet: candle, hero, plain, us, 1024x1024, seeds 1 2: the disk is full: make room",
        "almond: not accepted yet: candle, hero, plain, us, 1024x1024, seeds 1 2: Adobe cannot be reached",
        "almond: not downloaded yet: candle, hero, plain, us, 1024x1024, seeds 1 2: the run was stopped",
        "almond: not downloaded yet: 15 more, for the same reason: the disk is full: make room",
        "almond: not accepted yet: 15 more, for the same reason: Adobe cannot be reached",
    ]


def test_closing_the_bar_leaves_the_line_empty() -> None:
    stream = StringIO()
    bar = Bar(Progress({"almond": RATE}), stream)
    bar("almond", STARTED)
    bar.close()
    assert stream.getvalue().endswith("\r")
    assert stream.getvalue().split("\r")[-2].strip() == ""
