"""Where a job is asked for: at the host that its ticket names, at the API origin, or at both in turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from campaign_runner.errors import AccountRefused, AnotherJob, GenerationFailed, HostSilent, ProviderError, Unavailable
from campaign_runner.firefly.client import FireflyClient, NothingOnRecord
from campaign_runner.firefly.connection import Lost
from campaign_runner.firefly.losses import lost_elsewhere
from campaign_runner.firefly.protocol.answers import Cancelling
from campaign_runner.model import Finished, Ticket
from tests.firefly.asking import settings_for
from tests.firefly.raw_server import TOKEN, Act, RawServer, answer, begin, hang, raw_server

JOB = "urn:ff:jobs:epo:7"
RUNNING = answer(200, {"status": "running"})
FAILING = answer(500)
UNKNOWN = answer(404, {"error_code": "unknown_job_id"})
PAGE = answer(403, b"<html>Forbidden</html>", content_type="text/html")
UNUSABLE = {
    "half an answer": begin(b"HTTP/1.1 200 OK\r\n"),
    "silent": hang,
    "an error": answer(500),
    "busy": answer(503),
    "a gateway's page": answer(404, b"<html></html>", content_type="text/html"),
    "a firewall's page": PAGE,
    "a redirect": answer(302, location="https://elsewhere/"),
    "slow down": answer(429),
    "another job": answer(200, {"status": "running", "jobId": "urn:ff:jobs:epo:8"}),
    "no JSON": answer(200, b"{"),
}


class Asking:
    """A client, the API origin it knows, and another host that tickets name."""

    def __init__(self, firefly: FireflyClient, origin: RawServer, host: RawServer) -> None:
        self.firefly, self.origin, self.host = firefly, origin, host

    def ticket(self, job_id: str = JOB) -> Ticket:
        return Ticket(job_id, f"{self.host.origin}/v3/status/{job_id}", f"{self.host.origin}/v3/cancel/{job_id}")

    async def poll(self, times: int = 1, job_id: str = JOB) -> list[Finished | ProviderError | None]:
        """What came of so many polls."""
        told: list[Finished | ProviderError | None] = []
        for _ in range(times):
            try:
                told.append(await self.firefly.poll(self.ticket(job_id)))
            except ProviderError as error:
                told.append(error)
        return told

    @property
    def asked(self) -> tuple[int, int]:
        """How often the host was asked, and the origin."""
        return len(self.host.calls), len(self.origin.calls)


@asynccontextmanager
async def asking(host: Sequence[bytes | Act], origin: Sequence[bytes | Act]) -> AsyncIterator[Asking]:
    async with (
        raw_server(*host) as other,
        raw_server(*origin) as server,
        FireflyClient(settings_for(server, ready=TOKEN, read=1)) as firefly,
    ):
        yield Asking(firefly, server, other)


@pytest.mark.parametrize("act", UNUSABLE.values(), ids=UNUSABLE)
async def test_a_host_without_a_usable_answer_is_doubted_after_three(act: bytes | Act) -> None:
    async with asking([act], [RUNNING]) as these:
        told = await these.poll(5)
        assert told[3:] == [None, None]
        assert these.asked == (3, 2)  # the place that answered is kept
        assert these.origin.calls[0].path == "/v3/status/urn%3Aff%3Ajobs%3Aepo%3A7"
        notices = [error.notice for error in told[:3] if isinstance(error, ProviderError)]
        assert "127.0.0.1 is asked about them, too" in notices[2] and "too" not in notices[0]


async def test_a_host_is_counted_over_all_its_jobs_and_its_answers_in_a_row() -> None:
    async with asking([FAILING, FAILING, RUNNING, FAILING, UNKNOWN, FAILING, FAILING, FAILING], [RUNNING]) as these:
        for number in range(9):
            await these.poll(job_id=f"urn:{number}")
        assert these.asked == (8, 1)


async def test_a_host_that_ends_a_job_has_answered() -> None:
    failed = answer(200, {"status": "failed"})
    async with asking([FAILING, FAILING, failed, FAILING, FAILING, RUNNING], [RUNNING]) as these:
        told = await these.poll(6)
        assert isinstance(told[2], GenerationFailed)
        assert these.asked == (6, 0)


async def test_a_doubted_host_and_the_origin_are_asked_in_turn_until_one_tells() -> None:
    async with asking([FAILING] * 5 + [RUNNING], [UNKNOWN]) as these:
        await these.poll(12)
        assert these.asked == (9, 3)  # three times, then the origin and the host thrice in turn, then the host alone


async def test_the_place_that_told_is_left_once_it_fails() -> None:
    async with asking([FAILING] * 3 + [RUNNING], [RUNNING, RUNNING, answer(503), RUNNING]) as these:
        await these.poll(8)
        assert these.asked == (3 + 2, 3)


async def test_a_job_that_is_unknown_at_the_origin_is_not_lost_by_its_word() -> None:
    async with asking([FAILING], [UNKNOWN, answer(200, {"status": "running"}), UNKNOWN]) as these:
        told = await these.poll(7)
        codes = [error.code if isinstance(error, ProviderError) else error for error in told[3:]]
        assert codes == ["unknown_here", "http_500", None, "unknown_job_id"]  # it has once known the job


async def test_a_ticket_without_another_host_is_asked_for_at_the_origin_whose_word_counts() -> None:
    async with raw_server(UNKNOWN) as server, FireflyClient(settings_for(server, ready=TOKEN)) as firefly:
        for url in (None, f"{server.origin}/v3/status/7", "http://localhost:1/v3/status/7"):
            with pytest.raises(Unavailable) as caught:
                await firefly.poll(Ticket(JOB, url))
            assert caught.value.code == "unknown_job_id"


async def test_a_silent_host_says_nothing_of_the_service_and_a_silent_origin_does() -> None:
    async with asking([hang], [hang]) as these:
        told = await these.poll(4)
        assert [type(error) for error in told] == [HostSilent] * 3 + [Unavailable]


async def test_one_call_at_a_time_goes_to_a_doubted_host() -> None:
    async with asking([FAILING] * 3 + [hang], [UNKNOWN]) as these:
        await these.poll(3)
        jobs = ["urn:1", "urn:2", "urn:3"]
        for _ in range(2):  # at the origin, which does not know them; then it is the host's turn
            await asyncio.gather(*(these.poll(job_id=job) for job in jobs))
        assert these.asked == (4, 5)


def test_a_certificate_of_a_host_that_a_ticket_names_says_nothing_of_the_account() -> None:
    error = lost_elsewhere(Lost("x.adobe.io", "its certificate is not valid", sent=False, is_certificate=True))
    assert isinstance(error, HostSilent) and (error.code, error.sent) == ("certificate", False)


async def test_a_token_that_cannot_be_had_is_no_answer_of_the_host() -> None:
    async with raw_server(RUNNING) as host, raw_server(RUNNING, tokens=[answer(503)]) as server:
        async with FireflyClient(settings_for(server)) as firefly:
            for _ in range(4):
                with pytest.raises(Unavailable):
                    await firefly.poll(Ticket(JOB, f"{host.origin}/v3/status/7"))
        assert not host.calls and not server.calls


async def test_a_refusal_of_the_account_stays_one_and_the_origin_is_asked_too() -> None:
    async with asking([answer(403, {"error_code": "403003"})], [RUNNING]) as these:
        told = await these.poll(4)
        assert [type(error) for error in told] == [AccountRefused] * 3 + [type(None)]


@pytest.mark.parametrize("act", [FAILING, hang, answer(503), PAGE])
async def test_cancelling_goes_the_same_ways(act: bytes | Act) -> None:
    async with asking([act], [answer(200)]) as these:
        for _ in range(3):
            with pytest.raises(Unavailable):
                await these.firefly.cancel(these.ticket())
        assert await these.firefly.cancel(these.ticket()) is Cancelling.ACCEPTED
        assert [call.method for call in these.origin.calls] == ["PUT"]


async def test_polls_and_cancellations_count_together() -> None:
    async with asking([FAILING], [RUNNING]) as these:
        await these.poll(3)
        assert await these.firefly.cancel(these.ticket()) is Cancelling.ACCEPTED
        assert these.asked == (3, 1)


async def test_a_job_that_the_origin_cannot_cancel_is_asked_for_at_its_host_again() -> None:
    async with asking([FAILING] * 3 + [answer(200)], [UNKNOWN]) as these:
        await these.poll(3)
        with pytest.raises(Unavailable) as caught:
            await these.firefly.cancel(these.ticket())
        assert caught.value.code == "unknown_here"
        assert await these.firefly.cancel(these.ticket()) is Cancelling.ACCEPTED


class Namesakes(NothingOnRecord):
    async def has_namesake(self, job_id: str) -> bool:
        return True


NAMES = [
    # the ticket's id, what the answer calls the job, whether that is the same
    (JOB, "7", True),
    ("7", JOB, True),
    (JOB, "jobs/7", True),
    (JOB, "urn:ff:jobs:use1:7", True),
    (JOB, "17", False),
    (JOB, "urn:7:", False),
    ("urn:", "other:", False),
]


@pytest.mark.parametrize(("job_id", "named", "is_same"), NAMES)
async def test_a_job_is_known_by_the_last_part_of_its_id(job_id: str, named: str, is_same: bool) -> None:
    async with asking([answer(200, {"status": "running", "jobId": named})], [RUNNING]) as these:
        (told,) = await these.poll(job_id=job_id)
        assert (told is None) == is_same
        assert is_same or (isinstance(told, AnotherJob) and "another job" in told.notice)


async def test_the_last_part_is_not_enough_where_another_job_has_the_same() -> None:
    async with (
        raw_server(answer(200, {"status": "running", "jobId": "7"})) as server,
        FireflyClient(settings_for(server, ready=TOKEN), jobs=Namesakes()) as firefly,
    ):
        with pytest.raises(AnotherJob):
            await firefly.poll(Ticket(JOB))
