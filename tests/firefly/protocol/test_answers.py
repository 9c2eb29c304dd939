"""What an answer means. The first table is the money rule: which answers say that nothing was charged."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

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
from campaign_runner.firefly.protocol import answers
from campaign_runner.firefly.protocol.answers import Cancelling
from campaign_runner.firefly.protocol.image_v3 import IMAGE_V3
from campaign_runner.firefly.protocol.wire import Response
from campaign_runner.model import Finished, Output, Ticket

NOW = datetime(2026, 10, 21, 7, 28, 0, tzinfo=UTC)
JOB = "urn:ff:jobs:epo:1"
HTML = b"<html><body>sorry</body></html>"


def said(status: int, body: Any = b"", media_type: str = "application/json", **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw, media_type)


def html(status: int) -> Response:
    return said(status, HTML, "text/html")


MONEY = [
    # the service says that it did nothing
    (said(429, {"error_code": "rate_limited"}), Throttled, "rate_limited"),
    (html(429), Throttled, "rate_limited"),
    (said(503, {"error_code": "busy"}), Unavailable, "busy"),
    (html(503), Unavailable, "http_503"),
    (said(408, {"error_code": "timeout_error"}), Unavailable, "timeout_error"),
    # it refuses this request
    (said(400, {"error_code": "bad_request"}), Rejected, "bad_request"),
    (html(413), Rejected, "http_413"),  # documented as HTML
    (said(415, {"error_code": "invalid_content_type"}), Rejected, "invalid_content_type"),
    (said(422, {"error_code": "validation_error"}), Rejected, "validation_error"),
    (said(451, {"error_code": "prompt_unsafe"}), Rejected, "prompt_unsafe"),
    (said(409, b"\xff"), Rejected, "http_409"),
    (said(499), Rejected, "http_499"),
    # it refuses everybody like us
    (said(401, {"error_code": "401013"}), AccountRefused, "401013"),
    (said(402, {"error_code": 402001}), AccountRefused, "402001"),  # old codes are numbers
    (said(403, {"error_code": "access_error"}, x_access_error="quota_exhausted"), AccountRefused, "access_error"),
    (said(403, x_access_error="user_non_entitled"), AccountRefused, "user_non_entitled"),
    (said(404), AccountRefused, "http_404"),
    (said(405), AccountRefused, "http_405"),
    (said(410), AccountRefused, "http_410"),
    *((said(status, location="https://x/"), AccountRefused, f"http_{status}") for status in (300, 301, 302, 303, 304)),
    *((said(status, location="https://x/"), AccountRefused, f"http_{status}") for status in (305, 307, 308, 399)),
    # nobody knows
    (html(408), InDoubt, "http_408"),  # something in between gave up, what Adobe did is another matter
    (said(408, {"error_code": "timeout_error"}, "text/html"), InDoubt, "http_408"),
    (said(408, b"{", "application/json"), InDoubt, "http_408"),
    *((said(status, {"error_code": "e"}, retry_after="5"), InDoubt, "e") for status in (500, 501, 502, 504, 505, 599)),
    (html(502), InDoubt, "http_502"),
    (said(101), InDoubt, "http_101"),
    (said(600), InDoubt, "http_600"),
    (said(999), InDoubt, "http_999"),
    # accepted, it seems, but without a receipt
    (said(202), InDoubt, "unreadable_answer"),
    (said(204), InDoubt, "unreadable_answer"),
    (html(200), InDoubt, "unreadable_answer"),
    (said(202, b'{"jobId": "1"'), InDoubt, "unreadable_answer"),
    (said(202, [{"jobId": "1"}]), InDoubt, "unreadable_answer"),
    (said(202, b'{"jobId": "1", "jobId": "2"}'), InDoubt, "unreadable_answer"),
    (said(202, b'{"jobId": "1", "x": "' + b"x" * 2**20 + b'"}'), InDoubt, "unreadable_answer"),
    *((said(202, {"jobId": bad}), InDoubt, "no_job_id") for bad in (None, 7, "", "x" * 513, "a\nb", "\u202e", ["1"])),
    (said(202, {"statusUrl": "https://firefly-api.adobe.io/v3/status/1"}), InDoubt, "no_job_id"),
]


@pytest.mark.parametrize(("response", "error", "code"), MONEY, ids=range(len(MONEY)))
def test_an_answer_to_a_submit_says_what_it_cost(response: Response, error: type[ProviderError], code: str) -> None:
    with pytest.raises(ProviderError) as caught:
        answers.read_ticket(response, NOW, IMAGE_V3)
    assert (type(caught.value), caught.value.code) == (error, code)
    assert caught.value.charged is (None if error is InDoubt else False)


@pytest.mark.parametrize(
    ("response", "shown"),
    [
        (
            said(202, b'{"jobId": "urn:1", "statusUrl": "https://a/s?hush'),
            '{"jobId": "urn:1", "statusUrl": "https://a/s ***',
        ),
        (said(202, b'{"x": "https:\\/\\/a\\/s\\u003fhush"}'), '{"x": "https://a/s ***'),
        (said(202, {"id": "urn:1"}), '{"id": "urn:1"}'),
        (html(200), "<html><body>sorry</body></html>"),
        (said(204), ""),
        (said(500, {"jobId": "urn:1"}), ""),  # no acceptance
        (html(408), ""),
    ],
    ids=range(7),
)
def test_a_doubt_keeps_the_beginning_of_what_may_be_an_acceptance(response: Response, shown: str) -> None:
    with pytest.raises(InDoubt) as caught:
        answers.read_ticket(response, NOW, IMAGE_V3)
    assert caught.value.answer == shown
    assert not shown or shown not in str(caught.value)  # a report stays short


STATUSES = some.integers(100, 999).filter(lambda status: status != 408)


@given(STATUSES, some.binary(max_size=60), some.sampled_from(["application/json", "text/html", ""]))
def test_only_a_complete_refusal_is_ever_called_free(status: int, body: bytes, media_type: str) -> None:
    with pytest.raises(ProviderError) as caught:
        answers.read_ticket(said(status, body, media_type), NOW, IMAGE_V3)
    assert caught.value.charged is (False if 300 <= status < 500 or status == 503 else None)


@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_a_ticket_keeps_the_urls_as_they_were_given(status: int) -> None:
    body = {"jobId": JOB, "statusUrl": "https://a.adobe.io/s?x=%2f", "cancelUrl": "https://a.adobe.io/c"}
    assert answers.read_ticket(said(status, body), NOW, IMAGE_V3) == Ticket(JOB, body["statusUrl"], body["cancelUrl"])


@pytest.mark.parametrize("url", [None, 7, "", "x" * 2084, "https://a.adobe.io/\x1b[31m", {"href": "x"}])
def test_a_job_without_a_usable_url_is_accepted_all_the_same(url: object) -> None:
    assert answers.read_ticket(said(202, {"jobId": JOB, "statusUrl": url}), NOW, IMAGE_V3) == Ticket(JOB)


@pytest.mark.parametrize("status", [429, 503])
def test_how_long_to_wait_is_passed_on(status: int) -> None:
    with pytest.raises((Throttled, Unavailable)) as caught:
        answers.read_ticket(said(status, {}, retry_after="Wed, 21 Oct 2026 07:28:30 GMT"), NOW, IMAGE_V3)
    assert isinstance(caught.value, Throttled | Unavailable) and caught.value.retry_after == 30


ALL_READERS = {
    "submit": lambda response: answers.read_ticket(response, NOW, IMAGE_V3),
    "poll": lambda response: answers.read_status(response, JOB, NOW),
    "cancel": lambda response: answers.read_cancel(response, NOW),
    "models": lambda response: answers.read_models(response, NOW),
    "upload": lambda response: answers.read_upload(response, NOW),
    "token": lambda response: answers.read_token(response, NOW),
    "image": lambda response: answers.read_image(response, NOW),
}


@pytest.mark.parametrize("reader", ALL_READERS.values(), ids=ALL_READERS)
@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_until_a_date_is_read_by_the_clock_of_the_service_whatever_was_asked(reader: Any, status: int) -> None:
    dates = {"retry_after": "Wed, 21 Oct 2026 08:28:04 GMT", "date": "Wed, 21 Oct 2026 08:28:00 GMT"}
    with pytest.raises((Throttled, Unavailable)) as caught:
        reader(said(status, {}, **dates))
    assert isinstance(caught.value, Throttled | Unavailable) and caught.value.retry_after == 4


def test_a_refusal_names_the_fields_in_words() -> None:
    body = {
        "error_code": "validation_error",
        "message": "no",
        "validation_errors": [
            {"loc": ["body", "seeds", 0], "msg": "too many", "type": "t"},
            {"loc": "odd", "msg": "x\x1b[2J"},
            "odd",
        ],
        "stack_trace": ["hush"],
    }
    with pytest.raises(Rejected) as caught:
        answers.read_ticket(said(422, body), NOW, IMAGE_V3)
    assert str(caught.value) == "Adobe rejected the request: validation_error: no; seeds.0: too many; x [2J"


def test_a_redirect_is_told_by_its_host_alone() -> None:
    with pytest.raises(AccountRefused, match=r"redirects to evil\.example, which was not followed") as caught:
        answers.read_ticket(said(307, location="https://evil.example/hush?hush"), NOW, IMAGE_V3)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("code", ["", "a b", "\x1b[2J", "x" * 65, None, True, ["x"], {"x": 1}])
def test_a_code_that_is_none_is_replaced_by_ours(code: object) -> None:
    with pytest.raises(Rejected) as caught:
        answers.read_ticket(said(400, {"error_code": code}), NOW, IMAGE_V3)
    assert caught.value.code == "http_400"


def job(status: object, **fields: Any) -> Response:
    return said(200, {"jobId": JOB, "status": status, **fields})


@pytest.mark.parametrize(
    "word", ["pending", "running", "RUNNING", "not_started", "queued", "cancel_pending", "IN_PROGRESS", "", "dancing"]
)
def test_a_job_goes_on_whatever_undocumented_word_it_says(word: str) -> None:
    assert answers.read_status(job(word), JOB, NOW) is None


OUTPUTS = [{"seed": 7, "image": {"url": "https://a/7"}}, {"seed": 3, "image": {"url": "https://a/3"}}]


@pytest.mark.parametrize("word", ["succeeded", "Succeeded ", "partially_succeeded"])
def test_a_finished_job_offers_its_outputs_by_seed(word: str) -> None:
    finished = answers.read_status(job(word, result={"outputs": OUTPUTS}), JOB, NOW)
    assert finished == Finished((Output(7, "https://a/7"), Output(3, "https://a/3")))


def test_a_finished_job_without_images_is_finished() -> None:
    assert answers.read_status(job("succeeded", result={"outputs": []}), JOB, NOW) == Finished(())


def test_what_the_service_left_out_of_the_prompt_is_a_warning() -> None:
    result = {"outputs": [], "promptHasDeniedWords": True, "promptHasBlockedArtists": False}
    finished = answers.read_status(job("succeeded", result=result), JOB, NOW)
    assert finished is not None
    assert [warning.split()[-1] for warning in finished.warnings] == ["(promptHasDeniedWords)"]


@pytest.mark.parametrize(
    ("output", "read"),
    [
        ({"image": {"url": "https://a"}}, Output(None, "https://a")),  # kept: it is paid for
        ({"seed": "7", "image": {"url": "https://a"}}, Output(7, "https://a")),
        ({"seed": True, "image": {"url": "https://a"}}, Output(None, "https://a")),
        ({"seed": 7}, Output(7, "")),  # no link: polled for again, like an expired one
        ({"seed": 7, "image": None}, Output(7, "")),
        ({"seed": 7, "image": {"url": 7}}, Output(7, "")),
    ],
)
def test_an_odd_output_does_not_spoil_the_others(output: object, read: Output) -> None:
    finished = answers.read_status(job("succeeded", result={"outputs": [output, OUTPUTS[1]]}), JOB, NOW)
    assert finished == Finished((read, Output(3, "https://a/3")))


SEEDS = [
    # as an answer has it, the seed it is
    (7, 7),
    (7.0, 7),
    ("7", 7),
    (0, 0),
    (-0.0, 0),
    ("0", 0),
    (2**31 - 1, 2**31 - 1),
    (float(2**31 - 1), 2**31 - 1),
    ("2147483647", 2**31 - 1),
    *((value, None) for value in (True, False, None, 7.5, -7, -7.0, 2**31, 2.0**31, 1e300, 10**40, [7], {"seed": 7})),
    *(
        (text, None)
        for text in ("", "7.0", " 7", "7 ", "+7", "-7", "07", "7e0", "0x7", "\u0667", "2147483648", "9" * 5000)
    ),
]


@pytest.mark.parametrize(("value", "seed"), SEEDS)
def test_a_seed_is_an_integer_however_it_is_written_and_nothing_else(value: object, seed: int | None) -> None:
    finished = answers.read_status(
        job("succeeded", result={"outputs": [{"seed": value, "image": {"url": "https://a"}}]}), JOB, NOW
    )
    assert finished is not None
    (output,) = finished.outputs
    assert (output.seed, output.names_no_seed) == (seed, value is None)


def test_an_output_that_names_no_seed_is_told_from_one_whose_seed_is_none() -> None:
    outputs = [{"image": {"url": "https://a"}}, {"seed": "a", "image": {"url": "https://a"}}]
    finished = answers.read_status(job("succeeded", result={"outputs": outputs}), JOB, NOW)
    assert finished is not None
    assert [output.names_no_seed for output in finished.outputs] == [True, False]


def test_a_signed_url_never_shows_in_a_finished_job() -> None:
    outputs = [{"seed": 1, "image": {"url": "https://a?hush"}}]
    assert "hush" not in repr(answers.read_status(job("succeeded", result={"outputs": outputs}), JOB, NOW))


STATUS_ERRORS = [
    (job("failed"), GenerationFailed, "failed"),
    (job("failed", error_code="prompt_unsafe", message="no"), GenerationFailed, "prompt_unsafe"),
    (job("cancelled"), GenerationFailed, "cancelled"),
    (job("canceled"), GenerationFailed, "canceled"),
    (job("timeout", error_code=""), GenerationFailed, "timeout"),
    (said(451, {"error_code": "image_unsafe"}), GenerationFailed, "image_unsafe"),
    (said(200, {"jobId": "other", "status": "failed"}), AnotherJob, "another_job"),  # somebody else's
    (said(200, {"jobId": None, "status": "failed"}), Unavailable, "unreadable_answer"),
    (job("succeeded"), Unavailable, "no_result"),
    (job("succeeded", result=[]), Unavailable, "no_result"),
    (job("succeeded", result={"outputs": {}}), Unavailable, "no_result"),
    (job("succeeded", result={"outputs": ["x"]}), Unavailable, "unreadable_answer"),
    (job(None), Unavailable, "unreadable_answer"),
    (html(200), Unavailable, "unreadable_answer"),  # a captive portal
    (said(404, {"error_code": "unknown_job_id"}), Unavailable, "unknown_job_id"),
    (said(410, {"error_code": "job_timeout"}), Unavailable, "unknown_job_id"),
    (html(404), Unavailable, "http_404"),  # a proxy's page, which knows no jobs
    (html(403), Unavailable, "http_403"),  # a firewall's, which knows no accounts
    (said(422, {"error_code": "validation_error"}), Unavailable, "validation_error"),
    (said(302, location="https://x/"), Unavailable, "http_302"),
    (said(401), AccountRefused, "http_401"),
    (said(403, {"error_code": "403003"}), AccountRefused, "403003"),
    (said(429), Throttled, "rate_limited"),
    (said(500), Unavailable, "http_500"),
    (said(503), Unavailable, "http_503"),
    (said(999), Unavailable, "http_999"),
]


@pytest.mark.parametrize(("response", "error", "code"), STATUS_ERRORS, ids=range(len(STATUS_ERRORS)))
def test_a_poll_ends_a_job_only_where_the_service_did(
    response: Response, error: type[ProviderError], code: str
) -> None:
    with pytest.raises(ProviderError) as caught:
        answers.read_status(response, JOB, NOW)
    assert (type(caught.value), caught.value.code) == (error, code)
    assert not isinstance(caught.value, Unavailable) or caught.value.reached


def test_a_link_has_expired_where_the_store_says_so_and_no_page_of_a_proxy() -> None:
    for response, code in ((said(403, b"<Error/>", "application/xml"), "link_expired"), (html(403), "http_403")):
        with pytest.raises(LinkExpired) as caught:
            answers.read_image(response, NOW)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("response", "error"),
    [
        *((said(status), LinkExpired) for status in (400, 403, 404, 410)),
        *((said(status, location="https://x/"), Unavailable) for status in (301, 307, 408, 429, 500, 503, 999)),
        *((said(status, b"x"), Damaged) for status in (202, 204, 206, 401, 418)),
        (said(200, b"x", "image/jpeg", content_encoding="gzip"), Damaged),
        (said(200, b"", "image/jpeg"), Damaged),
    ],
)
def test_an_image_that_does_not_come_is_paid_for_and_may_be_asked_for(
    response: Response, error: type[ProviderError]
) -> None:
    with pytest.raises(ProviderError) as caught:
        answers.read_image(response, NOW)
    assert type(caught.value) is error


@pytest.mark.parametrize("media_type", ["image/jpeg", "text/html", ""])
def test_an_images_bytes_are_as_received_whatever_they_are_called(media_type: str) -> None:
    assert answers.read_image(said(200, b"\x00\xff", media_type), NOW) == b"\x00\xff"


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        (86399, 86399),
        (3600.5, 3600.5),
        (1, 60),  # clamped
        (1_000_000, 86400),
        (86_399_000, 86399),  # milliseconds, as the retired grant counted
        (10**15, 86400),
        ("3600", 3600),  # some identity services write it as text
        ("86399000", 86399),
    ],
)
def test_a_tokens_life_is_in_seconds_or_milliseconds(expires_in: float | str, seconds: float) -> None:
    grant = answers.read_token(said(200, {"access_token": "t", "expires_in": expires_in}), NOW)
    assert (grant.token, grant.seconds) == ("t", seconds)
    assert "'t'" not in repr(grant)


ODD_LIVES: list[object] = [None, "", "8.6", "-1", "0", "１", "9" * 16, 0, -1, True, []]


@pytest.mark.parametrize(
    "body",
    [
        HTML,
        b"",
        {"access_token": "t"},
        *({"access_token": "t", "expires_in": life} for life in ODD_LIVES),
        *({"access_token": odd, "expires_in": 1} for odd in (None, "", 7, "a\r\nX: y", "a b", "ü", "x" * 16385)),
    ],
)
def test_an_odd_token_answer_is_refused_without_showing_it(body: object) -> None:
    with pytest.raises(AccountRefused, match="unexpected answer to the token request"):
        answers.read_token(said(200, body), NOW)


@pytest.mark.parametrize(
    ("response", "error", "message"),
    [
        (said(400, {"error": "invalid_client", "error_description": "no\n1"}), AccountRefused, "invalid_client: no 1"),
        (said(401, {"error": "invalid_scope", "client_secret": "hush"}), AccountRefused, "invalid_scope"),
        (html(403), AccountRefused, "http_403"),
        (said(302, location="https://x/hush"), AccountRefused, "http_302"),
        (said(429), Unavailable, "http_429"),
        (said(408), Unavailable, "http_408"),
        (html(500), Unavailable, "http_500"),
        (said(101), Unavailable, "http_101"),
    ],
)
def test_a_refused_token_shows_only_its_error_and_description(
    response: Response, error: type[ProviderError], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        answers.read_token(response, NOW)
    assert "hush" not in str(caught.value)


MODEL = {
    "version": "1",
    "assetName": "warm-model",
    "size": 16_513_991_265,
    "etag": '"abc"',
    "trainingMode": "subject",
    "assetId": "urn:aaid:sc:VA6C2:1",
    "conceptId": "mugx",
    "displayName": "Warm",
    "publishedState": "published",
    "baseModel": {"name": "clio_v2", "version": "2.0.0"},
}


@pytest.mark.parametrize("date", [1_747_000_000_000, "2026-01-01T00:00:00Z", None, {}])
@pytest.mark.parametrize("state", ["published", "never", "dreaming", None])
def test_a_model_is_read_whatever_its_dates_and_state(date: object, state: object) -> None:
    entry = {**MODEL, "createdDate": date, "publishedState": state}
    page = answers.read_models(said(200, {"custom_models": [entry], "total_count": 74}), NOW)
    (model,) = page.models
    assert (model.id, model.name, model.asset_name) == ("urn:aaid:sc:VA6C2:1", "Warm", "warm-model")
    assert (model.version, model.etag, model.concept, model.base) == ("1", '"abc"', "mugx", "clio_v2")
    assert (page.entries, page.total) == (1, 74)


def test_an_entry_without_an_id_counts_for_the_page_and_for_nothing_else() -> None:
    page = answers.read_models(said(200, {"custom_models": [MODEL, {"repo:assetId": "x"}, "odd"]}), NOW)
    assert (len(page.models), page.entries, page.total) == (1, 3, None)


@pytest.mark.parametrize(
    ("entries", "total", "seen", "is_last"),
    [(50, 74, 50, False), (24, 74, 74, True), (0, 74, 50, True), (50, None, 50, False), (49, None, 49, True)],
)
def test_the_last_page_is_known_by_the_total_or_by_being_short(
    entries: int, total: int | None, seen: int, is_last: bool
) -> None:
    assert answers.ModelsPage((), entries, total).is_last(seen) is is_last


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (said(401, {"reason": "Unauthorized", "message": "Authorization Token is not accepted."}), AccountRefused),
        (said(403), AccountRefused),
        (said(404), AccountRefused),  # another address than Firefly's: asking again is no use
        (said(302, location="https://x/"), AccountRefused),
        (said(429), Throttled),
        (said(406), Unavailable),
        (said(500), Unavailable),
        (said(200, {"models": []}), Unavailable),
        (html(200), Unavailable),
    ],
)
def test_models_that_cannot_be_listed_are_an_error(response: Response, error: type[ProviderError]) -> None:
    with pytest.raises(error):
        answers.read_models(response, NOW)


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (said(200), Cancelling.ACCEPTED),
        (said(200, {}), Cancelling.ACCEPTED),
        (said(404, {"error_code": "unknown_job_id"}), Cancelling.UNKNOWN),
        (said(409, {"error_code": "job_already_canceled"}), Cancelling.ALREADY),
        (said(409, {"error_code": "job_completed"}), Cancelling.COMPLETED),
        (said(409, {"error_code": "job_cancel_failed"}), Cancelling.FAILED),
        (said(410, {"error_code": "job_timeout"}), Cancelling.TIMED_OUT),
    ],
)
def test_a_cancellation_has_six_ends(response: Response, outcome: Cancelling) -> None:
    assert answers.read_cancel(response, NOW) is outcome


@pytest.mark.parametrize(
    ("response", "error"),
    [(said(409, {"error_code": "?"}), Unavailable), (said(401), AccountRefused), (said(429), Throttled)],
)
def test_a_cancellation_nobody_answered_is_an_error(response: Response, error: type[ProviderError]) -> None:
    with pytest.raises(error):
        answers.read_cancel(response, NOW)
