"""What a plan costs: images, requests, time at the allowance; and tips worth money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaign_runner.model import State
from campaign_runner.plan.due import PlanStatus, Purchase
from campaign_runner.text import duration, plural

USUAL_JOB_SECONDS = 20.0
"""How long a job takes where none has been seen yet: third-party logs show 6 to 60 seconds."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The allowance a run may use: requests in any minute, and in any 24 hours."""

    per_minute: int
    per_day: int

    def lowered(self, per_minute: int | None, per_day: int | None) -> RateLimit:
        """This rate, or less where a campaign asks for less."""
        return RateLimit(
            min(self.per_minute, per_minute or self.per_minute), min(self.per_day, per_day or self.per_day)
        )

    def seconds(self, requests: int) -> int:
        """How long after the first of `requests` the last one may be sent, if nothing was sent before."""
        if requests < 1:
            return 0
        return max((requests - 1) // self.per_minute * 60, (requests - 1) // self.per_day * 86400)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The figures of `plan --json`. `budget_left` is None where the campaign sets no budget."""

    campaign: str
    variations: int
    stored: int
    accepted: int
    in_doubt: int
    failed: int
    abandoned: int
    due: int
    requests: int
    requests_unpacked: int
    images_to_buy: int
    seconds_at_quota: int
    done_at: str
    budget_left: int | None
    reused: int = 0  # would be due, but exist in another campaign, or are left to it

    @property
    def time(self) -> str:
        """What people are told of how long it takes."""
        return duration(minutes(self.requests, self.seconds_at_quota))

    @property
    def purchase(self) -> str:
        """What is bought: `8 images (2 requests, 3 min)`."""
        return f"{plural(self.images_to_buy, 'image')} ({plural(self.requests, 'request')}, {self.time})"


def estimate(
    status: PlanStatus, rate: RateLimit, *, bought: int, now: datetime, most: Purchase | None = None
) -> Estimate:
    """What is left to do. `bought` counts the images submitted and not refused so far; `now` is aware local time.

    `most` is what a run buys that stops before everything due is bought.
    """
    campaign = status.plan.campaign
    counts = status.counts()
    due, (images, requests) = counts.pop(State.PENDING), most or Purchase(status.due, status.requests)
    seconds = rate.seconds(requests)
    return Estimate(
        campaign=campaign.campaign,
        variations=sum(counts.values()) + due + status.reused,
        due=due,
        requests=requests,
        requests_unpacked=due,
        images_to_buy=images,
        seconds_at_quota=seconds,
        done_at=(now + timedelta(minutes=minutes(requests, seconds))).isoformat(timespec="seconds"),
        budget_left=None if campaign.budget is None else campaign.budget - bought,
        reused=status.reused,
        **counts,
    )


def minutes(requests: int, seconds_at_quota: int) -> int:
    """What people are told: the time at the allowance and one job's usual duration, rounded up to minutes."""
    return 0 if requests == 0 else -int(-(seconds_at_quota + USUAL_JOB_SECONDS) // 60)


def tips(status: PlanStatus) -> Iterator[str]:
    """What would make more of the same money or time."""
    pack, seeds = status.plan.campaign.family.pack, len(status.plan.campaign.seeds)
    requests = status.requests
    room = requests * pack
    if seeds < pack and status.due == len(status.plan) and room > status.due:
        used = {1: "a quarter", 2: "half", 3: "three quarters"}[seeds]
        word = "seed uses" if seeds == 1 else "seeds use"
        yield f"{seeds} {word} {used} of each request; {pack} would make {room} images in the same {requests} requests"


def product_of_lists(status: PlanStatus) -> str:
    """`32 images = 2 products x 1 prompt x 2 presets x 2 sizes x 4 seeds`, and why where that is not all."""
    campaign = status.plan.campaign
    axes = [("product", len(campaign.products)), ("prompt", len(campaign.prompts)), ("preset", len(campaign.presets))]
    axes += [("market", len(campaign.markets))] if campaign.markets else []
    axes += [("size", len(campaign.sizes)), ("seed", len(campaign.seeds))]
    lists, whole = " x ".join(plural(number, axis) for axis, number in axes), 1
    for _, number in axes:
        whole *= number
    images, cells = len(status.plan), status.plan.cells
    text = f"{plural(images, 'image')} = {lists}"
    if cells != whole:
        text += f", with limits, exclude and include: {plural(cells, 'cell')} of {whole:,}"
    if cells != images:
        text += f"; {plural(cells - images, 'cell')} equal to another, bought once"
    return text
