"""A page of somebody else, open in the same browser, can neither read the served review nor mark in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from campaign_runner.campaign_file.loader import load
from campaign_runner.plan.plan import Plan
from campaign_runner.review.marks import Reviewer
from campaign_runner.review.page.served_data import ServedReview
from campaign_runner.review.page.server import serving_review
from tests.review.page.conftest import Person
from tests.review.page.folders import Home, make_home

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.proof]
TRIES = """async ({address, key}) => {
  const tried = async (way) => { try { return await way(); } catch (refusal) { return "refused"; } };
  const body = JSON.stringify({ marks: [] });
  const image = (source) => new Promise((done) => {
    const picture = new Image();
    picture.onload = () => done("read");
    picture.onerror = () => done("refused");
    picture.src = source;
  });
  return [
    await tried(async () => (await fetch(address)).text()),
    await tried(async () => (await fetch(address + "state")).text()),
    await tried(async () => (await fetch(address + "marks", { method: "POST", body,
      headers: { "Content-Type": "application/json" } })).text()),
    await tried(async () => (await fetch(address + "marks", { method: "POST", body, mode: "no-cors" })).status === 200
      ? "marked" : "refused"),
    await image(`${address}image/${key}/small`),
  ];
}"""


@pytest.fixture
def season(tmp_path: Path) -> Home:
    return make_home(tmp_path)


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere() -> AsyncIterator[str]:
    """The origin of another page on this machine."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>a stranger</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_a_stranger_who_even_knows_the_address_reads_and_marks_nothing(
    season: Home, elsewhere: str, person: Person
) -> None:
    eve = await person()
    async with serving_review(ServedReview(season.folder, Plan(load(season.file)), Reviewer("ben", "Ben"))) as served:
        await eve.page.goto(elsewhere)
        found = await eve.page.evaluate(TRIES, {"address": served.address, "key": season.keys[0]})
    assert found == ["refused"] * 5
    assert not (season.folder.path / "decisions").exists()
