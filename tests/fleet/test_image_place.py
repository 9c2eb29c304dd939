"""The place of a fleet's images: conditional writes, the id that binds it to a database, manifests by swapping."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from campaign_runner.disk.image_names import STAGING
from campaign_runner.errors import StoreError, UsageError
from campaign_runner.fleet.images.place import ID, ImagePlace
from campaign_runner.ports import Put
from tests.fleet import s3
from tests.ports.test_store import put, read

NAME = "acme/spring/manifest.json"


def folder(home: Path) -> ImagePlace:
    return ImagePlace.of(str(home))


def bucket(home: Path) -> ImagePlace:
    return s3.place(f"{s3.new_bucket()}/agency")


@pytest.fixture(params=[folder, bucket])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> ImagePlace:
    made: Callable[[Path], ImagePlace] = request.param
    return made(tmp_path)


async def files(place: ImagePlace) -> list[str]:
    found = [name async for name in place.store("acme").names()]
    return [*found, *[f"own: {name}" async for name in place.store(".campaign-runner").names() if name != "lock"]]


async def test_a_place_with_conditional_writes_is_taken_and_nothing_is_left_of_the_check(place: ImagePlace) -> None:
    await place.check()
    await place.check()
    assert await files(place) == []


async def test_a_place_belongs_to_one_database_for_good(place: ImagePlace) -> None:
    with pytest.raises(UsageError, match=r"is not prepared; nothing was sent\. Run `campaign-runner fleet init`"):
        await place.refuse_another("first")
    await place.note("first")
    await place.note("first")
    await place.refuse_another("first")
    with pytest.raises(UsageError, match="holds the images of another database"):
        await place.note("second")
    await place.refuse_another("first")


async def test_campaigns_of_a_place_have_stores_of_their_own(place: ImagePlace) -> None:
    spring, summer = place.store("acme/spring"), place.store("acme/summer")
    await spring.ready()
    await summer.ready()
    assert (await put(spring, b"a"), await put(summer, b"b")) == (Put.NEW, Put.NEW)
    await spring.check_writable()
    name = (await anext(spring.names("images/")),)
    assert await spring.open(*name, read) == b"a"


async def test_what_another_host_is_putting_is_left_alone_and_what_a_dead_one_left_is_removed(tmp_path: Path) -> None:
    """Who was taken over puts what it paid for, while the host that took over begins."""
    await folder(tmp_path).store("acme/spring").ready()
    staging = tmp_path / "acme" / "spring" / STAGING
    (staging / "begun").touch()
    (staging / "left").touch()
    os.utime(staging / "left", (1, 1))
    await folder(tmp_path).store("acme/spring").ready()
    assert [path.name for path in staging.iterdir()] == ["begun"]


async def test_a_manifest_is_what_was_made_last_whoever_is_slow(place: ImagePlace) -> None:
    """Each of many takes the record as it is, waits, and publishes what it took; the record moves on meanwhile."""
    record = 0

    async def publish() -> None:
        async def make() -> bytes:
            nonlocal record
            record += 1
            made = record
            for _ in range(made % 5):
                await asyncio.sleep(0)
            return json.dumps(made).encode()

        await place.publish(NAME, make)

    await asyncio.gather(*(publish() for _ in range(8)))
    held = await place.store("acme/spring").open("manifest.json", read)
    assert json.loads(held) == record


@pytest.mark.parametrize("was_there", [False, True])
async def test_a_manifest_that_was_replaced_meanwhile_is_made_again(place: ImagePlace, was_there: bool) -> None:
    made = list[bytes]()

    async def make() -> bytes:
        made.append(b"ours %d" % len(made))
        if len(made) == 1:
            await place.publish(NAME, theirs)
        return made[-1]

    async def theirs() -> bytes:
        return b"theirs, made after %d" % len(made)

    if was_there:
        await place.publish(NAME, theirs)
    await place.publish(NAME, make)
    assert made == [b"ours 0", b"ours 1"]
    assert await place.store("acme/spring").open("manifest.json", read) == b"ours 1"


async def test_a_manifest_that_never_stays_is_told_and_not_tried_for_ever(place: ImagePlace) -> None:
    async def make() -> bytes:
        await place.publish(NAME, theirs)
        return b"ours"

    told = list[bytes]()

    async def theirs() -> bytes:
        told.append(b"")
        return b"theirs %d" % len(told)

    with pytest.raises(StoreError, match="replaced again and again"):
        await place.publish(NAME, make)


@pytest.mark.parametrize(
    "setting", ["images", "./images", "", "ftp://host/x", "s3:/bucket", "memory:///images", "file:///images"]
)
def test_what_names_no_place_is_refused(setting: str) -> None:
    with pytest.raises(UsageError, match="is not an image store"):
        ImagePlace.of(setting)


class Careless:
    """An S3 that does not look at the conditions named in `ignored`: so do older ones of several makes."""

    def __init__(self, *ignored: str) -> None:
        self._ignored = ignored
        self._objects: dict[str, tuple[bytes, str]] = {}

    async def answer(self, request: web.Request) -> web.Response:
        there = self._objects.get(request.path)
        if request.method == "PUT":
            if not self._is_met(request, there):
                return web.Response(status=412)
            there = (await request.read(), f'"{len(self._objects)}-{id(request)}"')
            self._objects[request.path] = there
            return web.Response(headers={"ETag": there[1]})
        if request.method == "POST":
            keys = re.findall(r"<Key>.*?</Key>", await request.text())
            return web.Response(text=f"<DeleteResult><Deleted>{keys[0]}</Deleted></DeleteResult>")
        if there is None:
            return web.Response(status=404)
        return web.Response(body=there[0], headers={"ETag": there[1], "Last-Modified": s3.SOME_DAY})

    def _is_met(self, request: web.Request, there: tuple[bytes, str] | None) -> bool:
        if "If-None-Match" in request.headers and "If-None-Match" not in self._ignored:
            return there is None
        wanted = request.headers.get("If-Match")
        return wanted is None or "If-Match" in self._ignored or (there is not None and there[1] == wanted)


@pytest.fixture
async def careless() -> AsyncIterator[Callable[..., Awaitable[ImagePlace]]]:
    servers = list[TestServer]()

    async def started(*ignored: str) -> ImagePlace:
        app = web.Application()
        app.router.add_route("*", "/{any:.*}", Careless(*ignored).answer)
        servers.append(TestServer(app, host="127.0.0.1"))
        await servers[-1].start_server()
        return s3.place("s3://bucket/agency", address=str(servers[-1].make_url("")).rstrip("/"))

    yield started
    for server in servers:
        await server.close()


@pytest.mark.parametrize(
    ("ignored", "told"),
    [("If-None-Match", "puts an object over another one"), ("If-Match", "although it is another one by now")],
)
async def test_a_store_that_ignores_a_condition_is_refused_by_name(
    ignored: str, told: str, careless: Callable[..., Awaitable[ImagePlace]]
) -> None:
    made = await careless(ignored)
    with pytest.raises(StoreError, match=told) as caught:
        await made.check()
    assert "fleet init" in str(caught.value)
    await (await careless()).check()


async def test_what_init_writes_can_be_found_by_a_person(place: ImagePlace) -> None:
    await place.note("7f3a")
    assert await files(place) == [f"own: {ID.partition('/')[2]}"]
