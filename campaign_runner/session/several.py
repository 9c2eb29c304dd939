"""Several campaigns in one run: at the same time, each with its own lock, journal and report.

They are prepared one after the other, so that questions come in the order of the files, and
nothing is sent for any of them before all are ready. What one is refused for does not keep the others, but
where a file has problems nothing is bought for any.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from campaign_runner.errors import CampaignError, CampaignFileError, UsageError
from campaign_runner.model import Bought
from campaign_runner.report.standing import NOTHING, Standing
from campaign_runner.run.ending import BUG, OK, worst
from campaign_runner.session.request import RunRequest, ServiceAccess, UserInterface
from campaign_runner.session.session import run_campaign
from campaign_runner.tasks import TaskSet
from campaign_runner.text import joined


@dataclass(slots=True, eq=False)
class CampaignRun:
    """One campaign of a command, and how it ended: its report, its exit status, or what it was refused for.

    `standing` is its state then, None where it was refused before. `ready` is set once it could send, or has ended
    without; `is_told` once its report is complete, or there is none.
    """

    order: RunRequest
    ui: UserInterface
    report: list[str]
    code: int = OK
    refusal: CampaignError | None = None
    standing: Standing | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    is_told: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def bought(self) -> Bought:
        """What it bought, as far as it was counted."""
        return self.standing.bought if self.standing is not None else NOTHING

    @property
    def night(self) -> Bought:
        """What all runs of its night bought."""
        return (self.standing.night if self.standing is not None else None) or self.bought


async def run_campaigns(
    parts: Sequence[CampaignRun],
    access: ServiceAccess,
    *,
    heed: Callable[..., AbstractContextManager[None]],
    refused: Callable[[CampaignError], None],
    told: Callable[[], None] = lambda: None,
    run: Callable[[RunRequest, ServiceAccess, UserInterface], Awaitable[int]] = run_campaign,
) -> int:
    """Make them all; the answer is the worst exit status.

    `heed` is entered with every Control and turns signals into stops; `refused` is told why one is
    refused. `run` makes one campaign. `told` is called once every report is complete, before what is only for looking
    at is made. Raises what was a bug in one, after all have ended.
    """
    bugs: list[BaseException] = []
    go, seen = asyncio.Event(), asyncio.Event()
    async with TaskSet(bugs.append) as tasks:
        with heed(*(part.ui.control for part in parts)):
            for part in parts:
                tasks.start(_made(part, run, access, go, seen))
                await part.ready.wait()
                _tell_refusals([part], refused)
            prepared = [part for part in parts if part.refusal is None]
            _hold_back(parts)
            go.set()
            for part in parts:
                await part.is_told.wait()
            _tell_refusals(prepared, refused)
            ended = [part for part in prepared if part.refusal is None]
            told()
            seen.set()
            await tasks.join()
    _tell_refusals(ended, refused)
    if bugs:
        raise bugs[0]
    return worst([part.code for part in parts])


def together(parts: Sequence[CampaignRun]) -> Bought:
    """What all of them bought."""
    return _sum([part.bought for part in parts])


def tonight(parts: Sequence[CampaignRun]) -> Bought:
    """What all runs of their night bought, together."""
    return _sum([part.night for part in parts])


def _sum(bought: Sequence[Bought]) -> Bought:
    return Bought(sum(each.images for each in bought), sum(each.requests for each in bought))


def held_back(files: Sequence[str]) -> UsageError:
    """Why nothing is bought for a campaign that has no problem itself: other files of the command have."""
    have = "has" if len(files) == 1 else "have"
    return UsageError(f"{joined(files)} {have} problems: nothing was bought for any file of this command")


def _hold_back(parts: Sequence[CampaignRun]) -> None:
    """Where the file of one has problems that only the run could find, the others fetch what is paid for, too."""
    wrong = [part for part in parts if _has_problems(part)]
    for part in parts:
        if wrong and part not in wrong and part.order.forbidden is None:
            part.ui.control.failed(held_back([each.order.campaign.path.name for each in wrong]))


def _has_problems(part: CampaignRun) -> bool:
    return any(isinstance(error, CampaignFileError) for error in (part.refusal, *part.ui.control.ending.errors))


def _tell_refusals(parts: Sequence[CampaignRun], refused: Callable[[CampaignError], None]) -> None:
    for part in parts:
        if part.refusal is not None:
            refused(part.refusal)


async def _made(
    part: CampaignRun,
    run: Callable[[RunRequest, ServiceAccess, UserInterface], Awaitable[int]],
    access: ServiceAccess,
    go: asyncio.Event,
    seen: asyncio.Event,
) -> None:
    """One campaign, from its lock to its report; it is ready once it could send, or has ended without.

    It sends once all others are ready (`go`), and makes pictures to look at once every report is out (`seen`).
    """

    async def wait_for_others() -> None:
        part.ready.set()
        await go.wait()

    def ended(standing: Standing) -> None:
        part.standing = standing

    async def told(code: int) -> None:
        part.code = code
        part.ready.set()  # it may have ended before it could send
        part.is_told.set()
        await seen.wait()

    try:
        ui = replace(part.ui, wait_for_others=wait_for_others, ended=ended, told=told)
        part.code = await run(part.order, access, ui)
    except CampaignError as error:
        part.code, part.refusal = error.exit_code, error
    except Exception:
        part.code = BUG
        raise
    finally:
        part.ready.set()
        part.is_told.set()
