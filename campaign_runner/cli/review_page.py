"""The page of `campaign-runner review`: written into the output folder, or served while someone looks and chooses."""

from __future__ import annotations

import asyncio
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import click

from campaign_runner.cli.environment import Environment
from campaign_runner.cli.signals import ended_by_signal
from campaign_runner.cli.target import Target
from campaign_runner.errors import CampaignError, StoreError
from campaign_runner.plan.plan import Plan
from campaign_runner.review.marks import Reviewer
from campaign_runner.review.page.doorway import doorway
from campaign_runner.review.page.page_data import PageSources
from campaign_runner.review.page.page_file import write_single_file, write_with_thumbnails
from campaign_runner.review.page.served_data import ServedReview
from campaign_runner.review.page.server import serving_review
from campaign_runner.tasks import in_thread
from campaign_runner.text import printable


def written_page(target: Target) -> Path:
    """Write `review.html` of a campaign; the answer is where it is. Raises StoreError, IntegrityError, UsageError."""
    with target.folder.ledger() as ledger:
        sources = PageSources(target.folder, _plan(target), ledger)
        return asyncio.run(write_with_thumbnails(sources, _warn))


def write_mail(target: Target, file: Path) -> None:
    """Write the page as one file to mail. Raises UsageError for a large one, StoreError, IntegrityError."""
    with target.folder.ledger() as ledger:
        asyncio.run(write_single_file(PageSources(target.folder, _plan(target), ledger), file.absolute(), _warn))


def _warn(text: str) -> None:
    click.echo(printable(text), err=True)


def serve(target: Target, reviewer: Reviewer, *, opens: bool, share: Callable[[], None] | None = None) -> None:
    """Serve the page to one reviewer until Ctrl-C; `opens` it in the browser. Raises StoreError, UsageError.

    Where others `share` the record, that is called beside the page after marks; it may fail, and is called again.
    """
    review = ServedReview(target.folder, _plan(target), reviewer)
    review.data()  # what cannot be read is told before anything is served
    asyncio.run(_serve(review, Environment.of_process().state_folder, share, opens=opens))


def _plan(target: Target) -> Plan:
    with target.folder.ledger() as ledger:
        return Plan(target.recalled(ledger).campaign, ledger.custom_model)


async def _serve(review: ServedReview, state: Path, share: Callable[[], None] | None, *, opens: bool) -> None:
    try:
        async with (
            _calling_beside(share or (lambda: None), _not_shared) as marked,
            serving_review(review, marked) as served,
        ):
            click.echo(f"reviewing as {review.reviewer.name} at {served.origin}; Ctrl-C ends it")
            with doorway(state, served.address) as entrance:
                await _stay_open(entrance, opens=opens)
    except OSError as error:
        raise StoreError(f"the page cannot be served on this machine ({error.strerror}); use --page") from error


def _not_shared(error: CampaignError) -> None:
    _warn(f"marks are kept here, and not on the other machines yet: {error}")


async def _stay_open(entrance: Path, *, opens: bool) -> None:
    """Lead the person in, and wait for Ctrl-C."""
    ended = ended_by_signal()
    is_open = opens and await in_thread(webbrowser.open, entrance.as_uri())
    if not is_open:
        click.echo(f"open this file in your browser: {entrance}")
    await ended.wait()


@asynccontextmanager
async def _calling_beside(
    work: Callable[[], None], failed: Callable[[CampaignError], None]
) -> AsyncIterator[Callable[[], None]]:
    """Yields what asks for `work`, which blocks, to be done beside the loop: once for all that is asked meanwhile.

    `failed` is told why it was not done. The block ends once the last one is.
    """
    asked, is_over = asyncio.Event(), False

    async def go_on() -> None:
        while await asked.wait() and not is_over:
            asked.clear()
            try:
                await in_thread(work)
            except CampaignError as error:
                failed(error)

    working = asyncio.create_task(go_on())
    try:
        yield asked.set
    finally:
        is_over = True
        asked.set()
        await working
