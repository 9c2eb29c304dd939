"""The service itself: its paths, and what each call does.

A call passes the script of faults, the check of who asks, the allowance, the check
of what is asked, and only then has an effect. Everything is in memory and ends with
the sandbox. No handler waits between asking the allowance and using it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from campaign_runner.sandbox import fault_effects, origins, unserved
from campaign_runner.sandbox.access import Tokens, admit, admit_to_list
from campaign_runner.sandbox.answers import Answers, acceptance, links_of, prompt_refused
from campaign_runner.sandbox.catalog import CATALOG, Catalog
from campaign_runner.sandbox.clock import Clock
from campaign_runner.sandbox.doubts import Doubts
from campaign_runner.sandbox.downloads import Downloads
from campaign_runner.sandbox.faults import Fault, Place, Script
from campaign_runner.sandbox.jobs import Job, Jobs, refuse_malformed, unknown_job
from campaign_runner.sandbox.latency import seconds_of_answer
from campaign_runner.sandbox.ledger import Entry, Ledger
from campaign_runner.sandbox.links import PATH, Links
from campaign_runner.sandbox.listing import listing, unknown
from campaign_runner.sandbox.quota import Quota
from campaign_runner.sandbox.refusals import Dropped, Refusal, api_error, ims_error, list_error, page
from campaign_runner.sandbox.requests import GenerationRequest, check, parse
from campaign_runner.sandbox.settings import RetryAfter, Settings
from campaign_runner.sandbox.uploads import MOST_BYTES, Uploads, no_image, type_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
FaultyHandler = Callable[[web.Request, Sequence[Fault]], Awaitable[web.StreamResponse]]

DEFAULTS = Settings()
ORDER_MOST_BYTES = 1_000_000
HOUR = 3600.0
FORBIDDEN = "forbidden"
"""A prompt with this word breaks the content policy."""


class Sandbox:
    """One Firefly-compatible service. `app()` serves it, `ledger` tells what it did.

    `catalog` is the account's custom models. `clock` counts seconds and decides everything that depends on time;
    `began` is the date at its first reading, now by default; `sleep` is used by slow faults alone. `say` hears, once
    each, what a strict sandbox would have refused.
    """

    def __init__(
        self,
        settings: Settings = DEFAULTS,
        *,
        catalog: Catalog = CATALOG,
        faults: Iterable[Fault] = (),
        clock: Callable[[], float] = time.monotonic,
        began: datetime | None = None,
        sleep: fault_effects.Sleep = asyncio.sleep,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.settings = settings
        self.ledger = Ledger()
        self.status_port = 0
        """Where on the same host jobs are to be asked for; 0: where they were submitted."""
        self.dead_origin = self.silent_origin = "http://127.0.0.1:9"
        """Where a dead host of statusUrl refuses, and where it says nothing; `serve` sets them."""
        self._catalog = catalog
        self._doubts = Doubts(say, is_strict=settings.strict)
        self._clock = Clock.starting(clock, began or datetime.now(UTC))
        self._sleep = sleep
        self._script = Script(faults, settings.seed)
        self._tokens = Tokens(settings.token_seconds, settings.seed, cached=settings.token_cached_seconds)
        self._quota = Quota(settings)
        self._uploads = Uploads(settings.seed)
        self._jobs = Jobs(settings, self._script)
        links = Links(self._clock, settings.expire_seconds)
        self._downloads = Downloads(settings, self._jobs, links=links, sleep=sleep, doubts=self._doubts)
        self._answers = Answers(links, fresh_urls=settings.fresh_urls, shuffled=settings.shuffled)

    def app(self) -> web.Application:
        """The application, to be served on a loopback address and nowhere else."""
        app = web.Application(client_max_size=MOST_BYTES + 1, middlewares=[_dressed])
        app.on_response_prepare.append(self._dated)
        app.add_routes(
            [
                web.post("/ims/token/v3", self._call("token", self._token)),
                web.get("/v3/custom-models", self._call("models", self._models), allow_head=False),
                web.post("/v2/storage/image", self._call("upload", self._upload)),
                web.post("/v3/images/generate-async", self._call("submit", self._submit)),
                web.get("/v3/status/{job_id}", self._call("poll", self._poll), allow_head=False),
                web.get("/jobs/result/{job_id}", self._call("poll", self._poll_as_in_the_tutorial), allow_head=False),
                web.put("/v3/cancel/{job_id}", self._call("cancel", self._cancel)),
                web.get(PATH + "/{name}", self._call("download", self._downloads.answer)),  # HEAD, too
                web.get("/sandbox/ledger", self._show_ledger, allow_head=False),
            ]
        )
        return app

    def _call(self, place: Place, handler: FaultyHandler) -> Handler:
        """`handler` behind the script of faults, its refusals made answers."""

        async def answer(request: web.Request) -> web.StreamResponse:
            self.ledger.calls[place] += 1
            faults = self._script.at(place)
            if any(fault.kind == "401" for fault in faults):
                self._tokens.revoke(request.headers)
            try:
                await self._arrive(place)
                await fault_effects.before(faults, self._sleep)
                response = await handler(request, faults)
            except (Refusal, Dropped, ConnectionError) as no:  # the last: the caller went away in the middle of it
                if place == "submit":
                    await self._record_refused(request, no)
                return no.response() if isinstance(no, Refusal) else fault_effects.drop(request)
            return await fault_effects.after(faults, request, response, sleep=self._sleep)

        return answer

    async def _dated(self, _: web.Request, response: web.StreamResponse) -> None:
        """The Date header, by the sandbox's clock; the web server has set it by the machine's."""
        match self.settings.date_header:
            case "right":
                response.headers["Date"] = self._date(self._now())
            case "none":
                del response.headers["Date"]
            case "nonsense":
                response.headers["Date"] = "the day before yesterday"

    async def _arrive(self, place: Place) -> None:
        """The time that every call takes."""
        if self.settings.answer_seconds:
            await self._sleep(seconds_of_answer(self.settings, place, self.ledger.calls[place]))

    def _now(self) -> float:
        return self._clock.seconds()

    async def _token(self, request: web.Request, _: Sequence[Fault]) -> web.Response:
        if request.query_string:
            advice = ims_error("invalid_request", "send the parameters as a form in the body: addresses are logged")
            self._doubts.raised("token: parameters in the query; Adobe advises the body", advice)
        body = await _body(request, ORDER_MOST_BYTES)
        if body and request.content_type != "application/x-www-form-urlencoded":
            raise ims_error("invalid_request", "send the parameters as a form in the body")
        form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        token = self._tokens.issue(dict(request.query) | dict(form), self._now())
        seconds = self.settings.token_seconds
        life = str(seconds) if self.settings.token_lifetime == "text" else seconds
        return web.json_response({"access_token": token, "token_type": "bearer", "expires_in": life})

    async def _models(self, request: web.Request, _: Sequence[Fault]) -> web.Response:
        admit_to_list(self._tokens, request.headers, self._now())
        accepted = request.headers.get("Accept", "*/*")
        if not any(kind in accepted for kind in ("*/*", "application/*", "application/json")):
            raise list_error(406, "Not Acceptable", "The answer is application/json.")
        for name in unknown(request.query):
            refusal = list_error(400, "Bad Request", f"unknown query parameter {name}")
            self._doubts.raised(f"models: unknown query parameter {name}", refusal)
        return web.json_response(listing(self._catalog, request.query, self.settings))

    async def _upload(self, request: web.Request, _: Sequence[Fault]) -> web.Response:
        client = admit(self._tokens, request.headers, self._now())
        body = await _body(request, MOST_BYTES)
        if self.settings.uploads_count:
            self._spend(client)
        said = request.content_type
        if (found := type_of(body, said)) != said:
            self._doubts.raised(f"upload: {found} sent as {said}", no_image(said))
        upload_id = self._uploads.add(body, self._now())
        return web.json_response({"images": [{"id": upload_id}]})

    async def _submit(self, request: web.Request, _: Sequence[Fault]) -> web.Response:
        client = admit(self._tokens, request.headers, self._now())
        body = await _body(request, ORDER_MOST_BYTES)
        self._refuse_beyond_quota(client)
        if request.content_type != "application/json":
            raise api_error(415, "invalid_content_type", "The body must be application/json.")
        order = self._order(parse(body), request)
        faults = self._refused_prompt(order) + self._script.at("job")
        self._quota.take(client, self._now())
        job = self._jobs.begin(client, order, now=self._now(), faults=faults)
        self.ledger.accept(job)
        origin = self._named_origin(job, request)
        answer = acceptance(job, origin, first_id=self._jobs.first().id)
        return web.json_response(answer, status=202, headers={"Link": links_of(job, origin)})

    def _order(self, body: dict[str, Any], request: web.Request) -> GenerationRequest:
        order = check(body, request.headers, settings=self.settings, catalog=self._catalog, digest_of=self._digest)
        for doubt in order.doubts:
            self._doubts.say(doubt)
        model = body.get("customModelId")
        if isinstance(model, str) and not self._catalog.lists(model):
            self._doubts.tell(f"plays a custom model that is not on its list: {model}")
        return order

    def _named_origin(self, job: Job, request: web.Request) -> str:
        """Where the job is said to be asked for."""
        match job.fault("dead_status_host"):
            case None:
                return origins.origin(request, port=self.status_port)
            case fault:
                return self.silent_origin if fault.word == "silent" else self.dead_origin

    async def _poll_as_in_the_tutorial(self, request: web.Request, faults: Sequence[Fault]) -> web.Response:
        """The address that Adobe's tutorial once asked: another one than the statusUrl it had been given."""
        no = api_error(404, "not_found", "/jobs/result/ is of an old tutorial alone: ask the statusUrl of the job.")
        self._doubts.raised("status: /jobs/result/ is not the statusUrl", no)
        return await self._poll(request, faults)

    async def _poll(self, request: web.Request, faults: Sequence[Fault]) -> web.Response:
        client = admit(self._tokens, request.headers, self._now())
        if self.settings.polls_count:
            self._spend(client)
        job_id = request.match_info["job_id"]
        refuse_malformed(job_id)
        job = self._jobs.find(job_id, client, now=self._now())
        if job.fault("forgotten"):
            raise unknown_job()
        word = self._jobs.word(job, self._now())
        origin = origins.origin(request)
        answer = self._answers.status(job, word, origin=origin, now=self._now())
        if any(fault.kind == "other_job_id" for fault in faults):
            answer["jobId"] = "urn:ff:jobs:epo:00000000-0000-4000-8000-000000000000"
        if any(fault.kind == "bare_job_id" for fault in faults):
            answer["jobId"] = job.uuid
        return web.json_response(answer, headers={"Link": links_of(job, origin)})

    async def _cancel(self, request: web.Request, _: Sequence[Fault]) -> web.Response:
        client = admit(self._tokens, request.headers, self._now())
        job = self._jobs.find(request.match_info["job_id"], client, now=self._now())
        self._jobs.cancel(job, self._now())
        return web.json_response({})

    async def _show_ledger(self, _: web.Request) -> web.Response:
        return web.json_response(self.ledger.as_json())

    async def _record_refused(self, request: web.Request, no: Refusal | Dropped | ConnectionError) -> None:
        """What was refused is worth an entry, too, as far as it can be read."""
        try:
            asked: dict[str, Any] | None = parse(await _body(request, ORDER_MOST_BYTES))
        except (Refusal, Dropped):
            asked = None
        why = no.why if isinstance(no, Refusal) else "dropped"
        seeds = asked.get("seeds") if asked else None
        version = request.headers.get("x-model-version", "")
        client = request.headers.get("x-api-key", "")
        shown = seeds if isinstance(seeds, list) else []
        self.ledger.refuse(Entry(self._now(), client, version, shown, asked, "refused", why))

    def _refused_prompt(self, order: GenerationRequest) -> tuple[Fault, ...]:
        """How the content policy strikes a forbidden prompt; raises where that is at once."""
        if FORBIDDEN not in order.prompt.lower():
            return ()
        match self.settings.refused:
            case "451":
                raise prompt_refused()
            case "422":
                raise api_error(422, "prompt_unsafe", "The prompt did not pass content policy checks.")
            case "451_at_poll":
                return (Fault("451", where="job"),)
            case "failed":
                return (Fault("failed", word="prompt_unsafe"),)
            case "empty":
                return (Fault("no_outputs"),)

    def _digest(self, upload_id: str) -> str | None:
        return self._uploads.digest(upload_id, self._now())

    def _spend(self, client: str) -> None:
        self._refuse_beyond_quota(client)
        self._quota.take(client, self._now())

    def _refuse_beyond_quota(self, client: str) -> None:
        """Raises 429 with the time after which one more request is permitted."""
        wait = self._quota.wait(client, self._now())
        if wait > 0:
            spelt: dict[RetryAfter, str | None] = {
                "seconds": str(math.ceil(wait)),
                "date": self._date(self._now() + wait + 1),
                "none": None,
                "zero": "0",
                "past": self._date(self._now() - HOUR),
            }
            raise fault_effects.rate_limited(spelt[self.settings.retry_after])

    def _date(self, at: float) -> str:
        return format_datetime(self._clock.date(at), usegmt=True)


async def _body(request: web.Request, most: int) -> bytes:
    """The whole body; raises the 413 that gateways send, an HTML page."""
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise page(413, "Request Entity Too Large") from error
    except ConnectionError as error:  # the caller went away in the middle of it
        raise Dropped from error
    except (web.RequestPayloadError, HttpProcessingError) as error:
        raise api_error(400, "bad_request", "The body is not what its headers say.") from error
    if len(body) > most:
        raise page(413, "Request Entity Too Large")
    return body


@web.middleware
async def _dressed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name every answer by a request id, and say no to what cannot be read or is not served."""
    named = "sandbox"
    try:
        origins.refuse_malformed(request)
        named = request.headers.get("x-request-id", named)
        response = await handler(request)
    except Refusal as refusal:
        response = refusal.response()
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        response = unserved.refusal_of(request, error).response()
    if not response.prepared:
        response.headers.setdefault("x-request-id", named)
    return response
