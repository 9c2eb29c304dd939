"""What an answer of the service means: a value, or the one error that says what it cost. Pure.

The money rule is read here. An answer to a submit is *refused* only where the service
said so completely (429, 503, a JSON 408, any other 4xx, a redirect); everything else
that is not a usable ticket is in doubt. An answer to a free read is at worst asked for again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from campaign_runner.errors import (
    AccountRefused,
    AnotherJob,
    Damaged,
    GenerationFailed,
    InDoubt,
    LinkExpired,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
)
from campaign_runner.firefly.protocol.error_bodies import ErrorBody, read_complaint, read_json, read_oauth_complaint
from campaign_runner.firefly.protocol.outputs import read_finished
from campaign_runner.firefly.protocol.request_body import Interface
from campaign_runner.firefly.protocol.untrusted import Unreadable, read_retry_after
from campaign_runner.firefly.protocol.wire import MODELS_PER_PAGE, Response
from campaign_runner.model import CustomModel, Finished, Ticket

UNKNOWN_UPLOAD = "unknown_upload"
"""The code of a Rejected that complains about an upload id: uploading again may help, and costs nothing."""
UNKNOWN_JOB = "unknown_job_id"
"""The code of an Unavailable that says a job is not known, or not any more."""
_UPLOAD = "uploadId"
_POLICY = {
    "prompt_unsafe": "Adobe rejected this prompt (content policy)",
    "prompt_entity_denied": "Adobe rejected a name in this prompt (content policy)",
    "image_unsafe": "Adobe rejected the images (content policy)",
    "output_media_unsafe": "Adobe rejected the images (content policy)",
    "input_media_unsafe": "Adobe rejected a reference image (content policy)",
    "reference_image_unsafe_error": "Adobe rejected a reference image (content policy)",
}
_GIVE_AGAIN = (
    "correct CUSTOM_MODELS_CLIENT_ID and CUSTOM_MODELS_CLIENT_SECRET where they are set, "
    "otherwise give them again: campaign-runner login"
)
_LONGEST_JOB_ID = 512
_LONGEST_URL = 2083  # of every URL in Adobe's specification
_SENDABLE = re.compile(r"[!-~]{1,16384}")  # what a header may carry: no CR, LF or space
_DIGITS = re.compile(r"[0-9]{1,15}")


def read_ticket(response: Response, now: datetime, interface: Interface) -> Ticket:
    """The receipt for a job that was asked for by `interface`, and accepted.

    Raises Throttled, Unavailable, AccountRefused, Rejected (certainly not charged) or InDoubt, which keeps the head of
    an answer that may be an acceptance.
    """
    if not response.is_success:
        raise _refusal(response, now)
    try:
        answer = read_json(response)
    except Unreadable as fault:
        told = f"Adobe's answer to the request is {fault}"
        raise InDoubt(told, code="unreadable_answer", answer=response.head()) from None
    receipt = interface.receipt(answer)
    job_id = receipt.job_id
    if not isinstance(job_id, str) or not 1 <= len(job_id) <= _LONGEST_JOB_ID or not job_id.isprintable():
        told = "Adobe's answer to the request has no usable job id"
        raise InDoubt(told, code="no_job_id", answer=response.head())
    return Ticket(job_id, _url(receipt.status_url), _url(receipt.cancel_url))


def read_upload(response: Response, now: datetime) -> str:
    """The id under which a reference image may be used for seven days.

    Raises Rejected (this image is at fault), AccountRefused, Throttled, or Unavailable: an upload costs nothing.
    """
    complaint = read_complaint(response)
    if 400 <= response.status < 500 and response.status not in {408, 429} and not _is_account_wide(response.status):
        raise Rejected(f"Adobe rejected the reference image: {complaint}", code=complaint.code)
    images = _read_free(response, now).get("images")
    first = images[0] if isinstance(images, list) and images else None
    upload_id = first.get("id") if isinstance(first, Mapping) else None
    if not isinstance(upload_id, str) or not 1 <= len(upload_id) <= _LONGEST_JOB_ID or not upload_id.isprintable():
        raise _unusable("to an upload has no id")
    return upload_id


def _refusal(response: Response, now: datetime) -> ProviderError:
    """Why a submit was not accepted; InDoubt wherever the answer does not say that nothing was made."""
    complaint = read_complaint(response)
    wait = _wait(response, now)
    match response.status:
        case 429:
            return Throttled(f"Adobe's allowance is used up: {complaint}", retry_after=wait)
        case 503:
            return _busy(complaint, wait)
        case 408 if complaint.is_json:  # an HTML 408 comes from something in between, which knows nothing
            return _busy(complaint, wait)
        case 408:
            return InDoubt("a proxy gave up waiting for Adobe's answer (408)", code="http_408")
        case status if _is_account_wide(status):
            return _account_refusal(status, complaint)
        case status if 400 <= status < 500:
            code = UNKNOWN_UPLOAD if _UPLOAD in complaint.words else complaint.code
            return Rejected(_verdict("Adobe rejected the request", complaint), code=code)
        case _:
            return InDoubt(f"Adobe failed while handling the request: {complaint}", code=complaint.code)


def _verdict(usual: str, complaint: ErrorBody) -> str:
    """What Adobe decided, with its own words; its content policy is named where its code does."""
    return f"{_POLICY.get(complaint.code, usual)}: {complaint}"


def _wait(response: Response, now: datetime) -> float | None:
    """Seconds after which the service wants to be asked again; None where it does not say."""
    return read_retry_after(response.headers.get("retry-after"), now, date=response.headers.get("date"))


def _is_account_wide(status: int) -> bool:
    """Whether a refusal would be the same for every request: the address or the account is wrong, not this request."""
    return status in {401, 402, 403, 404, 405, 410} or 300 <= status < 400


def read_status(response: Response, job_id: str, now: datetime) -> Finished | None:
    """What a finished job has to offer, or None while it is being made.

    Raises GenerationFailed (final), Throttled, AccountRefused, or Unavailable (ask again); AnotherJob where the
    answer names another job than `job_id`, to the letter.
    """
    if response.status == 451:
        complaint = read_complaint(response)
        raise GenerationFailed(f"Adobe rejected the images (content policy): {complaint}", code=complaint.code)
    if response.status in {404, 410}:
        complaint = read_complaint(response)
        if not complaint.is_json:  # a page comes from something in between, which knows no jobs
            raise _busy(complaint, None)
        raise Unavailable(f"Adobe does not know the job: {complaint}", code=UNKNOWN_JOB, reached=True)
    _refuse_page(response)
    answer = _read_free(response, now)
    named, said = answer.get("jobId", job_id), answer.get("status")
    if not isinstance(named, str):
        raise _unusable("names no job")
    if named != job_id:
        raise AnotherJob("Adobe's answer is about another job", job_id=named)
    if not isinstance(said, str):
        raise _unusable("has no status")
    return _read_word(said.strip().lower(), answer, response)


def _read_word(word: str, answer: Mapping[str, Any], response: Response) -> Finished | None:
    match word:
        case "succeeded" | "partially_succeeded":
            return read_finished(answer.get("result"))
        case "failed" | "cancelled" | "canceled" | "timeout":  # both spellings are documented
            complaint = read_complaint(response, default=word)
            told = _verdict(f"Adobe ended the job without images ({word})", complaint)
            raise GenerationFailed(told, code=complaint.code)
        case _:  # pending, running, cancel_pending, and words no one has documented
            return None


def read_image(response: Response, now: datetime) -> bytes:
    """The bytes of an image as received. Raises LinkExpired, Damaged or Unavailable."""
    status = response.status
    if status in {400, 403, 404, 410}:  # the storage's words for a link that is over
        code = f"http_{status}" if response.media_type == "text/html" else "link_expired"  # a page is a proxy's word
        raise LinkExpired(f"the image's link has expired ({status})", code=code)
    if status == 429 or status >= 500 or 300 <= status < 400 or status == 408:
        wait = _wait(response, now)
        raise Unavailable(f"the image server answered {status}", code=f"http_{status}", reached=True, retry_after=wait)
    if status != 200:
        raise Damaged(f"the image server answered {status}", code=f"http_{status}")
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Damaged("the image arrived compressed, which was not requested", code="content_encoding")
    if not response.body:
        raise Damaged("the image arrived empty", code="empty")
    return response.body


@dataclass(frozen=True, slots=True)
class Grant:
    """A token as granted. `seconds` is its life, 60 to 86400."""

    token: str = field(repr=False)
    seconds: float


def read_token(response: Response, now: datetime) -> Grant:
    """The granted token. Raises AccountRefused, or Unavailable where asking again may help."""
    if response.status != 200:
        complaint = read_oauth_complaint(response)
        if response.status in {408, 429} or not 300 <= response.status < 500:
            raise _busy(complaint, _wait(response, now))
        raise AccountRefused(f"Adobe rejected the credentials ({complaint}); {_GIVE_AGAIN}", code=complaint.code)
    try:
        answer = read_json(response)
    except Unreadable as fault:
        raise AccountRefused(f"unexpected answer to the token request: {fault}", code="token_answer") from None
    token = answer.get("access_token")
    if not isinstance(token, str) or not _SENDABLE.fullmatch(token):
        raise AccountRefused("unexpected answer to the token request: no usable token", code="token_answer")
    return Grant(token, _lifetime(answer.get("expires_in")))


def _lifetime(value: object) -> float:
    """Seconds, 60 to 86400. The retired grant counted in milliseconds, which no life in seconds can reach."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise AccountRefused("unexpected answer to the token request: no usable lifetime", code="token_answer")
    seconds = value / 1000 if value > 1_000_000 else value
    return float(min(max(seconds, 60), 86_400))


