"""What can go wrong with what the service says: in another make, with the dates of another clock, the same token."""

from __future__ import annotations

from functools import partial

from campaign_runner.sandbox.faults import Fault
from campaign_runner.sandbox.recoding import READABLE, SPOILED
from tests.matrix.kinds import Kind, Play
from tests.matrix.plays import PENDING, beginning, doubt, overcome
from tests.night import Night

HOUR = 3600.0
AT_A_POLL = ("gzip", "bom", "utf-16", "gzip_cut", "gzip_bomb")
ONE_IN_SIX_SECONDS = {"per_minute": 10, "quota_window": "even"}
CLOCKS = {"an hour slow": -HOUR, "an hour fast": HOUR, "a day slow": -24 * HOUR}
FAST = partial(Night.set_clock, seconds=HOUR)
DATES: dict[str, object] = {"retry_after": "date", **ONE_IN_SIX_SECONDS}

ANSWERS = (
    Kind(
        "F119",
        "an answer of another make: packed though nobody asked for it, or not in UTF-8",
        (
            *(overcome(f"{word}, when asked", Fault("recoded", nth=1, word=word)) for word in READABLE),
            *(
                doubt(f"{word}, when asked", Fault("recoded", nth=1, word=word), "unreadable_answer")
                for word in SPOILED
            ),
            *(overcome(f"{word}, at a poll", Fault("recoded", "poll", nth=1, word=word)) for word in AT_A_POLL),
            beginning("gzip_cut, instead of a token", Fault("recoded", "token", word="gzip_cut"), 7),
        ),
        tests=("run/test_doubt.py::test_an_acceptance_with_no_single_reading_is_a_doubt_that_shows_its_job",),
    ),
    Kind(
        "F120",
        "429 with a date, by another clock than ours",
        (
            *(
                Play(f"ours is {name}", act=partial(Night.set_clock, seconds=seconds), switches=DATES)
                for name, seconds in CLOCKS.items()
            ),
            *(
                Play(f"ours is an hour fast, its Date {said}", act=FAST, switches=DATES | {"date_header": said})
                for said in ("none", "nonsense")
            ),
            *(
                Play(f"ours is right, the wait always {form}", switches={"retry_after": form, **ONE_IN_SIX_SECONDS})
                for form in ("past", "zero")
            ),
        ),
        tests=(
            "run/test_quota_used.py::test_however_wrong_our_clock_is_a_date_to_wait_for_is_waited_for",
            "run/test_quota_used.py::test_a_service_that_never_says_a_usable_wait_is_asked_no_more_often_than_allowed",
        ),
    ),
    Kind(
        "F121",
        "the refused token is granted again",
        (
            Play("for a while", (Fault("401", nth=1),), switches={"token_cached_seconds": 45.0}),
            Play(
                "for an hour",
                (Fault("401", nth=1),),
                PENDING,
                7,
                charged=0,
                stops=True,
                switches={"token_cached_seconds": HOUR},
            ),
        ),
        tests=(
            "run/test_account.py::test_a_refused_token_that_is_granted_again_for_a_while_is_said_once_and_waited_for",
        ),
    ),
)
