"""A job from acceptance to image URLs: status words, cancelling, links that expire."""

from __future__ import annotations

import re

import pytest

from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.server import Sandbox
from tests.sandbox.conftest import Caller, Open

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


async def test_an_acceptance_names_the_job_and_where_to_ask(caller: Caller) -> None:
    answer = await caller.generate()
    job_id = answer.json["jobId"]
    assert re.fullmatch(f"urn:ff:jobs:epo:{UUID}", job_id)
    assert answer.json == {
        "jobId": job_id,
        "statusUrl": f"{caller.origin}/v3/status/{job_id}",
        "cancelUrl": f"{caller.origin}/v3/cancel/{job_id}",
    }
    assert answer.headers["Link"].startswith(f'<{caller.origin}/v3/status/{job_id}>; rel="status"')


async def test_job_ids_and_unasked_seeds_are_the_same_in_every_sandbox_of_one_seed(opened: Open) -> None:
    tickets = []
    for seed in (1, 1, 2):
        caller = await opened(seed=seed)
        ticket = await caller.accepted(numVariations=2)
        tickets.append((ticket["jobId"], [output["seed"] for output in await caller.outputs(ticket)]))
    assert tickets[0] == tickets[1]
    assert tickets[0][0] != tickets[2][0] and tickets[0][1] != tickets[2][1]


async def test_a_finished_job_shows_the_documented_result(caller: Caller) -> None:
    ticket = await caller.accepted(seeds=[5], contentClass="art", size={"width": 2688, "height": 1536})
    answer = await caller.finished(ticket)
    assert answer.keys() == {"status", "jobId", "result"}
    assert (answer["status"], answer["jobId"]) == ("succeeded", ticket["jobId"])
    outputs = answer["result"].pop("outputs")
    assert answer["result"] == {
        "size": {"width": 2688, "height": 1536},
        "contentClass": "art",
        "promptHasDeniedWords": False,
        "promptHasBlockedArtists": False,
        "altText": "",
    }
    assert [output.keys() for output in outputs] == [{"seed", "image"}]


@pytest.mark.parametrize(
    ("job_id", "http", "code"),
    [
        ("urn:ff:jobs:epo:00000000-0000-4000-8000-000000000000", 404, "unknown_job_id"),
        ("00000000-0000-4000-8000-000000000000", 404, "unknown_job_id"),  # a bare uuid is a well-formed id
        ("nonsense", 422, "validation_error"),
    ],
)
async def test_an_unknown_job_and_a_malformed_id_are_told_apart_by_the_status_alone(
    caller: Caller, job_id: str, http: int, code: str
) -> None:
    answer = await caller.call("GET", f"/v3/status/{job_id}")
    assert (answer.status, answer.json["error_code"]) == (http, code)
    answer = await caller.call("PUT", f"/v3/cancel/{job_id}")
    assert (answer.status, answer.json["error_code"]) == (404, "unknown_job_id")


async def test_a_job_is_found_by_the_last_part_of_its_id(caller: Caller) -> None:
    job_id = (await caller.accepted())["jobId"]
    uuid = job_id.rpartition(":")[2]
    assert (await caller.call("GET", f"/v3/status/{uuid}")).json["jobId"] == job_id
    assert (await caller.call("PUT", f"/v3/cancel/{uuid}")).status == 200
    assert (await caller.call("GET", f"/v3/status/{job_id}")).json["status"] == "cancelled"


async def test_the_address_of_the_old_tutorial_is_answered_by_a_lenient_one_alone(opened: Open) -> None:
    caller = await opened(strict=False)
    ticket = await caller.accepted()
    caller.clock.pass_(2)
    answer = await caller.call("GET", f"/jobs/result/{ticket['jobId']}")
    assert answer.json["status"] == "succeeded"
    assert caller.said == ["--strict would refuse: status: /jobs/result/ is not the statusUrl"]
    strict = await opened()
    refused = await strict.call("GET", f"/jobs/result/{(await strict.accepted())['jobId']}")
    assert (refused.status, refused.json["error_code"]) == (404, "not_found")
    assert "ask the statusUrl" in refused.json["message"]


async def test_another_clients_job_is_unknown(caller: Caller) -> None:
    ticket = await caller.accepted()
    await caller.sign_in("other")
    assert (await caller.call("GET", ticket["statusUrl"])).status == 404


async def test_a_job_is_forgotten_after_the_set_time(opened: Open) -> None:
    caller = await opened(job_known_seconds=100)
    ticket = await caller.accepted()
    caller.clock.pass_(100)
    assert (await caller.call("GET", ticket["statusUrl"])).json["error_code"] == "unknown_job_id"


@pytest.mark.parametrize("word", ["cancelled", "canceled"])
async def test_a_cancelled_job_stays_cancelled(opened: Open, word: str) -> None:
    caller = await opened(cancelled_word=word)
    ticket = await caller.accepted()
    answer = await caller.call("PUT", ticket["cancelUrl"])
    assert (answer.status, answer.json) == (200, {})
    assert (await caller.finished(ticket))["status"] == word
    again = await caller.call("PUT", ticket["cancelUrl"])
    assert (again.status, again.json["error_code"]) == (409, "job_already_canceled")


