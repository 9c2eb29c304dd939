"""What every Store promises. A new store adds itself to STORES."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import pytest

from campaign_runner.errors import IntegrityError, NameTooLong
from campaign_runner.fleet.images.object_store import ObjectStore
from campaign_runner.ports import Content, Put, Store
from campaign_runner.store import FolderStore
from tests.fleet import s3
from tests.ports.memory_store import MemoryStore
from tests.ports.pictures import picture

OpenStore = Callable[[], Awaitable[Store]]
NAME = "images/candle/hero_painting_64x48_s66080_3f9c2a1b.jpg"


def folder_store(place: Path) -> OpenStore:
    async def opened() -> Store:
        store = FolderStore(place)
        await store.ready()
        return store

    return opened


def memory_store(place: Path) -> OpenStore:
    files: dict[str, bytes] = {}

    async def opened() -> Store:
        store = MemoryStore(files, place.name)
        await store.ready()
        return store

    return opened


def object_store(place: Path) -> OpenStore:
    url = s3.new_bucket()

    async def opened() -> Store:
        store = ObjectStore(s3.bucket(f"{url}/agency"), f"acme/{place.name}")
        await store.ready()
        return store

    return opened


STORES: list[Callable[[Path], OpenStore]] = [folder_store, memory_store, object_store]


@pytest.fixture(params=STORES)
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Opens a store, always on the same place: opening again is what the next run does."""
    opened: OpenStore = request.param(tmp_path)
    return opened


@pytest.fixture
async def store(open_store: OpenStore) -> Store:
    return await open_store()


DIGEST = sha256(b"picture").hexdigest()


def read(content: Content) -> bytes:
    return content.read()


def everything_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def put(store: Store, content: bytes, name: str = NAME) -> Put:
    return await store.put_new(name, content, sha256(content).hexdigest())


async def test_what_stands_under_a_name_is_read(store: Store) -> None:
    await put(store, b"picture")
    name = await store.holds(NAME.removesuffix(".jpg"))
    assert name == NAME and await store.open(name, read) == b"picture"


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
    asked: list[Callable[[], Awaitable[object]]] = [
        lambda: put(store, b"picture", name),
        lambda: store.holds(name),
        lambda: store.open(name, read),
        lambda: store.digest(name),
        lambda: store.remove(name, DIGEST),
        lambda: store.present([name]),
        lambda: store.second_name(name, DIGEST, source=store, file=NAME),
        lambda: store.second_name(NAME, DIGEST, source=store, file=name),
    ]
    for ask in asked:
        with pytest.raises(IntegrityError):
            await ask()
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


async def test_what_is_read_is_one_opening_that_may_be_gone_through_again_and_in_parts(store: Store) -> None:
    await put(store, b"picture")

    def look(content: Content) -> tuple[bytes, bytes, int]:
        start, rest = content.read(3), content.read()
        return start, rest, content.seek(0) + len(content.read())

    assert await store.open(NAME, look) == (b"pic", b"ture", 7)


async def test_what_goes_wrong_with_looking_is_the_callers(store: Store) -> None:
    await put(store, b"picture")

    def fail(content: Content) -> None:
        raise LookupError(content.read())

    with pytest.raises(LookupError, match="picture"):
        await store.open(NAME, fail)


async def test_what_is_not_there_cannot_be_opened_and_has_no_digest(store: Store) -> None:
    for name in (NAME, "images/soap/a.jpg", "a.jpg"):
        with pytest.raises(FileNotFoundError):
            await store.open(name, read)
        assert await store.digest(name) is None
        await store.remove(name, DIGEST)


async def test_a_name_is_taken_away_only_from_the_bytes_that_are_meant(store: Store) -> None:
    await put(store, b"picture")
    await store.remove(NAME, sha256(b"other").hexdigest())
    assert await store.digest(NAME) == DIGEST
    await store.remove(NAME, DIGEST)
    assert await store.digest(NAME) is None
    assert await put(store, b"other") is Put.NEW


async def test_a_second_name_outlives_the_first(store: Store) -> None:
    await put(store, b"picture")
    await store.ready("removed")
    aside = NAME.replace("images", "removed")
    assert await store.second_name(aside, DIGEST, source=store, file=NAME) is Put.NEW
    assert await store.second_name(aside, DIGEST, source=store, file=NAME) is Put.SAME
    await store.remove(NAME, DIGEST)
    assert await store.open(aside, read) == b"picture"


@pytest.mark.parametrize("other", STORES)
async def test_bytes_of_another_store_get_a_name_if_they_are_those_and_it_is_free(
    other: Callable[[Path], OpenStore], store: Store, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    source = await other(tmp_path / "other")()
    await put(source, b"picture", "images/a.jpg")
    await put(source, b"pictur", "images/b.jpg")

    async def ask(file: str) -> Put | None:
        return await store.second_name(NAME, DIGEST, source=source, file=file)

    assert (await ask("images/b.jpg"), await ask("images/c.jpg"), await ask("soap/c.jpg")) == (None, None, None)
    assert await store.digest(NAME) is None
    assert (await ask("images/a.jpg"), await ask("images/a.jpg")) == (Put.NEW, Put.SAME)
    await store.remove(NAME, DIGEST)
    await put(store, b"other")
    assert await ask("images/a.jpg") is Put.DIFFERENT
    assert await store.open(NAME, read) == b"other"


async def test_names_are_told_by_how_they_begin_and_which_are_there(store: Store) -> None:
    await store.ready("removed")
    names = ["images/soap/b.jpg", "images/candle/a.jpg", "removed/soap/c.png", "images/soap/a.jpg"]
    for name in names:
        await put(store, b"picture", name)
    assert [name async for name in store.names()] == sorted(names)
    assert [name async for name in store.names("images/soap/")] == ["images/soap/a.jpg", "images/soap/b.jpg"]
    assert [name async for name in store.names("damaged/")] == []
    assert await store.present([*names[:2], "images/soap/c.jpg", "soap", f"images/{'a' * 300}.jpg"]) == set(names[:2])


async def test_a_person_is_told_where_to_look(store: Store) -> None:
    assert store.where(NAME).endswith(NAME)


async def test_the_longest_name_is_tried_before_anything_is_put(store: Store, tmp_path: Path) -> None:
    before = everything_in(tmp_path)
    await store.check_names([NAME, "images/soap/a.jpg"])
    with pytest.raises(NameTooLong):
        await store.check_names([NAME, f"images/soap/{'a' * 300}.jpg"])
    assert everything_in(tmp_path) == before
