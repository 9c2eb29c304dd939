"""The Firefly client: the Provider that talks to Adobe. It asks once, and says what the answer cost.

No method waits, repeats or logs, with one exception: a free call the service refuses for its
token (401) is made once more with a new one. A submit is not: each is a request of the
allowance. Submits leave on a fresh connection each, so a paid request never meets a stale one. Images are fetched on
connections that have never seen a token.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

from campaign_runner.errors import AnotherJob, BlockedHost, LinkExpired, ProviderError, Unavailable
from campaign_runner.firefly.auth import TokenSource, grant_request, same_again
from campaign_runner.firefly.connection import Connection, Lost
from campaign_runner.firefly.credentials import Secret
from campaign_runner.firefly.losses import lost_elsewhere, lost_image, lost_read, lost_submit, lost_token
from campaign_runner.firefly.protocol import answers, wire
from campaign_runner.firefly.protocol.hosts import host_of, may_fetch_image, origin_of
from campaign_runner.firefly.protocol.interfaces import interface_of
from campaign_runner.firefly.protocol.untrusted import read_date
from campaign_runner.firefly.protocol.wire import Request, Response
from campaign_runner.firefly.routes import Question, Routes
from campaign_runner.firefly.settings import UPLOAD, Settings, Timeouts
from campaign_runner.model import NO_UPLOADS, CustomModel, Finished, Job, Output, Ticket, is_same_job
from campaign_runner.ports import LARGEST_BYTES, JobsOnRecord, Permit, Provider

_MOST_PAGES = 50
UNKNOWN_HERE = "unknown_here"
"""The code of an Unavailable from a place that does not know a job and never did: another one may."""


class NothingOnRecord(JobsOnRecord):
    """For a client that follows no jobs of a journal; what it is told it knows until it ends."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    async def has_namesake(self, job_id: str) -> bool:
        return False

    async def is_known_at_origin(self, job_id: str) -> bool:
        return job_id in self._known

    async def note_known_at_origin(self, job_id: str) -> None:
        self._known.add(job_id)


