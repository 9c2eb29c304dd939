"""What a store in a bucket promises beyond the port: about answers that fail, and about what they hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from campaign_runner.errors import CampaignError, IntegrityError, StoreError, StoreSilent, UsageError
from campaign_runner.fleet.images import bucket as bucket_module
from campaign_runner.fleet.images.bucket import SILENCE, Bucket
from campaign_runner.fleet.images.object_store import ObjectStore
from campaign_runner.fleet.images.place import BucketPlace
from campaign_runner.fleet.images.quota_with_store import QuotaWithStore
from campaign_runner.ports import Permit, Put, Wait
from campaign_runner.quota.shared_quota import SharedQuota
from tests.fleet import s3

NAME = "images/soap/a.jpg"
SIGNED = "X-Amz-Signature=0123456789abcdef"


class Hours:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Answers:
    """A server that answers as it is told, the last answer for ever: a status, and an S3 code."""

    def __init__(self) -> None:
        self.script: list[tuple[int, str]] = []
        self.asked = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        status, code = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        body = f"<Error><Code>{code}</Code><Message>{s3.SECRET} {request.url}?{SIGNED}</Message></Error>"
        return web.Response(status=status, body=body, headers={"ETag": '"1"', "Last-Modified": s3.SOME_DAY})


@pytest.fixture
async def answers() -> AsyncIterator[tuple[Answers, str]]:
    told = Answers()
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", told.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        yield told, str(server.make_url("")).rstrip("/")


def asking(address: str, hours: Hours) -> Bucket:
    return s3.bucket("s3://b/p", address=address, clock=lambda: hours.now, sleep=hours.sleep, random=lambda: 1.0)


async def put(store: ObjectStore, content: bytes, name: str = NAME) -> Put:
    return await store.put_new(name, content, sha256(content).hexdigest())


CALLS: list[Callable[[Bucket], Awaitable[object]]] = [
    lambda bucket: bucket.create("a", b"x", "image/png"),
    lambda bucket: bucket.replace("a", b"x", "image/png", {"e_tag": '"1"'}),
    lambda bucket: bucket.read("a", 10),
    lambda bucket: bucket.has("a"),
    lambda bucket: bucket.delete("a"),
    lambda bucket: anext(bucket.keys("")),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (403, "AccessDenied", StoreError, "refused \\(403( AccessDenied)?\\); check the credentials"),
        (404, "NoSuchBucket", StoreError, "there is no such bucket"),
        (301, "PermanentRedirect", StoreError, "check CAMPAIGN_RUNNER_STORE, region"),
        (503, "SlowDown", StoreSilent, "answers 503( SlowDown)?; what is paid for stays at Adobe"),
    ],
)
async def test_a_refusal_is_told_in_our_words_without_any_secret(
    call: Callable[[Bucket], Awaitable[object]],
    status: int,
    code: str,
    kind: type[CampaignError],
    words: str,
    answers: tuple[Answers, str],
) -> None:
    told, address = answers
    told.script = [(status, code)]
    if code == "NoSuchBucket" and call is CALLS[3]:
        return  # a HEAD has no body that could say so
    with pytest.raises(kind, match=words) as caught:
        await call(asking(address, Hours()))
    told_all = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert s3.SECRET not in told_all and SIGNED not in told_all and address not in told_all


async def test_a_store_that_comes_back_within_a_minute_is_only_waited_for(answers: tuple[Answers, str]) -> None:
    (told, address), hours = answers, Hours()
    told.script = [(503, "SlowDown"), (500, "InternalError"), (429, "SlowDown"), (200, "")]
    bucket = asking(address, hours)
    assert await bucket.create("a", b"x", "image/png")
    assert (told.asked, hours.slept, bucket.is_silent) == (4, [0.2, 0.4, 0.8], False)


async def test_a_store_that_is_gone_is_a_state_and_after_a_minute_an_error_for_later() -> None:
    hours, seen = Hours(), list[bool]()

    async def sleep(seconds: float) -> None:
        seen.append(bucket.is_silent)
        await hours.sleep(seconds)

    bucket = s3.bucket("s3://b/p", address=s3.NOWHERE, clock=lambda: hours.now, sleep=sleep)
    with pytest.raises(StoreSilent, match="does not answer") as caught:
        await put(ObjectStore(bucket, "spring"), b"picture")
    assert caught.value.exit_code == 8
    assert set(seen) == {True} and SILENCE <= hours.now < SILENCE + 5
    tries = len(seen)
    with pytest.raises(StoreSilent):
        await bucket.has("a")
    assert len(seen) == tries, "the minute is over: nobody waits for another one"


async def test_an_answer_that_was_lost_is_found_by_its_bytes() -> None:
    """The store put the image, its answer was lost, and the second try finds it there."""
    bucket = s3.bucket(s3.new_bucket())
    first, told = bucket.create, list[bool]()

    async def lost(key: str, content: bytes, media_type: str) -> bool:
        told.append(await first(key, content, media_type))
        return await first(key, content, media_type)

    bucket.create = lost  # type: ignore[method-assign]
    assert await put(ObjectStore(bucket, "spring"), b"picture") is Put.SAME
    assert told == [True]


async def test_an_image_of_many_megabytes_is_not_replaced_either() -> None:
    store = ObjectStore(s3.bucket(s3.new_bucket()), "spring")
    assert await put(store, b"x" * (6 << 20)) is Put.NEW
    assert await put(store, b"y" * (6 << 20)) is Put.DIFFERENT
    assert await put(store, b"x" * (6 << 20)) is Put.SAME


async def test_images_are_served_as_what_they_are() -> None:
    url = s3.new_bucket()
    await put(ObjectStore(s3.bucket(url), "spring"), b"picture", "images/a.webp")
    assert s3.media_type(f"{url}/spring/images/a.webp") == "image/webp"


async def test_a_listing_goes_on_over_its_pages_and_leaves_out_other_campaigns_and_marks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bucket_module, "_PAGE", 10)
    url = s3.new_bucket()
    store, other = (ObjectStore(s3.bucket(url), name) for name in ("spring", "spring-2"))
    names = [f"images/soap/{number:02}.jpg" for number in range(25)]
    for name in names:
        await put(store, b"picture", name)
    await put(other, b"picture")
    s3.put(f"{url}/spring/images/", b"")  # what a console makes for a folder
    assert [name async for name in store.names()] == names
    assert await store.present([*names, "images/soap/other.jpg"]) == set(names)


async def test_an_object_that_no_name_leads_to_is_said_and_not_left_out() -> None:
    url = s3.new_bucket()
    s3.put(f"{url}/spring/images//a.jpg", b"x")
    with pytest.raises(IntegrityError, match="an empty part or dots"):
        assert [name async for name in ObjectStore(s3.bucket(url), "spring").names()]


@pytest.mark.parametrize(
    "url",
    [f"s3://key:{s3.SECRET}@bucket/x", f"s3://bucket/x?secret={s3.SECRET}", f"s3://bucket/x#{s3.SECRET}"],
)
async def test_a_secret_in_the_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="more than a bucket and a prefix") as caught:
        s3.bucket(url)
    assert s3.SECRET not in str(caught.value)


@pytest.mark.parametrize("url", ["s3://", "s3://bucket/a//b", "ftp://bucket/x", "az://container/x"])
def test_what_is_no_place_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        s3.bucket(url)


async def test_without_tls_nothing_is_asked_unless_it_is_allowed() -> None:
    with s3.known(s3.endpoint()):
        bucket = Bucket(s3.new_bucket())
    with pytest.raises(StoreError, match="without TLS"):
        await bucket.has("a")


async def test_what_is_elsewhere_would_go_through_the_proxy_that_the_tests_name(answers: tuple[Answers, str]) -> None:
    told, address = answers
    told.script = [(200, "")]
    with s3.known("http://192.0.2.1", proxy=address):
        bucket = Bucket("s3://b", allows_http=True)
    assert await bucket.has("a") and told.asked == 1


async def test_nothing_is_sent_while_the_store_does_not_answer_and_again_once_it_does(
    answers: tuple[Answers, str], tmp_path: Path
) -> None:
    (told, address), hours = answers, Hours()
    told.script = [(503, "SlowDown")]
    bucket = asking(address, hours)
    async with SharedQuota(tmp_path, "account") as shared:
        quota = QuotaWithStore(shared, BucketPlace(bucket))
        permit = await quota.acquire()
        assert isinstance(permit, Permit)
        await quota.give_back(permit)
        with pytest.raises(asyncio.CancelledError):
            await given_up(bucket, hours)
        assert await quota.acquire() == Wait(1.0, "store")
        assert (await quota.allowance()).used_minute == 0
        told.script = [(200, "")]
        assert isinstance(await quota.acquire(), Permit)
        told.script, hours.now = [(503, "SlowDown")], 100.0
        with pytest.raises(asyncio.CancelledError):
            await given_up(bucket, hours)
        hours.now += SILENCE
        with pytest.raises(StoreSilent):
            await quota.acquire()


async def given_up(bucket: Bucket, hours: Hours) -> None:
    """A call that is cancelled while it waits: nobody tries again for it."""

    async def cancelled(seconds: float) -> None:
        raise asyncio.CancelledError

    bucket._sleep = cancelled
    await bucket.has("a")