@dataclass(frozen=True, slots=True)
class ModelsPage:
    """Some custom models. `entries` is how many the page had, `total` how many there are, None if not said."""

    models: tuple[CustomModel, ...]
    entries: int
    total: int | None

    def is_last(self, seen: int) -> bool:
        """Whether nothing follows once `seen` entries, this page's included, have been read."""
        return self.entries == 0 or (seen >= self.total if self.total is not None else self.entries < MODELS_PER_PAGE)


def read_models(response: Response, now: datetime) -> ModelsPage:
    """One page of custom models. Raises AccountRefused, Throttled or Unavailable."""
    if _is_account_wide(response.status):
        raise _account_refusal(response.status, read_complaint(response))
    answer = _read_free(response, now)
    entries, total = answer.get("custom_models"), answer.get("total_count")
    if not isinstance(entries, list):
        raise _unusable("has no custom models")
    models = tuple(_read_model(entry) for entry in entries if isinstance(entry, Mapping) and _text(entry, "assetId"))
    return ModelsPage(models, len(entries), total if type(total) is int else None)


def _read_model(entry: Mapping[str, Any]) -> CustomModel:
    base = entry.get("baseModel")
    return CustomModel(
        id=_text(entry, "assetId"),  # the sample's `repo:assetId` is wrong
        name=_text(entry, "displayName"),
        version=_text(entry, "version"),
        etag=_text(entry, "etag"),
        concept=_text(entry, "conceptId"),
        base=_text(base, "name") if isinstance(base, Mapping) else "",
        asset_name=_text(entry, "assetName"),
        state=_text(entry, "publishedState"),
    )


