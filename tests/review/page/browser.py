"""A real browser for the review page: Debian's chromium, which can reach nothing but this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE_MILLISECONDS = 180_000
"""How long a condition is waited for: nothing may depend on how busy the machine is."""
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


def refuse_without_chromium() -> None:
    """Fail with a sentence where there is no browser."""
    assert CHROMIUM.exists(), f"the tests of the review page need {CHROMIUM}: apt-get install chromium"


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """The browser of one worker."""
    refuse_without_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


class Reader:
    """One person with a browser profile of their own; what goes wrong in a page is kept in `errors`."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.errors: list[str] = []
        self.asked: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    @classmethod
    async def of(cls, browser: Browser, **settings: Any) -> Reader:
        """Somebody new. `settings` are the profile's, such as `color_scheme`."""
        context = await browser.new_context(accept_downloads=True, **settings)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        return cls(context, await context.new_page())

    async def open(self, page: Path | str, fragment: str = "") -> None:
        """Open a page and wait until it shows rows, or says that there are none."""
        address = page if isinstance(page, str) else page.as_uri()
        await self.page.goto("about:blank")
        await self.page.goto(address + fragment)
        await expect(self.page.locator("#counts")).not_to_be_empty(timeout=PATIENCE_MILLISECONDS)
        await self.page.locator(".tile, .empty:not([hidden])").first.wait_for()

    async def press(self, *keys: str) -> None:
        """One key after the other."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def into_grid(self) -> None:
        """Go to the first picture by Tab alone."""
        for _ in range(60):
            await self.page.keyboard.press("Tab")
            if await self.page.evaluate("document.activeElement.classList.contains('picture')"):
                return
        raise AssertionError("no picture can be reached by Tab")

    async def say_name(self, name: str) -> None:
        """Answer who is reviewing."""
        await self.page.wait_for_selector("#who-dialog[open]")
        await self.page.keyboard.type(name)
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_selector("#who-dialog:not([open])", state="attached")

    async def counts(self) -> str:
        """What the head says of all rows."""
        return await self.page.inner_text("#counts")

    async def until_counts(self, words: str) -> None:
        """Wait until the head says so."""
        await expect(self.page.locator("#counts")).to_contain_text(words, timeout=PATIENCE_MILLISECONDS)

    async def until_kept(self) -> None:
        """Wait until every mark is in a file."""
        await expect(self.page.locator("#unsaved")).to_be_empty(timeout=PATIENCE_MILLISECONDS)

    async def here(self) -> str:
        """The first digits of the key that the large view shows."""
        return (await self.page.inner_text("#facts")).split()[-1]

    async def save(self, folder: Path) -> Path:
        """Save the marks with Ctrl-S into `folder`."""
        async with self.page.expect_download() as waiting:
            await self.press("Control+s")
        download = await waiting.value
        path = folder / download.suggested_filename
        await download.save_as(path)
        return path
