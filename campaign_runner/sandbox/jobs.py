"""The jobs accepted so far; how far each one is, is read off the clock.

Nothing runs in the background: a job is accepted at one time and finished at a
later one, and what a poll sees in between follows from the time of asking.
"""

from __future__ import annotations

import hashlib
import random
import re
import uuid
from dataclasses import dataclass

from campaign_runner.sandbox.faults import Fault, Script
from campaign_runner.sandbox.identity import key_of
from campaign_runner.sandbox.latency import seconds_of_job
from campaign_runner.sandbox.refusals import Refusal, api_error, validation_error
from campaign_runner.sandbox.requests import SEED_MOST, GenerationRequest
from campaign_runner.sandbox.settings import Settings

JOB_ID = re.compile(r"(urn:ff:jobs:[a-z0-9]+:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PENDING_PART = 0.2
"""The share of its life that a job is pending; then it runs."""

GONE = ("failed", "cancelled", "canceled", "timeout")


@dataclass(frozen=True, slots=True)
class Output:
    """One image of a job: its place in the job, the seed it is said to have, and what goes wrong with it."""

    index: int
    seed: int
    faults: tuple[Fault, ...] = ()

    def has(self, kind: str) -> bool:
        """Whether the fault strikes this output."""
        return self.fault(kind) is not None

    def fault(self, kind: str) -> Fault | None:
        """The fault of that kind that strikes this output."""
        return next((fault for fault in self.faults if fault.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Job:
    """An accepted request. Times are the sandbox's seconds."""

    id: str
    client: str
    order: GenerationRequest
    seeds: tuple[int, ...]
    accepted_at: float
    ready_at: float
    keys: tuple[str, ...]
    """Of its images, in the order of seeds."""
    outputs: tuple[Output, ...]
    faults: tuple[Fault, ...] = ()

    def fault(self, kind: str) -> Fault | None:
        """The fault of that kind that strikes this job."""
        return next((fault for fault in self.faults if fault.kind == kind), None)

    @property
    def uuid(self) -> str:
        """The last part of the id, which image URLs carry."""
        return self.id.rpartition(":")[2]


class Jobs:
    """All jobs by id."""

    def __init__(self, settings: Settings, script: Script) -> None:
        self._settings = settings
        self._script = script
        self._jobs: dict[str, Job] = {}
        self._by_uuid: dict[str, Job] = {}
        self._cancelled: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def first(self) -> Job:
        """The first one accepted."""
        return next(iter(self._jobs.values()))

    def begin(self, client: str, order: GenerationRequest, *, now: float, faults: tuple[Fault, ...]) -> Job:
        """Accept `order`: number it, choose its seeds if it brought none, and set the time it takes.

        `faults` strike the job; the script is asked what strikes each of its outputs.
        """
        number = len(self._jobs) + 1
        name = f"{self._settings.seed}:{number}"
        named = uuid.UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=4)
        dice = random.Random(name)
        seeds = order.seeds or tuple(dice.sample(range(1, SEED_MOST), order.count))
        seeds = seeds[: order.count]
        outputs = tuple(Output(index, seed, self._script.at("output")) for index, seed in enumerate(seeds))
        job = Job(
            id=f"urn:ff:jobs:epo:{named}",
            client=client,
            order=order,
            seeds=seeds,
            accepted_at=now,
            keys=tuple(key_of(order.recipe, seed) for seed in seeds),
            ready_at=now + seconds_of_job(self._settings, number),
            outputs=outputs,
            faults=faults,
        )
        self._jobs[job.id] = self._by_uuid[job.uuid] = job
        return job

    def find(self, job_id: str, client: str, *, now: float) -> Job:
        """The job by its id or the last part of it, if it is this client's and still known; raises 404."""
        job = self._jobs.get(job_id) or self._by_uuid.get(job_id)
        if job is None or job.client != client or now - job.accepted_at >= self._settings.job_known_seconds:
            raise unknown_job()
        return job

    def made(self, job_uuid: str, index: int) -> tuple[Job, Output] | None:
        """The output an image URL names, if there is one."""
        job = self._by_uuid.get(job_uuid)
        if job is None or not 0 <= index < len(job.outputs):
            return None
        return job, job.outputs[index]

    def word(self, job: Job, now: float) -> str:
        """The job's status at `now`, as the service spells it."""
        if job.id in self._cancelled:
            is_done = now - self._cancelled[job.id] >= self._settings.cancel_seconds
            return self._settings.cancelled_word if is_done else "cancel_pending"
        part = (now - job.accepted_at) / ((job.ready_at - job.accepted_at) or 1.0)
        if now < job.ready_at and part < PENDING_PART:
            return "pending"
        if now < job.ready_at or job.fault("stuck"):
            odd = job.fault("unknown_word")
            return (odd.word or "warming_up") if odd else self._settings.running_word
        return self._end(job)

    def cancel(self, job: Job, now: float) -> None:
        """Cancel a job under way; raises 409 or 410 for one that has ended."""
        word = self.word(job, now)
        if word in ("cancelled", "canceled"):
            raise api_error(409, "job_already_canceled", "The job was already canceled.")
        if word == "timeout":
            raise api_error(410, "job_timeout", "The job timed out.")
        if word in ("succeeded", "failed"):
            raise api_error(409, "job_completed", "The job was already completed.")
        self._cancelled.setdefault(job.id, now)

    def _end(self, job: Job) -> str:
        if job.fault("cancelled"):
            return self._settings.cancelled_word
        return next((kind for kind in ("failed", "timeout") if job.fault(kind)), "succeeded")


def refuse_malformed(job_id: str) -> None:
    """Raises 422 for what is not a job id, as documented for status alone; cancelling calls it unknown."""
    if not JOB_ID.fullmatch(job_id):
        mistake = {"loc": ["parameters", "jobId"], "msg": "invalid job identifier format", "type": "value_error"}
        raise validation_error([mistake])


def unknown_job() -> Refusal:
    """404, as documented for status and cancel."""
    return api_error(404, "unknown_job_id", "The job id is unknown.")