class Cancelling(Enum):
    """What Adobe answered to the cancellation of a job. Whether a cancelled job is charged is not documented."""

    ACCEPTED = "accepted"  # it may say cancel_pending first
    ALREADY = "job_already_canceled"
    COMPLETED = "job_completed"  # too late: fetch the images
    FAILED = "job_cancel_failed"  # it goes on
    UNKNOWN = "unknown_job_id"
    TIMED_OUT = "job_timeout"


def read_cancel(response: Response, now: datetime) -> Cancelling:
    """What the service says to a cancellation. Raises AccountRefused, Throttled or Unavailable."""
    if response.is_success:
        return Cancelling.ACCEPTED
    _refuse_page(response)
    match response.status, read_complaint(response).code:
        case 404, _:
            return Cancelling.UNKNOWN
        case 410, _:
            return Cancelling.TIMED_OUT
        case 409, ("job_already_canceled" | "job_completed" | "job_cancel_failed") as code:
            return Cancelling(code)
        case _:
            raise _refused_read(response, now)


def _refuse_page(response: Response) -> None:
    """A page that forbids asking about a job is a proxy's or a firewall's: it says nothing of the account."""
    if response.status in {402, 403} and response.media_type == "text/html":
        raise _busy(read_complaint(response), None)


def _read_free(response: Response, now: datetime) -> dict[str, Any]:
    """The object in the answer to a read that may be repeated."""
    if not response.is_success:
        raise _refused_read(response, now)
    try:
        return read_json(response)
    except Unreadable as fault:
        raise _unusable(f"is {fault}") from None


def _refused_read(response: Response, now: datetime) -> ProviderError:
    complaint = read_complaint(response)
    wait = _wait(response, now)
    match response.status:
        case 429:
            return Throttled(f"Adobe asks to slow down: {complaint}", retry_after=wait)
        case 401 | 402 | 403 as status:
            return _account_refusal(status, complaint)
        case _:
            return _busy(complaint, wait)


def _busy(complaint: ErrorBody, wait: float | None) -> Unavailable:
    return Unavailable(f"Adobe is not available now: {complaint}", code=complaint.code, reached=True, retry_after=wait)


def _account_refusal(status: int, complaint: ErrorBody) -> AccountRefused:
    match status:
        case 401:
            told = f"Adobe does not accept the credentials ({complaint}); check the client id and secret"
        case 402 | 403:
            told = f"Adobe refused this account ({complaint}); ask your Adobe administrator about access and credits"
        case _:
            where = "check CAMPAIGN_RUNNER_FIREFLY_URL and the model"
            told = f"Firefly is not available at this address ({complaint}); {where}"
    return AccountRefused(told, code=complaint.code)


def _unusable(what: str) -> Unavailable:
    return Unavailable(f"Adobe's answer {what}", code="unreadable_answer", reached=True)


def _url(value: object) -> str | None:
    is_usable = isinstance(value, str) and 0 < len(value) <= _LONGEST_URL and value.isprintable()
    return str(value) if is_usable else None


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""
