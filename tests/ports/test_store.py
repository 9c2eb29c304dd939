"""What every Store promises. A new store adds itself to STORES."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import pytest

from campaign_runner.errors import IntegrityError, NameTooLong
from campaign_runner.ports import Put, Store
from campaign_runner.store import FolderStore
from tests.ports.pictures import picture

OpenStore = Callable[[], Awaitable[Store]]
NAME = "images/candle/hero_painting_64x48_s66080_3f9c2a1b.jpg"


def folder_store(place: Path) -> OpenStore:
    async def opened() -> Store:
        store = FolderStore(place)
        await store.ready()
        return store

    return opened


STORES: list[Callable[[Path], OpenStore]] = [folder_store]


@pytest.fixture(params=STORES)
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Opens a store, always on the same place: opening again is what the next run does."""
    opened: OpenStore = request.param(tmp_path)
    return opened


@pytest.fixture
async def store(open_store: OpenStore) -> Store:
    return await open_store()


def everything_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def put(store: Store, content: bytes, name: str = NAME) -> Put:
    return await store.put_new(name, content, sha256(content).hexdigest())


async def test_what_stands_under_a_name_is_read(store: Store) -> None:
    await put(store, b"picture")
    name = await store.holds(NAME.removesuffix(".jpg"))
    assert name == NAME and await store.open(name, lambda file: file.read()) == b"picture"


async def test_a_new_name_is_published(store: Store) -> None:
    assert await put(store, b"picture") is Put.NEW
    assert await store.holds(NAME.removesuffix(".jpg")) == NAME


async def test_the_same_bytes_under_the_same_name_are_the_same(store: Store) -> None:
    await put(store, b"picture")
    assert await put(store, b"picture") is Put.SAME


@pytest.mark.parametrize("other", [b"other", b"picturE", b"picture+", b"pictur", b""])
async def test_other_bytes_never_replace_what_stands(other: bytes, store: Store) -> None:
    await put(store, b"picture")
    assert await put(store, other) is Put.DIFFERENT
    assert await put(store, b"picture") is Put.SAME


async def test_what_was_stored_stands_when_the_store_is_opened_again(open_store: OpenStore) -> None:
    await put(await open_store(), b"picture")
    assert await put(await open_store(), b"picture") is Put.SAME


async def test_of_many_who_want_a_name_one_gets_it(store: Store) -> None:
    answers = await asyncio.gather(*(put(store, b"%d" % number) for number in range(16)))
    assert sorted(answer.value for answer in answers) == ["different"] * 15 + ["new"]


async def test_many_images_are_stored_at_once(store: Store) -> None:
    names = [f"images/soap/{number}.png" for number in range(40)]
    answers = await asyncio.gather(*(put(store, name.encode(), name) for name in names))
    assert set(answers) == {Put.NEW}
    assert [await store.holds(name.removesuffix(".png")) for name in names] == names


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
async def test_a_picture_is_found_by_its_stem(suffix: str, store: Store) -> None:
    await put(store, b"picture", f"images/soap/a_s1.{suffix}")
    assert await store.holds("images/soap/a_s1") == f"images/soap/a_s1.{suffix}"


async def test_of_several_stems_the_first_that_holds_a_picture_is_found(store: Store) -> None:
    await put(store, b"picture", "images/3f9c2a1b.png")
    assert await store.holds("images/soap/a_s1", "images/3f9c2a1b") == "images/3f9c2a1b.png"
    await put(store, b"picture", "images/soap/a_s1.jpg")
    assert await store.holds("images/soap/a_s1", "images/3f9c2a1b") == "images/soap/a_s1.jpg"


@pytest.mark.parametrize("name", [f"images/soap/{'a' * 300}.jpg", f"images/{'soap' * 100}/a.jpg"])
async def test_a_name_that_cannot_be_had_is_said_to_be_too_long_and_holds_nothing(name: str, store: Store) -> None:
    with pytest.raises(NameTooLong):
        await put(store, b"picture", name)
    assert await store.holds(name.removesuffix(".jpg"), "images/3f9c2a1b") is None
    assert await put(store, b"picture", "images/3f9c2a1b.jpg") is Put.NEW


@pytest.mark.parametrize(
    "stem",
    ["images/soap/a_s", "images/soap/a_s1.jpg", "images/soap/a_s11", "images/candle/a_s1", "images/a_s1", "a_s1"],
)
async def test_another_stem_holds_nothing(stem: str, store: Store) -> None:
    await put(store, b"picture", "images/soap/a_s1.jpg")
    assert await store.holds(stem) is None


@pytest.mark.parametrize(
    "name",
    [
        "/etc/picture.jpg",  # absolute
        "../picture.jpg",  # leaves the folder
        "images/soap/../../picture.jpg",
        "soap\\picture.jpg",  # leaves it on Windows
        "C:picture.jpg",
        "images/soap//picture.jpg",  # not the one spelling of a name
        "./picture.jpg",
        "images/soap/",
        "",
        "images/soap/picture\0.jpg",
        "images/soap/picture\n.jpg",
        "images/soap/picture\ud800.jpg",  # cannot be encoded
        "images/soap/\u202egpj.picture",  # shows as another name
    ],
)
async def test_a_name_that_leaves_the_store_is_refused(name: str, store: Store, tmp_path: Path) -> None:
    before = everything_in(tmp_path)
    with pytest.raises(IntegrityError):
        await put(store, b"picture", name)
    with pytest.raises(IntegrityError):
        await store.holds(name)
    assert everything_in(tmp_path) == before


async def test_an_interrupted_put_leaves_nothing_under_the_name(open_store: OpenStore) -> None:
    store, content = await open_store(), picture()
    for turns in range(12):
        putting = asyncio.create_task(put(store, content, f"images/soap/{turns}.jpg"))
        for _ in range(turns):
            await asyncio.sleep(0)
        putting.cancel()
        await asyncio.wait([putting])
        held = await store.holds(f"images/soap/{turns}")
        assert await put(store, content, f"images/soap/{turns}.jpg") is (Put.NEW if held is None else Put.SAME)