async def test_a_switch_lets_cancelling_take_a_while(opened: Open) -> None:
    caller = await opened(cancel_seconds=10, job_seconds=1)
    ticket = await caller.accepted()
    await caller.call("PUT", ticket["cancelUrl"])
    assert (await caller.finished(ticket))["status"] == "cancel_pending"
    caller.clock.pass_(10)
    assert (await caller.call("GET", ticket["statusUrl"])).json["status"] == "cancelled"


async def test_a_finished_job_cannot_be_cancelled(caller: Caller) -> None:
    ticket = await caller.accepted()
    await caller.finished(ticket)
    answer = await caller.call("PUT", ticket["cancelUrl"])
    assert (answer.status, answer.json["error_code"]) == (409, "job_completed")


async def test_an_image_url_works_until_it_expires(opened: Open) -> None:
    caller = await opened(expire_seconds=30)
    url = (await caller.outputs(await caller.accepted()))[0]["image"]["url"]
    caller.clock.pass_(29)
    assert (await caller.download(url)).status == 200
    caller.clock.pass_(1)
    answer = await caller.download(url)
    assert (answer.status, answer.headers["Content-Type"]) == (403, "application/xml; charset=utf-8")
    assert b"<Code>AccessDenied</Code><Message>Request has expired</Message>" in answer.body


async def test_polling_again_gives_a_fresh_url_unless_the_switch_says_the_same(opened: Open) -> None:
    for fresh in (True, False):
        caller = await opened(fresh_urls=fresh)
        ticket = await caller.accepted()
        first = (await caller.outputs(ticket))[0]["image"]["url"]
        second = (await caller.outputs(ticket))[0]["image"]["url"]
        assert (first != second) == fresh


@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
async def test_an_image_url_takes_no_second_proof(caller: Caller, header: str) -> None:
    url = (await caller.outputs(await caller.accepted()))[0]["image"]["url"]
    answer = await caller.download(url, {header: caller.headers[header]})
    assert answer.status == 400
    assert b"<Code>InvalidArgument</Code>" in answer.body


async def test_an_image_url_that_was_altered_is_refused(caller: Caller) -> None:
    url = (await caller.outputs(await caller.accepted()))[0]["image"]["url"]
    longer = await caller.download(url.replace("X-Amz-Expires=3600", "X-Amz-Expires=9999"))
    other = await caller.download(url.replace("-0?", "-1?"))
    bare = await caller.download(url.partition("?")[0])
    assert [answer.status for answer in (longer, other, bare)] == [403, 403, 403]


async def test_switches_name_the_words_and_the_order(opened: Open) -> None:
    caller = await opened(running_word="IN_PROGRESS", shuffled=True)
    ticket = await caller.accepted(seeds=[1, 2, 3])
    caller.clock.pass_(1)
    assert (await caller.call("GET", ticket["statusUrl"])).json["status"] == "IN_PROGRESS"
    assert [output["seed"] for output in await caller.outputs(ticket)] == [3, 2, 1]


async def test_durations_spread_around_the_set_one(opened: Open) -> None:
    caller = await opened(job_seconds=100, job_spread=0.5)
    tickets = [await caller.accepted() for _ in range(20)]
    caller.clock.pass_(100)
    words = [(await caller.call("GET", ticket["statusUrl"])).json["status"] for ticket in tickets]
    assert {"running", "succeeded"} == set(words)


async def test_a_long_tail_has_jobs_of_many_times_the_usual_duration(opened: Open) -> None:
    caller = await opened(job_seconds=10, job_spread=1, spread_shape="long_tail")
    tickets = [await caller.accepted() for _ in range(100)]
    caller.clock.pass_(10)
    done = [(await caller.call("GET", ticket["statusUrl"])).json["status"] for ticket in tickets]
    assert 35 < done.count("succeeded") < 65  # the usual duration is the middle one
    caller.clock.pass_(20)
    late = [(await caller.call("GET", ticket["statusUrl"])).json["status"] for ticket in tickets]
    assert 3 < late.count("running") < 30  # a normal distribution around 10 would have none past 30


@pytest.mark.parametrize("shape", ["even", "long_tail"])
async def test_every_call_may_take_its_time_and_the_same_time_in_every_run(opened: Open, shape: str) -> None:
    took = []
    for _ in range(2):
        caller = await opened(answer_seconds=5, answer_spread=0.5, spread_shape=shape)
        began = caller.clock()
        for _ in range(10):
            await caller.call("GET", "/v3/custom-models")
        took.append(caller.clock() - began)
    assert took[0] == took[1] != 50
    assert 25 < took[0] < 100


async def test_a_status_may_lie_on_another_port_of_the_same_host(opened: Open) -> None:
    caller = await opened(other_status_port=True)
    ticket = await caller.accepted()
    assert ticket["statusUrl"].startswith("http://127.0.0.1:")
    assert not ticket["statusUrl"].startswith(caller.origin)
    url = (await caller.outputs(ticket))[0]["image"]["url"]
    assert (await caller.download(url)).status == 200


async def test_it_listens_on_the_literal_loopback_address_alone() -> None:
    async with serving(Sandbox()) as origin:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", origin)
