"""What the service says about a job: at acceptance, and each time it is polled.

Shapes are `AsyncAcceptResponseV3` and `JobResponse` of Adobe's Firefly API
specification. Faults of a job that show in an answer are applied here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from campaign_runner.sandbox.jobs import GONE, Job, Output
from campaign_runner.sandbox.links import Links
from campaign_runner.sandbox.refusals import Refusal, api_error
from campaign_runner.sandbox.requests import SEED_MOST

OTHER_HOST = "http://127.0.0.2"
FLOOD = 2000
"""Images that a flooded answer has more than asked for: about as many as fit into a megabyte."""


def prompt_refused() -> Refusal:
    """451, as documented for content policy."""
    return api_error(451, "prompt_unsafe", "The prompt did not pass content policy checks.")


def acceptance(job: Job, origin: str, *, first_id: str) -> dict[str, Any]:
    """The body of a 202. `first_id` is the sandbox's first job, for the fault that repeats it."""
    host = OTHER_HOST if job.fault("other_status_host") else origin
    answer = {
        "jobId": first_id if job.fault("repeated_job_id") else job.id,
        "statusUrl": f"{host}/v3/status/{job.id}",
        "cancelUrl": f"{origin}/v3/cancel/{job.id}",
    }
    if job.fault("no_job_id"):
        del answer["jobId"]
    if job.fault("no_job_id") or job.fault("no_status_url"):
        del answer["statusUrl"]
    return answer


def links_of(job: Job, origin: str) -> str:
    """The Link header of an acceptance and of a status: where to ask for the job, and where to cancel it."""
    return f'<{origin}/v3/status/{job.id}>; rel="status", <{origin}/v3/cancel/{job.id}>; rel="cancel"'


class Answers:
    """Answers to polls; it remembers which outputs have been shown."""

    def __init__(self, links: Links, *, fresh_urls: bool, shuffled: bool) -> None:
        self._links = links
        self._fresh_urls = fresh_urls
        self._shuffled = shuffled
        self._shown: set[str] = set()
        self._ended: Counter[str] = Counter()

    def status(self, job: Job, word: str, *, origin: str, now: float) -> dict[str, Any]:
        """The body of a 200; raises 451 for a job whose prompt is refused only now."""
        if word in GONE and (fault := job.fault("failed")):
            code = fault.word or "runtime_error"
            return {"status": word, "jobId": job.id, "error_code": code, "message": "The job failed."}
        if word in GONE:
            return {"status": word, "jobId": job.id, "error_code": f"job_{word}", "message": f"The job: {word}."}
        if word != "succeeded" or self._goes_backwards(job):
            word = "running" if word == "succeeded" else word
            return {"status": word, "jobId": job.id}
        if job.fault("451"):
            raise prompt_refused()
        if job.fault("no_result"):
            return {"status": word, "jobId": job.id}
        return {"status": word, "jobId": job.id, "result": self._result(job, origin=origin, now=now)}

    def _goes_backwards(self, job: Job) -> bool:
        """Whether the finished job is said to run again: the second time it is polled since."""
        if not job.fault("backwards"):
            return False
        self._ended[job.id] += 1
        return self._ended[job.id] == 2

    def _result(self, job: Job, *, origin: str, now: float) -> dict[str, Any]:
        width, height = job.order.size
        outputs = [
            _said(job, output.seed) | {"image": self._image(job, output, origin=origin, now=now)}
            for output in delivered(job, shuffled=self._shuffled)
        ]
        return {
            "size": {"width": width, "height": height},
            "outputs": outputs,
            "contentClass": job.order.body.get("contentClass", "photo"),
            "promptHasDeniedWords": job.fault("denied_words") is not None,
            "promptHasBlockedArtists": False,
            "altText": "",
        }

    def _image(self, job: Job, output: Output, *, origin: str, now: float) -> dict[str, str]:
        return {} if output.has("no_link") else {"url": self._url(job, output, origin=origin, now=now)}

    def _url(self, job: Job, output: Output, *, origin: str, now: float) -> str:
        name = f"{job.uuid}-{output.index}"
        is_first = name not in self._shown
        self._shown.add(name)
        if output.has("dead_link") or (output.has("expired") and is_first):
            return origin + self._links.expired(name)
        if (elsewhere := output.fault("other_image_host")) is not None:
            origin = f"https://{elsewhere.word}" if elsewhere.word else OTHER_HOST
        return origin + self._links.sign(name, now if self._fresh_urls else job.ready_at)


def _said(job: Job, seed: int) -> dict[str, Any]:
    """How an answer names the seed of an output."""
    if job.fault("without_seed"):
        return {}
    if job.fault("seed_as_text"):
        return {"seed": str(seed)}
    return {"seed": float(seed) if job.fault("seed_as_float") else seed}


def delivered(job: Job, *, shuffled: bool) -> Sequence[Output]:
    """The outputs that a poll shows, which the job's faults may spoil."""
    outputs = list(job.outputs)
    if job.fault("fewer_outputs"):
        outputs.pop()
    if job.fault("no_outputs"):
        outputs.clear()
    if outputs and job.fault("extra_output"):
        outputs.append(replace(outputs[0], seed=next(_unasked(job))))
    if outputs and job.fault("unknown_seed"):
        outputs[0] = replace(outputs[0], seed=next(_unasked(job)))
    if outputs and job.fault("duplicate_seed"):
        outputs[-1] = replace(outputs[-1], seed=outputs[0].seed)
    if outputs and (flood := job.fault("flood")):
        unasked = islice(_unasked(job), int(flood.word or FLOOD))
        outputs = [replace(outputs[0], seed=seed) for seed in unasked] + outputs
    return outputs[::-1] if shuffled or job.fault("shuffled") else outputs


def _unasked(job: Job) -> Iterator[int]:
    """Seeds that the job was not asked for."""
    return (seed for seed in range(SEED_MOST, 0, -1) if seed not in job.seeds)
