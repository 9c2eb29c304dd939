"""One browser a worker, a new profile for each person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser

from tests.review.page.browser import Reader, open_browser

Person = Callable[..., Awaitable[Reader]]
"""`anna = await person(color_scheme="dark")`"""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser of this worker."""
    async with open_browser() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def person(browser: Browser) -> AsyncIterator[Person]:
    """Somebody with a profile of their own; that no page of theirs went wrong is asserted at the end."""
    people: list[Reader] = []

    async def one(**settings: Any) -> Reader:
        people.append(await Reader.of(browser, **settings))
        return people[-1]

    yield one
    for each in people:
        await each.context.close()
        assert each.errors == []
