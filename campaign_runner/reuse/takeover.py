"""What was left to other campaigns, looked for again once our own work is done.

As long as a living run has it accepted or unanswered it may still be stored. The wait ends after fifteen minutes, also
if that run has not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from campaign_runner.output_folder.folder import Folder
from campaign_runner.reuse.offers import Offer, left_to
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.run.stop import Level
from campaign_runner.tasks import in_thread
from campaign_runner.text import plural

LONGEST_WAIT = 900.0
"""Seconds: as long as a job is followed."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
"""Seconds between two looks; each is half as long again as the one before."""


async def wait_for_stored(
    look: Callable[[], Awaitable[Sequence[Offer]]], ours: Folder, control: Control, limits: Limits, *, began: float
) -> int:
    """Take over what is stored, wait for what may be, and tell what is left; the answer is how many that are.

    `look` takes what is stored and says what others may still store; it may raise. `ours` says where others are kept,
    and so whether one of them is at work, on whatever machine. A stop ends it, and the caller's time, which is counted
    from `began` of the loop's clock.
    """
    now = asyncio.get_running_loop().time()
    until = now + min(LONGEST_WAIT, limits.seconds_left(control.clock.now(), now - began))
    pause = FIRST_PAUSE
    waiting = await look()
    while await _any_at_work(waiting, ours) and asyncio.get_running_loop().time() < until:
        if not await control.stop.sleep(Level.NO_SUBMITS, pause):
            break
        pause = min(1.5 * pause, LONGEST_PAUSE)
        waiting = await look()
    waiting = await look() if waiting else ()  # a run may have stored it and ended just now
    for each in waiting:
        control.skip(left_to(each))
    control.ending.doubts_beside = sum(len(each.positions) - len(each.coming) for each in waiting)
    return sum(len(each.positions) for each in waiting)


def not_made(images: int) -> str:
    """What to say of images that no one has or makes in the end."""
    was, them = ("was", "it") if images == 1 else ("were", "them")
    return f"{plural(images, 'image')} {was} left to another campaign, which did not generate {them}: run again"


async def _any_at_work(waiting: Sequence[Offer], ours: Folder) -> bool:
    """Whether a run goes on that may still store some of it."""
    for each in waiting:
        if len(each.coming) > 0 and await in_thread(ours.at(each.folder).is_held):
            return True
    return False
