"""What is seen while a run goes on: a bar or a line a minute for people, one event a line for machines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any, get_args

import pytest

from campaign_runner.events import (
    Accepted,
    Adopted,
    Attempt,
    Cause,
    Doubted,
    Edited,
    Event,
    Failed,
    Held,
    ModelResolved,
    Placed,
    RecipeSource,
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
from campaign_runner.model import Cell, CustomModel, Job, Recipe, Size, Ticket, Variation
from campaign_runner.plan.cost import RateLimit
from campaign_runner.report.progress import Bar, JsonLines, Lines, Progress

RECIPE = Recipe.of("image3", {"prompt": "a candle", "size": {"width": 1024, "height": 1024}})
CELL = Cell("candle", "hero", "plain", "us", Size(1024, 1024))
PAIR = tuple(Variation(RECIPE.key(seed), seed, CELL, "a {product.name}") for seed in (1, 2))
ATTEMPT = Attempt("nonce-1", Job(RECIPE, PAIR))
SOURCE = RecipeSource("reused", "spring", PAIR[0].key, "a candle", "job-1", (1, 2), None, None, None)
REASON = Cause("prompt_unsafe", "the content policy")
SIGNED = "https://storage.example/a.jpg?X-Amz-Signature=canary"
TICKET = Ticket("job-1", SIGNED, SIGNED)
STARTED = Started("almond", due=4, requests=2, waiting=0)
STORED = [Stored(ATTEMPT, each, f"{each.stem}.jpg", "ab" * 32, 1234, "image/jpeg") for each in PAIR]
RATE = RateLimit(per_minute=4, per_day=9000)
README = (Path(__file__).parents[2] / "campaign_runner" / "README.md").read_text(encoding="utf-8")

EVERY_EVENT: list[tuple[Event, str, set[str]]] = [
    (STARTED, "started", {"due", "requests", "waiting"}),
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


@pytest.mark.parametrize("event", [STARTED, Submitting(ATTEMPT), Accepted(ATTEMPT, TICKET), STORED[0], Waiting(15, "")])
def test_what_goes_well_only_moves_the_numbers(event: Event) -> None:
    assert lined(event) == []


def test_without_a_terminal_there_is_a_line_a_minute() -> None:
    assert lined(STARTED, *STORED, MINUTE, Submitting(ATTEMPT), Submitting(ATTEMPT), MINUTE) == [
        "almond: 2 of 4 images, 0 of 2 requests, less than a minute left",
        "almond: 2 of 4 images, 2 of 2 requests, the last ones are being generated",
    ]


def test_several_campaigns_have_one_line_a_minute_together() -> None:
    beech = [("beech", Started("beech", due=40, requests=10, waiting=0)), ("beech", STORED[0])]
    assert lined(STARTED, *beech, MINUTE, campaigns=("almond", "beech")) == [
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
    assert "about 1 h" in last_bar(Started("almond", due=1200, requests=300, waiting=0))


def test_a_request_that_was_not_taken_does_not_count_as_sent() -> None:
    assert "0 of 2 requests" in last_bar(STARTED, Submitting(ATTEMPT), Refused(ATTEMPT, REASON))


def test_nothing_due_makes_no_bar_of_nonsense() -> None:
    assert "0 of 0 images" in last_bar(Started("almond", due=0, requests=0, waiting=0))


def test_closing_the_bar_leaves_the_line_empty() -> None:
    stream = StringIO()
    bar = Bar(Progress({"almond": RATE}), stream)
    bar("almond", STARTED)
    bar.close()
    assert stream.getvalue().endswith("\r")
    assert stream.getvalue().split("\r")[-2].strip() == ""
