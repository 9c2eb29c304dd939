"""The page served to one reviewer: every mark is on the disk at once, and what happens meanwhile appears."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from campaign_runner.campaign_file.loader import load
from campaign_runner.plan.plan import Plan
from campaign_runner.review.decisions import Decisions, decisions_of
from campaign_runner.review.decisions_file import lines
from campaign_runner.review.marks import Mark, Reviewer, Vote
from campaign_runner.review.page.doorway import doorway
from campaign_runner.review.page.served_data import ServedReview
from campaign_runner.review.page.server import LARGEST_POST, ServedAt, serving_review
from tests.review.page.conftest import Person
from tests.review.page.folders import Home, make_home, record

pytestmark = pytest.mark.asyncio(loop_scope="session")
BEN = Reviewer("ben", "Ben")
ANNA = Reviewer("anna", "Anna")


@pytest.fixture
def season(tmp_path: Path) -> Home:
    """A campaign whose last row is still to come."""
    return make_home(tmp_path, states=["stored"] * 12 + ["new"] * 4)


@pytest_asyncio.fixture(loop_scope="session")
async def place(season: Home) -> AsyncIterator[ServedAt]:
    async with serving_review(ServedReview(season.folder, Plan(load(season.file)), BEN)) as place:
        yield place


def decided(home: Home) -> Decisions:
    with home.folder.ledger() as ledger:
        return decisions_of(home.folder, Plan(load(home.file)), ledger)


def pick(home: Home, position: int, reviewer: Reviewer) -> Mark:
    row = decided(home).rows[position // 4]
    image = row.images[position % 4].shot
    verdict = Vote("pick")
    return Mark(f"{position:016x}", image.key, image.sha256 or "", row.cell, "verdict", verdict, (), _AT, reviewer)


_AT = "2030-01-01T00:00:00Z"


async def test_marks_are_kept_at_once_and_what_others_do_appears(season: Home, place: ServedAt, person: Person) -> None:
    ben = await person()
    await ben.open(place.address)
    await ben.until_counts("4 rows: 1 waiting, 3 open")
    await ben.into_grid()
    await ben.press("2")  # no name is asked: one server is one reviewer
    await ben.until_kept()
    assert [mark.reviewer for mark in decided(season).gathered.marks] == [BEN]
    content = b"".join(lines("season", ANNA, [pick(season, 4, ANNA)]))
    (season.decisions / "from-mail.jsonl").write_bytes(content)
    await ben.until_counts("2 picked")
    reviewers = ben.page.locator("select[name=reviewer] option")
    assert sorted(await reviewers.all_text_contents()) == ["Anna", "Anyone", "Ben"]
    await asyncio.to_thread(record, season, ["stored"] * 16)
    await ben.until_counts("4 rows: 2 picked, 2 open")
    await ben.press("ArrowDown", "ArrowDown", "x")
    await ben.until_kept()
    assert await ben.page.is_hidden("#save") and len(decided(season).gathered.marks) == 3
    assert len(list(season.decisions.iterdir())) == 2 and decided(season).gathered.problems == ()


async def test_who_marks_after_the_review_was_ended_is_told_and_loses_nothing(season: Home, person: Person) -> None:
    ben = await person()
    async with serving_review(ServedReview(season.folder, Plan(load(season.file)), BEN)) as place:
        await ben.open(place.address)
        await ben.into_grid()
    await ben.press("2")
    await ben.page.wait_for_selector("#gone", state="visible")
    may_leave = "dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    assert not await ben.page.evaluate(may_leave)
    await ben.save(season.decisions)
    assert await ben.page.evaluate(may_leave)
    assert decided(season).counts()["picked"] == 1 and decided(season).gathered.problems == ()


async def test_nobody_without_the_secret_is_answered_nor_from_another_host_or_origin(
    season: Home, place: ServedAt
) -> None:
    mark: dict[str, list[object]] = {"marks": []}
    async with aiohttp.ClientSession() as session:
        for path in ("", "/", "/state", "/x/", "/x/state", f"/{'0' * 32}/", "/favicon.ico", "/x/../state"):
            async with session.get(place.origin + path) as answer:
                assert answer.status == 404 and await answer.text() == "not found"
        for host in ("localhost", "127.0.0.1", "evil.example", place.origin.removeprefix("http://") + "."):
            async with session.get(place.address, headers={"Host": host}) as answer:
                assert answer.status == 403
        port = place.origin.rpartition(":")[2]
        for origin in (None, "null", "http://evil.example", "http://127.0.0.1:1", f"http://localhost:{port}"):
            headers = {} if origin is None else {"Origin": origin}
            async with session.post(f"{place.address}marks", json=mark, headers=headers) as answer:
                assert answer.status == 403
        for path in ("state", f"image/{season.keys[0]}/small"):
            async with session.get(place.address + path, headers={"Sec-Fetch-Site": "cross-site"}) as answer:
                assert answer.status == 403


async def test_only_small_json_of_marks_on_our_images_is_taken(season: Home, place: ServedAt) -> None:
    ours = {"Origin": place.origin}
    async with aiohttp.ClientSession() as session:

        async def answer_to(body: bytes, kind: str = "application/json") -> int:
            headers = ours | {"Content-Type": kind}
            async with session.post(f"{place.address}marks", data=body, headers=headers) as answer:
                return answer.status

        assert await answer_to(b'{"marks": []}', "text/plain") == 415
        assert await answer_to(b'{"marks": []}', "application/json; charset=utf-8") == 415
        assert await answer_to(b" " * (LARGEST_POST + 1)) == 413
        assert await answer_to(b"[" * 20_000) == 400
        for body in (b"", b"{}", b"[]", b'{"marks": 7}', b'{"marks": [{"id": "../x"}]}', b'{"marks": [7]}'):
            assert await answer_to(body) == 400
    assert not (season.folder.path / "decisions").exists()


async def test_answers_are_guarded_and_pictures_are_what_their_bytes_are(season: Home, place: ServedAt) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(place.address) as answer:
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Referrer-Policy"] == "no-referrer" and "Set-Cookie" not in answer.headers
        for size in ("small", "large", "whole"):
            async with session.get(f"{place.address}image/{season.keys[0]}/{size}") as answer:
                assert answer.status == 200 and answer.content_type == "image/jpeg"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
        for path in (
            f"image/{season.keys[-1]}/small",
            f"image/{season.keys[0]}/huge",
            "image/x/small",
        ):
            async with session.get(place.address + path) as answer:
                assert answer.status == 404


async def test_a_link_in_place_of_an_image_is_not_followed(season: Home, place: ServedAt, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jpg"
    image = next(season.folder.images.rglob("*_s11_*.jpg"))
    image.rename(outside)
    image.symlink_to(outside)
    key = next(key for key in season.keys if key.startswith(image.stem[-8:]))
    async with aiohttp.ClientSession() as session, session.get(f"{place.address}image/{key}/whole") as answer:
        assert answer.status == 500 and "not what belongs there" in await answer.text()


async def test_an_image_whose_file_is_gone_is_not_found_and_nothing_is_printed(
    season: Home, place: ServedAt, caplog: pytest.LogCaptureFixture
) -> None:
    image = next(season.folder.images.rglob("*_s11_*.jpg"))
    key = next(key for key in season.keys if key.startswith(image.stem[-8:]))
    image.unlink()
    async with aiohttp.ClientSession() as session, session.get(f"{place.address}image/{key}/whole") as answer:
        assert answer.status == 404
    assert [each for each in caplog.records if each.name.startswith("aiohttp")] == []


async def test_the_file_that_leads_to_the_page_is_its_owners_alone(
    tmp_path: Path, place: ServedAt, person: Person
) -> None:
    with doorway(tmp_path / "state", place.address) as entrance:
        assert stat.S_IMODE(entrance.stat().st_mode) == 0o600
        ben = await person()
        await ben.page.goto(entrance.as_uri())
        await ben.until_counts("4 rows")
    assert not entrance.exists()