class FireflyClient(Provider):
    """A Provider. Use as `async with FireflyClient(settings) as firefly:`. `jobs` is what a journal knows of them."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady: Callable[[], float] = time.monotonic,
        jobs: JobsOnRecord | None = None,
    ) -> None:
        self._settings = settings
        self._origin = settings.firefly_url
        self._credentials = settings.credentials
        self._clock = clock
        self._jobs = jobs or NothingOnRecord()
        self._routes = Routes(self._origin)
        self._closing = AsyncExitStack()
        self._left: set[str] = set()  # jobs left to be asked for again with another token, by their first key
        self.clock_ahead: float | None = None
        """Seconds the service's clock was ahead of ours at its last answer; None before one that told the time."""
        self._tokens = TokenSource(
            self._grant,
            ready=self._credentials.access_token,
            wall=lambda: clock().timestamp(),
            steady=steady,
        )

    async def __aenter__(self) -> Self:
        self._submits = self._open(self._settings.submit, fresh=True)
        self._reads = self._open(self._settings.read)
        self._uploads = self._open(UPLOAD)
        self._images = self._open(self._settings.image)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    def _open(self, limits: Timeouts, *, fresh: bool = False) -> Connection:
        connection = Connection(limits, fresh=fresh, proxy=self._settings.proxy)
        self._closing.push_async_callback(connection.close)
        return connection

    async def sign_in(self) -> None:
        """Get the token, so that wrong credentials are known before anything is recorded as sent.

        Raises AccountRefused, Throttled or Unavailable.
        """
        await self._tokens.get()

    async def upload(self, content: bytes, media_type: str) -> str:
        """Hand over a reference image; the answer is its id. Free.

        Raises Rejected, AccountRefused, Throttled or Unavailable.
        """
        request = wire.upload_request(self._origin, content, media_type)
        return answers.read_upload(await self._call(request, self._uploads, lost_read), self._clock())

    async def prepare(self, job: Job) -> None:
        """See Provider: the token is at hand. `submit` refuses a job whose reference images are not uploaded."""
        await self._tokens.get()

    async def submit(self, job: Job, permit: Permit | None = None, uploads: Mapping[str, str] = NO_UPLOADS) -> Ticket:
        """Ask for `job` once; see Provider. The ticket holds the URLs as given and warns of one that is not trusted.

        Where the service refuses the token, Unavailable once a job: asked for again, it has another. Then it is final.
        """
        request = wire.generate_request(self._origin, job, uploads)
        token = await self._tokens.get()
        outcome = await self._submits.exchange(
            self._authorised(request, token), deadline=None if permit is None else permit.deadline
        )
        response = self._heard(outcome, lost_submit, token)
        if response.status == 401 and self._tokens.drop(token) and job.keys[0] not in self._left:
            self._left.add(job.keys[0])
            raise Unavailable(
                "Adobe rejected the access token; requesting a new one", code="token_refused", reached=True
            )
        ticket = answers.read_ticket(response, self._clock(), interface_of(job.recipe.version))
        return replace(ticket, warnings=tuple(wire.warnings_about(self._origin, ticket)))

    async def poll(self, ticket: Ticket) -> Finished | None:
        """The status of the job; see Provider. One place is asked, `Routes` says which."""
        await self._tokens.get()  # first: a token that cannot be had says nothing about a host
        with self._routes.asking(*wire.status_requests(self._origin, ticket)) as question:
            response = await self._ask(question)
            return await (self._told_by_origin if question.is_detour else self._told)(response, ticket)

    async def _told(self, response: Response, ticket: Ticket) -> Finished | None:
        """What an answer says of the job. It may leave out the beginning of the job's id."""
        try:
            return answers.read_status(response, ticket.job_id, self._clock())
        except AnotherJob as other:
            if not is_same_job(other.job_id, ticket.job_id) or await self._jobs.has_namesake(ticket.job_id):
                other.notice = "Adobe answered about another job than the one requested; that answer was not used"
                raise
            return answers.read_status(response, other.job_id, self._clock())

    async def _told_by_origin(self, response: Response, ticket: Ticket) -> Finished | None:
        """The same of an answer from the API origin, where the ticket names another host.

        That it does not know the job counts only where it once did: each host may know its own jobs alone.
        """
        is_known = await self._jobs.is_known_at_origin(ticket.job_id)
        try:
            finished = await self._told(response, ticket)
        except Unavailable as error:
            if error.code != answers.UNKNOWN_JOB or is_known:
                raise
            raise Unavailable(str(error), code=UNKNOWN_HERE, reached=True) from error
        if not is_known:
            await self._jobs.note_known_at_origin(ticket.job_id)
        return finished

    async def cancel(self, ticket: Ticket) -> answers.Cancelling:
        """Ask to stop a job; repeating is harmless. Raises AccountRefused, Throttled or Unavailable.

        Asks at one place, as `poll` does; `Unavailable.code` is `unknown_here` as there.
        """
        await self._tokens.get()
        with self._routes.asking(*wire.cancel_requests(self._origin, ticket)) as question:
            said = answers.read_cancel(await self._ask(question), self._clock())
            if said is answers.Cancelling.UNKNOWN and question.is_detour:
                raise Unavailable("Adobe does not know the job", code=UNKNOWN_HERE, reached=True)
            return said

    async def _ask(self, question: Question) -> Response:
        return await self._call(question.request, self._reads, lost_elsewhere if question.is_elsewhere else lost_read)

    async def fetch(self, output: Output, most_bytes: int = LARGEST_BYTES) -> bytes:
        """The bytes of an image; see Provider. No token, key or cookie goes there."""
        if not output.url:
            raise LinkExpired("Adobe gave no link to the image", code="no_link")
        if not may_fetch_image(output.url, self._origin, self._settings.image_hosts):
            raise BlockedHost(
                f"the image is at {host_of(output.url)}, which is not trusted; it was not contacted. If Adobe keeps "
                "your images there, add the host to CAMPAIGN_RUNNER_IMAGE_HOSTS (https, port 443) and run again",
                code="blocked_host",
            )
        outcome = await self._images.exchange(Request("GET", output.url), most_bytes)
        if isinstance(outcome, Lost):
            raise lost_image(outcome)
        return answers.read_image(outcome, self._clock())

    async def find_models(self, name: str) -> Sequence[CustomModel]:
        """Those that are `named` so; none: not shared with this account. Raises what `list_models` does."""
        return named(await self.list_models(), name)

    async def list_models(self) -> Sequence[CustomModel]:
        """All custom models shared with this account. Raises AccountRefused, Throttled or Unavailable."""
        found: dict[str, CustomModel] = {}
        start = 0
        for _ in range(_MOST_PAGES):
            request = wire.models_request(self._origin, start)
            page = answers.read_models(await self._call(request, self._reads, lost_read), self._clock())
            found.update((model.id, model) for model in page.models)
            start += page.entries
            if page.is_last(start):
                return tuple(found.values())
        raise Unavailable(f"Adobe lists more than {_MOST_PAGES} pages of custom models", code="too_many_models")

    async def _call(
        self, request: Request, connection: Connection, when_lost: Callable[[Lost], ProviderError]
    ) -> Response:
        """The answer to a free call with the token; once more with a new one if the service refuses this one."""
        token = await self._tokens.get()
        response = await self._send(request, token, connection, when_lost)
        is_elsewhere = origin_of(request.url) != self._origin
        if response.status != 401 or not self._tokens.drop(token, elsewhere=is_elsewhere):
            return response
        another = await self._tokens.get()
        if another.reveal() == token.reveal():
            raise same_again()
        return await self._send(request, another, connection, when_lost)

    async def _send(
        self, request: Request, token: Secret, connection: Connection, when_lost: Callable[[Lost], ProviderError]
    ) -> Response:
        return self._heard(await connection.exchange(self._authorised(request, token)), when_lost, token)

    def _authorised(self, request: Request, token: Secret) -> Request:
        return self._credentials.authorise(request, token, _request_id())

    def _heard(self, outcome: Response | Lost, when_lost: Callable[[Lost], ProviderError], token: Secret) -> Response:
        """The service's answer, whose clock is compared with ours. Raises what a lost one is."""
        response = self._shown(outcome, when_lost, token.reveal())
        self.clock_ahead = read_date(response.headers.get("date"), self._clock())
        return response

    async def _grant(self) -> answers.Grant:
        outcome = await self._reads.exchange(grant_request(self._credentials, self._settings.ims_url))
        return answers.read_token(self._shown(outcome, lost_token), self._clock())

    def _shown(self, outcome: Response | Lost, when_lost: Callable[[Lost], ProviderError], *secrets: str) -> Response:
        """An answer in plain UTF-8, without `secrets` and ours; only then may any of it be shown."""
        hidden = (*secrets, *self._credentials.reveal())
        if isinstance(outcome, Lost):
            begun = outcome.begun and outcome.begun.decoded().without(*hidden)
            raise when_lost(replace(outcome, begun=begun))
        return outcome.decoded().without(*hidden)


def _request_id() -> str:
    """For people who look for a request: no two are the same, but anyone may guess it, so the system is not asked."""
    return str(UUID(int=random.getrandbits(128), version=4))


def named(models: Sequence[CustomModel], name: str) -> Sequence[CustomModel]:
    """Those of `models` that bear `name` exactly: as display name, as asset name or as id, in this order."""
    for attribute in ("name", "asset_name", "id"):
        if found := tuple(model for model in models if getattr(model, attribute) == name):
            return found
    return ()
