"""When to ask again. The first tests are the money rule: what may have been charged is never sent again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from campaign_runner import retry
from campaign_runner.errors import (
    AccountRefused,
    BlockedHost,
    Damaged,
    GenerationFailed,
    InDoubt,
    LinkExpired,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
)

FREE = (Throttled("429"), Throttled("429", retry_after=3), Unavailable("503"))
FINAL = (AccountRefused("403"), Rejected("422"))
PERHAPS_CHARGED = (InDoubt("reset"), GenerationFailed("failed"), LinkExpired("403"), Damaged("cut"), BlockedHost("x"))
EVERY = (*FREE, *FINAL, *PERHAPS_CHARGED)
ATTEMPTS = some.integers(1, 10_000)
JITTER = some.floats(0, 1)


def test_every_error_of_a_provider_is_in_these_tables() -> None:
    assert {type(error) for error in EVERY} == set(ProviderError.__subclasses__())


@given(some.sampled_from((*FINAL, *PERHAPS_CHARGED)), ATTEMPTS, JITTER)
def test_a_submit_that_may_have_been_charged_or_is_refused_is_never_repeated(
    error: ProviderError, attempt: int, jitter: float
) -> None:
    assert retry.submit_again(error, attempt, jitter) is None


class Overcharging(Unavailable):
    """As if somebody one day raised Unavailable for a request that may have been charged."""

    charged = None


def test_what_counts_is_whether_it_was_charged_and_not_the_errors_name() -> None:
    assert retry.submit_again(Overcharging("?"), 1, 0.5) is None


@pytest.mark.parametrize(
    ("attempt", "least", "most"),
    [(1, 1, 2), (2, 2, 4), (3, 4, 8), (6, 32, 64), (7, 60, 120)],  # doubles, at most two minutes
)
def test_a_submit_that_cost_nothing_waits_twice_as_long_each_time(attempt: int, least: float, most: float) -> None:
    assert retry.submit_again(Unavailable("503"), attempt, 0) == least
    assert retry.submit_again(Unavailable("503"), attempt, 1) == most


@pytest.mark.parametrize("error", [Unavailable("503"), Throttled("429"), Unavailable("503", retry_after=5)])
def test_a_submit_is_given_up_after_eight_tries(error: ProviderError) -> None:
    assert retry.submit_again(error, 7, 0) is not None
    assert retry.submit_again(error, 8, 0) is None


def test_being_told_to_wait_is_no_failure() -> None:
    assert retry.submit_again(Throttled("429", retry_after=15), 8, 0) == 16
    assert retry.submit_again(Throttled("429", retry_after=0), 10_000, 1) == 2


@given(some.sampled_from([Throttled, Unavailable]), some.floats(0, 3600), some.integers(1, 4), JITTER)
def test_nobody_comes_back_before_the_service_said(
    kind: type[Throttled | Unavailable], seconds: float, attempt: int, jitter: float
) -> None:
    error = kind("later", retry_after=seconds)
    for again in (retry.submit_again, retry.look_up_again, retry.poll_again, retry.fetch_again):
        wait = again(error, attempt, jitter)
        assert wait is not None
        assert wait >= seconds


@pytest.mark.parametrize(
    ("again", "error", "tries"),
    [
        (retry.look_up_again, Unavailable("500"), 8),
        (retry.look_up_again, Throttled("429"), 8),
        (retry.look_up_again, AccountRefused("401"), 1),
        (retry.fetch_again, Unavailable("500"), 6),
        (retry.fetch_again, Damaged("cut"), 6),
        (retry.fetch_again, LinkExpired("403"), 1),  # the same URL stays expired: poll
        (retry.fetch_again, BlockedHost("x"), 1),
        (retry.poll_again, Unavailable("404", code="unknown_job_id"), 5),
        (retry.poll_again, AccountRefused("401"), 5),
        (retry.poll_again, GenerationFailed("failed"), 1),
        (retry.cancel_again, Unavailable("500"), 4),
        (retry.cancel_again, AccountRefused("401"), 1),
    ],
)
def test_each_read_has_its_budget(again: object, error: ProviderError, tries: int) -> None:
    assert callable(again)
    waits = [again(error, attempt, 0.5) for attempt in range(1, 20)]
    assert [wait is None for wait in waits] == [attempt >= tries for attempt in range(1, 20)]


@pytest.mark.parametrize("error", [AccountRefused("401"), Unavailable("404", code="unknown_job_id")])
def test_a_denied_job_is_asked_for_during_a_minute(error: ProviderError) -> None:
    assert sum(retry.poll_again(error, attempt, 0.5) or 0 for attempt in range(1, 6)) == 60


@given(some.sampled_from(FREE), ATTEMPTS, JITTER)
def test_a_paid_job_is_never_given_up_for_silence(error: ProviderError, attempt: int, jitter: float) -> None:
    wait = retry.poll_again(error, attempt, jitter)
    assert wait is not None
    assert 0 < wait <= 60


def test_polls_slow_down_but_never_stop() -> None:
    waits = [retry.poll_again(Unavailable("500"), attempt, 0.5) for attempt in (1, 2, 3, 7, 8, 1000)]
    assert waits == pytest.approx([5 / 3, 10 / 3, 20 / 3, 10, 60, 60])


@given(some.sampled_from(EVERY), ATTEMPTS, JITTER)
def test_a_wait_is_never_negative_and_never_over_an_hour(error: ProviderError, attempt: int, jitter: float) -> None:
    for again in (retry.submit_again, retry.look_up_again, retry.poll_again, retry.fetch_again, retry.cancel_again):
        wait = again(error, attempt, jitter)
        assert wait is None or 0 <= wait <= 3600


def test_an_image_is_gone_only_where_the_service_says_so_of_its_job() -> None:
    assert not any(retry.is_gone(error) for error in EVERY)
    assert retry.is_gone(Unavailable("404", code="unknown_job_id", reached=True))
    assert retry.is_gone(Unavailable("succeeded", code="no_result", reached=True))
    assert retry.is_gone(LinkExpired("403", code="link_expired"))
    assert not retry.is_gone(Unavailable("502", code="http_502", reached=True))
    assert not retry.is_gone(AccountRefused("403", code="unknown_job_id"))
