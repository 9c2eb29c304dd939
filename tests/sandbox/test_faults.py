"""Faults: when they strike, what a caller sees, and what was charged all the same."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import struct
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from campaign_runner.sandbox.faults import KINDS, Fault, FaultError, Place, Script, load_faults
from campaign_runner.sandbox.noise import ENDLESS, GARBLED, NOISE
from tests.sandbox.conftest import Answer, Caller, Open


async def call_at(place: Place, caller: Caller, ticket: dict[str, str]) -> Answer:
    """One call that reaches the place."""
    match place:
        case "token":
            return await caller.token()
        case "models":
            return await caller.call("GET", "/v3/custom-models")
        case "upload":
            return await caller.call("POST", "/v2/storage/image", data=b"")
        case "poll":
            return await caller.call("GET", ticket["statusUrl"])
        case "cancel":
            return await caller.call("PUT", ticket["cancelUrl"])
        case "download":
            return await caller.download("/presigned/images/any")
        case _:
            raise AssertionError(f"{place} is not a call")


BEFORE = [
    # fault at a request for generation, the answer, and its word
    (Fault("429", seconds=7), 429, "rate_limited"),
    (Fault("500"), 500, "runtime_error"),
    (Fault("503"), 503, "service_unavailable"),
    (Fault("408"), 408, "timeout_error"),
    (Fault("401"), 401, "401013"),
    (Fault("402"), 402, "payment_required"),
    (Fault("403"), 403, "access_error"),
    (Fault("404"), 404, "not_found"),
    (Fault("451"), 451, "prompt_unsafe"),
    (Fault("400"), 400, "bad_request"),
    (Fault("405"), 405, "method_not_allowed"),
    (Fault("410"), 410, "gone"),
    (Fault("415"), 415, "invalid_content_type"),
    (Fault("422"), 422, "validation_error"),
]


@pytest.mark.parametrize(("fault", "http", "word"), BEFORE)
async def test_a_refusing_fault_charges_nothing(opened: Open, fault: Fault, http: int, word: str) -> None:
    caller = await opened(fault)
    answer = await caller.generate()
    assert (answer.status, answer.json["error_code"]) == (http, word)
    assert caller.sandbox.ledger.images_charged == 0
    assert caller.sandbox.ledger.entries[0].why == f"{http} {word}"


async def test_faults_carry_the_headers_of_their_answers(opened: Open) -> None:
    caller = await opened(Fault("429", nth=1, seconds=7), Fault("403", nth=2, word="user_non_entitled"))
    assert (await caller.generate()).headers["Retry-After"] == "7"
    assert (await caller.generate()).headers["x-access-error"] == "user_non_entitled"


async def test_a_wait_may_be_any_words(opened: Open) -> None:
    caller = await opened(Fault("429", word="soon"))
    assert (await caller.generate()).headers["Retry-After"] == "soon"


@pytest.mark.parametrize(("fault", "http"), [(Fault("html", word="200"), 200), (Fault("413"), 413)])
async def test_a_page_of_another_status_charges_nothing(opened: Open, fault: Fault, http: int) -> None:
    caller = await opened(fault)
    answer = await caller.generate()
    assert (answer.status, answer.json, caller.sandbox.ledger.images_charged) == (http, None, 0)


@pytest.mark.parametrize("word", GARBLED)
async def test_an_answer_may_be_json_that_nobody_reads_and_is_charged(opened: Open, word: str) -> None:
    caller = await opened(Fault("garbled", nth=1, word=word))
    async with caller.http.post(
        f"{caller.origin}/v3/images/generate-async",
        json={"prompt": "almond candle"},
        headers=caller.headers | {"x-model-version": "image4_standard"},
    ) as answer:
        assert (answer.status, await answer.read()) == (202, GARBLED[word])
    assert caller.sandbox.ledger.images_charged == 1


@pytest.mark.parametrize("word", sorted({*NOISE} - {"status_999"}))
async def test_what_comes_back_may_be_no_http_and_is_charged(opened: Open, word: str) -> None:
    caller = await opened(Fault("noise", nth=1, word=word))
    with pytest.raises(aiohttp.ClientError):
        await caller.generate()
    assert caller.sandbox.ledger.images_charged == 1


@pytest.mark.parametrize("word", ENDLESS)
async def test_an_answer_may_never_end(opened: Open, word: str) -> None:
    caller = await opened(Fault("noise", nth=1, word=word))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(caller.generate(), 0.2)


async def test_a_gateways_page_is_html(opened: Open) -> None:
    caller = await opened(Fault("html"))
    answer = await caller.generate()
    assert (answer.status, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        (Fault("503", nth=2), [2]),
        (Fault("503", first=2), [1, 2]),
        (Fault("503", every=2), [2, 4]),
        (Fault("503"), [1, 2, 3, 4]),
        (Fault("503", where="poll"), []),  # another place
    ],
)
async def test_a_fault_strikes_when_its_count_says(opened: Open, fault: Fault, struck: list[int]) -> None:
    caller = await opened(fault)
    answers = [(await caller.generate()).status for _ in range(4)]
    assert [number for number, status in enumerate(answers, start=1) if status == 503] == struck


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
def test_a_rate_strikes_its_share_and_the_same_times_in_every_run(rate: float) -> None:
    runs = [Script([Fault("503", rate=rate)], seed) for seed in (7, 7, 8)]
    first, again, other = ([bool(script.at("submit")) for _ in range(1000)] for script in runs)
    assert first == again
    assert abs(sum(first) / 1000 - rate) < 0.05
    assert first != other or rate == 1.0


def test_what_a_rate_strikes_does_not_depend_on_other_places_or_lines() -> None:
    alone, among = Script([Fault("503", rate=0.5)]), Script([Fault("503", rate=0.5), Fault("slow", rate=0.5)])
    struck = [bool(alone.at("submit")) for _ in range(50)]
    for number in range(50):
        among.at("poll")
        assert ("503" in {fault.kind for fault in among.at("submit")}) == struck[number]


async def test_a_reset_before_acceptance_charges_nothing(opened: Open) -> None:
    caller = await opened(Fault("reset", nth=1))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await caller.generate()
    assert caller.sandbox.ledger.entries[0].why == "dropped"
    await caller.accepted()
    assert caller.sandbox.ledger.images_charged == 1


async def test_a_reset_after_acceptance_charges_without_an_answer(opened: Open) -> None:
    caller = await opened(Fault("reset_after", nth=1))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await caller.generate(seeds=[1, 2])
    assert caller.sandbox.ledger.images_charged == 2
    assert caller.sandbox.ledger.entries[0].job_id


async def test_a_500_after_acceptance_charges_all_the_same(opened: Open) -> None:
    caller = await opened(Fault("500_after"))
    assert (await caller.generate(seeds=[1, 2])).status == 500
    assert caller.sandbox.ledger.images_charged == 2


async def test_what_is_refused_anyhow_is_not_lost_after_acceptance(opened: Open) -> None:
    caller = await opened(Fault("reset_after"))
    assert (await caller.generate(seeds=[])).status == 422


async def test_a_slow_answer_takes_its_seconds(opened: Open) -> None:
    caller = await opened(Fault("slow", nth=1, seconds=30), Fault("slow_after", nth=2, seconds=50))
    await caller.accepted()
    await caller.accepted()
    assert [entry.at for entry in caller.sandbox.ledger.entries] == [1030, 1030]
    assert caller.clock() == 1080


async def test_a_garbled_answer_is_half_of_one(opened: Open) -> None:
    caller = await opened(Fault("garbled"))
    with pytest.raises(json.JSONDecodeError):
        await caller.generate()
    assert caller.sandbox.ledger.images_charged == 1


async def test_a_revoked_token_is_refused_until_a_new_one_is_asked_for(opened: Open) -> None:
    caller = await opened(Fault("401", nth=1))
    assert [(await caller.generate()).status for _ in range(2)] == [401, 401]
    await caller.sign_in()
    await caller.accepted()


@pytest.mark.parametrize("kind", ["no_job_id", "no_status_url", "other_status_host"])
async def test_an_acceptance_may_lack_what_it_should_say(opened: Open, kind: str) -> None:
    caller = await opened(Fault(kind))
    ticket = await caller.accepted()
    assert ("jobId" in ticket) == (kind != "no_job_id")
    assert ("statusUrl" in ticket) == (kind == "other_status_host")
    assert ticket.get("statusUrl", "http://127.0.0.2/").startswith("http://127.0.0.2/")
    assert caller.sandbox.ledger.images_charged == 1


async def test_a_job_id_may_come_twice(opened: Open) -> None:
    caller = await opened(Fault("repeated_job_id", nth=2))
    first, second = await caller.accepted(), await caller.accepted()
    assert first["jobId"] == second["jobId"]
    assert caller.sandbox.ledger.entries[0].job_id != caller.sandbox.ledger.entries[1].job_id


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault("failed"), "failed", "runtime_error"),
        (Fault("failed", word="prompt_unsafe"), "failed", "prompt_unsafe"),
        (Fault("cancelled"), "cancelled", "job_cancelled"),
        (Fault("timeout"), "timeout", "job_timeout"),
        (Fault("stuck"), "running", None),
        (Fault("451", where="job"), None, "prompt_unsafe"),
        (Fault("forgotten"), None, "unknown_job_id"),
        (Fault("no_result"), "succeeded", None),
    ],
)
async def test_a_job_may_end_badly_and_is_charged(
    opened: Open, fault: Fault, status: str | None, code: str | None
) -> None:
    caller = await opened(fault)
    answer = await caller.finished(await caller.accepted())
    assert (answer.get("status"), answer.get("error_code")) == (status, code)
    assert caller.sandbox.ledger.images_charged == 1


async def test_a_poll_may_be_answered_about_another_job(opened: Open) -> None:
    caller = await opened(Fault("other_job_id", nth=1))
    ticket = await caller.accepted()
    answers = [(await caller.call("GET", ticket["statusUrl"])).json["jobId"] for _ in range(2)]
    assert answers[0] != ticket["jobId"] == answers[1]


@pytest.mark.parametrize("place", ["token", "poll", "download", "upload", "models", "cancel"])
async def test_any_call_may_be_cut_off(opened: Open, place: Place) -> None:
    caller = await opened(Fault("reset", where=place, every=2 if place == "token" else 1))
    ticket = await caller.accepted()
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await call_at(place, caller, ticket)


async def test_an_unknown_word_stands_for_running(opened: Open) -> None:
    caller = await opened(Fault("unknown_word", word="simmering"))
    ticket = await caller.accepted()
    caller.clock.pass_(1)
    assert (await caller.call("GET", ticket["statusUrl"])).json["status"] == "simmering"
    assert (await caller.finished(ticket))["status"] == "succeeded"


@pytest.mark.parametrize(
    ("kind", "seeds"),
    [
        ("fewer_outputs", [11, 12]),
        ("no_outputs", []),
        ("extra_output", [11, 12, 13, 2**31 - 1]),
        ("unknown_seed", [2**31 - 1, 12, 13]),
        ("duplicate_seed", [11, 12, 11]),
        ("shuffled", [13, 12, 11]),
    ],
)
async def test_outputs_may_differ_from_what_was_asked(opened: Open, kind: str, seeds: list[int]) -> None:
    caller = await opened(Fault(kind, nth=1))
    first, second = await caller.accepted(seeds=[11, 12, 13]), await caller.accepted(seeds=[11, 12, 13])
    assert [output["seed"] for output in await caller.outputs(first)] == seeds
    assert [output["seed"] for output in await caller.outputs(second)] == [11, 12, 13]


async def test_a_success_may_warn_of_denied_words(opened: Open) -> None:
    caller = await opened(Fault("denied_words"))
    assert (await caller.finished(await caller.accepted()))["result"]["promptHasDeniedWords"] is True


async def test_outputs_are_counted_over_all_jobs(opened: Open) -> None:
    caller = await opened(Fault("other_image_host", nth=3))
    hosts = []
    for _ in range(2):
        outputs = await caller.outputs(await caller.accepted(numVariations=2))
        hosts += [output["image"]["url"].startswith("http://127.0.0.2/") for output in outputs]
    assert hosts == [False, False, True, False]


async def test_a_url_that_has_expired_at_once_is_fresh_at_the_next_poll(opened: Open) -> None:
    caller = await opened(Fault("expired"))
    ticket = await caller.accepted()
    answers = [await caller.download((await caller.outputs(ticket))[0]["image"]["url"]) for _ in range(2)]
    assert [answer.status for answer in answers] == [403, 200]


async def test_a_finished_job_may_run_again_for_one_poll(opened: Open) -> None:
    caller = await opened(Fault("backwards"))
    ticket = await caller.accepted()
    assert [(await caller.finished(ticket))["status"] for _ in range(3)] == ["succeeded", "running", "succeeded"]


async def test_a_link_may_be_dead_for_good_or_missing(opened: Open) -> None:
    caller = await opened(Fault("dead_link", nth=1), Fault("no_link", nth=2))
    ticket = await caller.accepted(seeds=[1, 2])
    for _ in range(2):
        dead, none = await caller.outputs(ticket)
        assert ((await caller.download(dead["image"]["url"])).status, none["image"]) == (403, {})


async def test_two_pictures_may_be_the_same(opened: Open) -> None:
    caller = await opened(Fault("same_picture", first=2))
    outputs = await caller.outputs(await caller.accepted(seeds=[1, 2, 3]))
    same, same_too, other = [(await caller.download(output["image"]["url"])).body for output in outputs]
    assert same == same_too != other


async def test_half_a_picture_may_end_with_the_connection_or_come_compressed(opened: Open) -> None:
    caller = await opened(Fault("unfinished", nth=1), Fault("compressed", nth=2))
    url = (await caller.outputs(await caller.accepted()))[0]["image"]["url"]
    half = await caller.download(url)
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(half.body)).load()
    async with caller.http.get(url, auto_decompress=False) as response:
        with pytest.raises(EOFError):
            gzip.decompress(await response.read())
    Image.open(io.BytesIO((await caller.download(url)).body)).load()


async def test_a_picture_may_come_byte_by_byte(opened: Open) -> None:
    caller = await opened(Fault("trickle", nth=1, seconds=3), plain_pictures=True)
    url = (await caller.outputs(await caller.accepted()))[0]["image"]["url"]
    began = caller.clock()
    body = (await caller.download(url)).body
    assert caller.clock() - began == 3 * len(body)


async def test_a_picture_may_be_a_small_file_of_400_million_pixels(opened: Open) -> None:
    caller = await opened(Fault("bomb", nth=1))
    body = (await caller.download((await caller.outputs(await caller.accepted()))[0]["image"]["url"])).body
    wide, high = struct.unpack(">II", body[16:24])
    assert (len(body) < 100_000, wide * high) == (True, 400_000_000)


async def test_a_truncated_image_looks_complete_but_does_not_decode(opened: Open) -> None:
    caller = await opened(Fault("truncated", nth=1))
    url = (await caller.outputs(await caller.accepted()))[0]["image"]["url"]
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO((await caller.download(url)).body)).load()
    Image.open(io.BytesIO((await caller.download(url)).body)).load()


async def test_a_cut_download_breaks_off(opened: Open) -> None:
    caller = await opened(Fault("cut", nth=1))
    url = (await caller.outputs(await caller.accepted()))[0]["image"]["url"]
    with pytest.raises(aiohttp.ClientPayloadError):
        await caller.download(url)
    assert (await caller.download(url)).status == 200


async def test_an_image_of_the_wrong_size_stays_so(opened: Open) -> None:
    caller = await opened(Fault("wrong_size"))
    url = (await caller.outputs(await caller.accepted()))[0]["image"]["url"]
    sizes = [Image.open(io.BytesIO((await caller.download(url)).body)).size for _ in range(2)]
    assert sizes == [(1024, 1024), (1024, 1024)]


async def test_a_download_may_be_larger_than_any_picture(opened: Open) -> None:
    caller = await opened(Fault("huge", nth=1))
    url = (await caller.outputs(await caller.accepted()))[0]["image"]["url"]
    async with caller.http.get(url) as response:
        assert len(await response.content.readexactly(2**20)) == 2**20  # and away
    assert len((await caller.download(url)).body) < 2**20


@pytest.mark.parametrize("place", ["submit", "poll"])
async def test_a_redirect_leads_to_another_host(opened: Open, place: Place) -> None:
    caller = await opened(Fault("redirect", where=place))
    path = {"submit": "/v3/images/generate-async", "poll": "/v3/status/any"}[place]
    method = {"submit": "POST", "poll": "GET"}[place]
    answer = await caller.call(method, path, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (307, "http://127.0.0.2/")


async def test_a_page_may_come_instead_of_an_image(opened: Open) -> None:
    caller = await opened(Fault("not_an_image"))
    answer = await caller.download((await caller.outputs(await caller.accepted()))[0]["image"]["url"])
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("token", b'"error": "server_error"'),
        ("models", b'"reason": "Internal Server Error"'),
        ("download", b"<Code>InternalError</Code>"),
        ("poll", b'"error_code": "runtime_error"'),
    ],
)
async def test_an_outage_is_worded_as_its_place_words_things(opened: Open, place: Place, said: bytes) -> None:
    caller = await opened(Fault("500", where=place, every=2 if place == "token" else 1))
    answer = await call_at(place, caller, await caller.accepted())
    assert answer.status == 500 and said in answer.body


async def leave_in_the_middle(caller: Caller, path: str, headers: dict[str, str]) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(caller.origin.rpartition(":")[2]))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: 99\r\n\r\n{{".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    for _ in range(3):  # whole exchanges, so that the sandbox has noticed
        await caller.call("GET", "/sandbox/ledger")


async def test_a_caller_that_left_while_asking_for_a_token_was_a_bug_of_the_sandbox(
    caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    await leave_in_the_middle(caller, "/ims/token/v3", {"Content-Type": "application/x-www-form-urlencoded"})
    assert not caplog.records


async def test_a_caller_that_leaves_in_the_middle_is_charged_nothing(caller: Caller) -> None:
    await leave_in_the_middle(caller, "/v3/images/generate-async", caller.headers)
    assert [entry.why for entry in caller.sandbox.ledger.entries] == ["dropped"]
    assert caller.sandbox.ledger.images_charged == 0


ELSEWHERE = [(kind, place) for kind, places in KINDS.items() for place in places[1:] if kind in ("500", "503", "html")]


@pytest.mark.parametrize(("kind", "place"), ELSEWHERE)
async def test_an_outage_may_strike_any_call(opened: Open, kind: str, place: Place) -> None:
    caller = await opened(Fault(kind, where=place, nth=2 if place == "token" else 1))
    ticket = await caller.accepted()
    assert (await call_at(place, caller, ticket)).status == {"500": 500, "503": 503, "html": 502}[kind]
    assert (await call_at(place, caller, ticket)).status not in (500, 502, 503)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "explode"}, "unknown fault 'explode'; known: 429"),
        ({"kind": "Reset-aftr"}, "unknown fault 'Reset-aftr'; did you mean 'reset_after'?"),
        ({"kind": "failed", "where": "token"}, "failed cannot strike at 'token'; only at: job"),
        ({"kind": "500", "where": "submitt"}, "500 cannot strike at 'submitt'; did you mean 'submit'?"),
        ({"kind": "noise", "word": "thunder"}, "noise: unknown word 'thunder'; known: bad_chunk, "),
        ({"kind": "noise", "word": "badchunk"}, "noise: unknown word 'badchunk'; did you mean 'bad_chunk'?"),
        ({"kind": "500", "nth": 1, "every": 2}, "give one of nth, first, every and rate"),
        ({"kind": "500", "nth": 1, "rate": 0.5}, "give one of nth, first, every and rate"),
        ({"kind": "500", "nth": 0}, "1 or more"),
        ({"kind": "500", "rate": 0}, "rate is above 0 to 1"),
        ({"kind": "500", "rate": 1.5}, "rate is above 0 to 1"),
    ],
)
def test_a_fault_that_cannot_be_is_explained(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(FaultError, match=message):
        Fault(**wrong)


def test_a_script_is_read_from_yaml_and_from_json(tmp_path: Path) -> None:
    expected = (Fault("429", nth=2, seconds=5), Fault("failed", every=3, word="prompt_unsafe"))
    (tmp_path / "script.yaml").write_text(
        "- {kind: 429, nth: 2, seconds: 5}\n- kind: failed\n  every: 3\n  word: prompt_unsafe\n"
    )
    (tmp_path / "script.json").write_text(
        '[{"kind": "429", "nth": 2, "seconds": 5}, {"kind": "failed", "every": 3, "word": "prompt_unsafe"}]'
    )
    assert load_faults(tmp_path / "script.yaml") == expected
    assert load_faults(tmp_path / "script.json") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{kind: 500}", "a list of faults is expected"),
        ("- 500", "fault 1: a mapping with a kind is expected"),
        ("- {kind: 500}\n- {kind: 500, nht: 2}", "fault 2: unknown field 'nht'; did you mean 'nth'?"),
        ("- {kind: 500, nth: two}", "fault 1: nth, first, every, rate and seconds are numbers"),
        ("- {kind: 500, rate: often}", "fault 1: nth, first, every, rate and seconds are numbers"),
        ("- [", "not readable as YAML or JSON"),
    ],
)
def test_a_script_that_cannot_be_followed_is_explained(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "script.yaml").write_text(text)
    with pytest.raises(FaultError, match=message):
        load_faults(tmp_path / "script.yaml")
