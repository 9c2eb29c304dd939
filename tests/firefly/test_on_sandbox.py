"""The client against the sandbox, which knows the specification and nothing of the client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

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
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.firefly.credentials import Credentials, Secret
from campaign_runner.firefly.protocol.answers import Cancelling
from campaign_runner.model import Finished, Job, Recipe
from campaign_runner.sandbox.faults import Fault
from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.settings import Settings
from tests.firefly.asking import make_job, settings_for


@dataclass
class Stage:
    """A sandbox with a clock that is set by hand, and a client of it."""

    faults: tuple[Fault, ...] = ()
    settings: Settings = field(default_factory=lambda: Settings(job_seconds=10, plain_pictures=True, strict=True))
    secret: str = "canary-secret"
    seconds: float = 0.0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FireflyClient]:
        self.sandbox = Sandbox(self.settings, faults=self.faults, clock=lambda: self.seconds)
        async with serving(self.sandbox) as origin:
            given = settings_for(origin, submit=0.5, image=0.5)
            credentials = Credentials("canary-client", Secret(self.secret))
            async with FireflyClient(replace(given, credentials=credentials)) as firefly:
                yield firefly

    async def finish(self, firefly: FireflyClient, job: Job) -> Finished:
        """Submit `job`, and what it has to offer when its time is over."""
        ticket = await firefly.submit(job)
        self.seconds += 11
        finished = await firefly.poll(ticket)
        assert finished is not None
        return finished


@asynccontextmanager
async def staged(*faults: Fault, **switches: Any) -> AsyncIterator[tuple[Stage, FireflyClient]]:
    stage = Stage(faults)
    stage.settings = replace(stage.settings, **switches)
    async with stage.open() as firefly:
        yield stage, firefly


async def test_a_job_is_accepted_made_and_fetched_as_it_was_asked_for() -> None:
    async with staged() as (stage, firefly):
        ticket = await firefly.submit(make_job(9, 3, 7, accept="image/png"))
        assert ticket.warnings == ()
        assert await firefly.poll(ticket) is None
        stage.seconds = 11
        finished = await firefly.poll(ticket)
        assert finished is not None
        assert {output.seed for output in finished.outputs} == {9, 3, 7}
        images = [await firefly.fetch(output) for output in finished.outputs]
        assert all(image.startswith(b"\x89PNG") for image in images)
        assert stage.sandbox.ledger.images_charged == 3


async def test_all_models_are_listed_and_found_by_their_name() -> None:
    async with staged() as (_, firefly):
        assert len({model.id for model in await firefly.list_models()}) == 74
        (model,) = await firefly.find_models("Warm Custom Model")
        assert model.id.startswith("urn:aaid:sc:")
        assert await firefly.find_models(model.id) == (model,)
        assert await firefly.find_models("warm custom model") == ()


@pytest.mark.parametrize("dates", ["milliseconds", "iso"])
async def test_both_readings_of_a_models_dates_are_read(dates: str) -> None:
    async with staged(dates=dates) as (_, firefly):
        assert len(await firefly.list_models()) == 74


async def test_a_job_that_was_cancelled_has_failed() -> None:
    async with staged() as (_, firefly):
        ticket = await firefly.submit(make_job(1))
        assert await firefly.cancel(ticket) is Cancelling.ACCEPTED
        with pytest.raises(GenerationFailed, match="cancelled"):
            await firefly.poll(ticket)


@pytest.mark.parametrize("retry_after", ["seconds", "date"])
async def test_beyond_the_allowance_the_service_says_how_long_to_wait(retry_after: str) -> None:
    async with staged(per_minute=1, retry_after=retry_after) as (stage, firefly):
        await firefly.submit(make_job(1))
        with pytest.raises(Throttled) as caught:
            await firefly.submit(make_job(2))
        assert caught.value.retry_after is not None
        assert 50 < caught.value.retry_after <= 61
        assert stage.sandbox.ledger.images_charged == 1


async def test_a_wrong_secret_is_refused_with_its_reason() -> None:
    stage = Stage(secret="wrong")
    async with stage.open() as firefly:
        with pytest.raises(AccountRefused, match="invalid_client"):
            await firefly.submit(make_job(1))


def bad_job(**fields: Any) -> Job:
    job = make_job(1)
    return Job(Recipe.of("image3", {**job.recipe.body, **fields}), job.variations)


@pytest.mark.parametrize(
    ("job", "code", "says"),
    [
        (bad_job(prompt="a forbidden candle"), "prompt_unsafe", "policy"),
        (bad_job(visualIntensity=11), "validation_error", "visualIntensity: "),  # the field, in words
        (bad_job(misspelt=1), "validation_error", "misspelt: "),
    ],
)
async def test_a_request_at_fault_is_refused_with_the_field_or_the_policy(job: Job, code: str, says: str) -> None:
    async with staged() as (stage, firefly):
        with pytest.raises(Rejected, match=says) as caught:
            await firefly.submit(job)
        assert caught.value.code == code
        assert stage.sandbox.ledger.images_charged == 0


@pytest.mark.parametrize(
    ("kind", "error", "charged"),
    [
        ("503", Unavailable, 0),
        ("408", Unavailable, 0),
        ("402", AccountRefused, 0),
        ("403", AccountRefused, 0),
        ("404", AccountRefused, 0),
        ("redirect", AccountRefused, 0),
        ("429", Throttled, 0),
        ("500", InDoubt, 0),  # what a 500 cost nobody outside can know:
        ("500_after", InDoubt, 1),
        ("html", InDoubt, 0),
        ("reset", InDoubt, 0),
        ("reset_after", InDoubt, 1),
        ("garbled", InDoubt, 1),
        ("no_job_id", InDoubt, 1),
        ("slow_after", InDoubt, 1),
    ],
)
async def test_nothing_that_was_charged_is_ever_called_free(
    kind: str, error: type[ProviderError], charged: int
) -> None:
    where = "submit" if kind not in {"no_job_id"} else ""
    async with staged(Fault(kind, where, seconds=5)) as (stage, firefly):
        with pytest.raises(ProviderError) as caught:
            await firefly.submit(make_job(1))
        assert type(caught.value) is error
        assert stage.sandbox.ledger.images_charged == charged
        assert caught.value.charged is None or charged == 0


async def test_a_token_revoked_once_is_replaced_unnoticed() -> None:
    async with staged(Fault("401", "poll", nth=1)) as (stage, firefly):
        finished = await stage.finish(firefly, make_job(1, 2))
        assert len(finished.outputs) == 2
        assert stage.sandbox.ledger.images_charged == 2


async def test_a_token_that_ended_at_the_service_is_replaced_unnoticed() -> None:
    stage = Stage(settings=Settings(token_seconds=100, job_seconds=10, plain_pictures=True))
    async with stage.open() as firefly:
        ticket = await firefly.submit(make_job(1))
        stage.seconds = 1000  # the token has ended at the service
        assert await firefly.poll(ticket) is not None


async def test_a_job_whose_status_url_is_no_use_is_asked_for_at_the_api() -> None:
    async with staged(Fault("other_status_host", nth=1), Fault("no_status_url", nth=2)) as (_, firefly):
        for said in ("127.0.0.2", "no status URL"):
            ticket = await firefly.submit(make_job(1))
            assert said in ticket.warnings[0]
            assert await firefly.poll(ticket) is None


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("failed", GenerationFailed),
        ("timeout", GenerationFailed),
        ("cancelled", GenerationFailed),
        ("451", GenerationFailed),
    ],
)
async def test_a_job_that_ends_badly_says_so_when_polled(kind: str, error: type[ProviderError]) -> None:
    async with staged(Fault(kind, "job", word="image_unsafe")) as (stage, firefly):
        with pytest.raises(error):
            await stage.finish(firefly, make_job(1))


@pytest.mark.parametrize("kind", ["429", "500", "503", "html", "garbled", "other_job_id", "404", "redirect"])
async def test_a_poll_that_fails_once_finds_the_images_the_next_time(kind: str) -> None:
    async with staged(Fault(kind, "poll", nth=1)) as (stage, firefly):
        ticket = await firefly.submit(make_job(1))
        stage.seconds = 11
        with pytest.raises((Throttled, Unavailable)):
            await firefly.poll(ticket)
        finished = await firefly.poll(ticket)
        assert finished is not None
        assert [output.seed for output in finished.outputs] == [1]


async def test_a_poll_on_a_connection_the_service_had_dropped_is_repeated_unnoticed() -> None:
    """The HTTP library asks once more by itself where a read, never where a submit, meets a stale connection."""
    async with staged(Fault("reset", "poll", nth=1)) as (_, firefly):
        assert await firefly.poll(await firefly.submit(make_job(1))) is None


async def test_a_status_url_on_another_port_of_the_sandbox_is_followed() -> None:
    async with staged(other_status_port=True) as (_, firefly):
        ticket = await firefly.submit(make_job(1))
        assert ticket.warnings == ()
        assert await firefly.poll(ticket) is None


async def test_an_unknown_word_is_waited_out() -> None:
    async with staged(Fault("unknown_word", word="dancing")) as (stage, firefly):
        ticket = await firefly.submit(make_job(1))
        stage.seconds = 5
        assert await firefly.poll(ticket) is None


async def test_words_left_out_of_the_prompt_are_a_warning() -> None:
    async with staged(Fault("denied_words")) as (stage, firefly):
        finished = await stage.finish(firefly, make_job(1))
        assert "promptHasDeniedWords" in finished.warnings[0]
        assert len(finished.outputs) == 1


@pytest.mark.parametrize(("kind", "seeds"), [("no_outputs", []), ("fewer_outputs", [1]), ("duplicate_seed", [1, 1])])
async def test_outputs_are_passed_on_as_the_service_gives_them(kind: str, seeds: list[int]) -> None:
    async with staged(Fault(kind)) as (stage, firefly):
        finished = await stage.finish(firefly, make_job(1, 2))
        assert [output.seed for output in finished.outputs] == seeds


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("expired", nth=1), LinkExpired),
        (Fault("other_image_host"), BlockedHost),
        (Fault("cut", "download"), Damaged),
        (Fault("huge", "download"), Damaged),
        (Fault("reset", "download"), Unavailable),
        (Fault("503", "download"), Unavailable),
        (Fault("redirect", "download"), Unavailable),
    ],
)
async def test_an_image_that_cannot_be_had_says_what_to_do(fault: Fault, error: type[ProviderError]) -> None:
    async with staged(fault) as (stage, firefly):
        finished = await stage.finish(firefly, make_job(1))
        with pytest.raises(ProviderError) as caught:
            await firefly.fetch(finished.outputs[0])
        assert type(caught.value) is error


async def test_an_expired_link_is_replaced_by_polling_again() -> None:
    async with staged() as (stage, firefly):
        ticket = await firefly.submit(make_job(1))
        stage.seconds = 11
        early = await firefly.poll(ticket)
        stage.seconds = 4000
        assert early is not None
        with pytest.raises(LinkExpired):
            await firefly.fetch(early.outputs[0])
        late = await firefly.poll(ticket)
        assert late is not None
        assert await firefly.fetch(late.outputs[0])
