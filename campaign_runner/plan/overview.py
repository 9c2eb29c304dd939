"""A plan in words: the overview of `plan`, and one line a variation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from campaign_runner.firefly.protocol.request_body import prompt_of
from campaign_runner.model import State
from campaign_runner.plan.channel_cuts import channel_lines
from campaign_runner.plan.cost import (
    Estimate,
    RateLimit,
    product_of_lists,
    tips,
)
from campaign_runner.plan.due import PlanStatus
from campaign_runner.text import plural, printable

_SETTLED = {
    State.STORED: "stored",
    State.ACCEPTED: "paid, ready to download",
    State.IN_DOUBT: "in doubt",
    State.FAILED: "failed",
}


def overview(
    status: PlanStatus, figures: Estimate, rate: RateLimit, notes: Iterable[tuple[str, str]] = ()
) -> Iterator[str]:
    """What would be made, bought and how long it takes. `notes` are further lines, each with its label."""
    campaign = status.plan.campaign
    yield f"{figures.campaign}   {product_of_lists(status)}"
    if figures.variations != len(status.plan):
        yield f"  selected   {plural(figures.variations, 'image')}"
    settled = {state: getattr(figures, state) for state in (*_SETTLED, State.ABANDONED)}
    there = ", ".join(f"{number:,} {_SETTLED.get(state, state)}" for state, number in settled.items() if number)
    if there:
        yield f"  there      {there}"
    yield from (f"  {label:10} {printable(text)}" for label, text in notes)
    yield f"  due        {_due(status, figures)}"
    if figures.due:
        yield f"  requests   {figures.requests:,} with {campaign.family.pack} seeds each at most{_unpacked(figures)}"
        yield f"  buys       {plural(figures.images_to_buy, 'image')}"
        done = figures.done_at[:16].replace("T", " ")
        pace = f"{rate.per_minute:,} a minute and {rate.per_day:,} a day"
        yield f"  time       {figures.time} at {pace}; done about {done}"
    if figures.budget_left is not None:
        over = "" if figures.images_to_buy <= figures.budget_left else ": not enough, `run` will refuse"
        yield f"  budget     {figures.budget_left:,} of {campaign.budget:,} left{over}"
    for number, line in enumerate(channel_lines(campaign)):
        yield f"  {'' if number else 'channels':10} {line}"
    for tip in tips(status):
        yield f"  tip        {tip}"
    yield from (f"\nwarning: {warning}" for warning in campaign.warnings)


def listing(status: PlanStatus) -> Iterator[str]:
    """One line a selected variation, in plan order: state, cell, seed, key, prompt."""
    for planned, state in status.variations():
        variation = planned.variation
        key = variation.key[:8] if status.plan.knows_keys else "-" * 8
        yield f"{state:9} {key} {variation.cell}, seed {variation.seed}: {prompt_of(planned.recipe.body)}"


def _due(status: PlanStatus, figures: Estimate) -> str:
    if not figures.due:
        return "nothing"
    again = status.again
    new = figures.due - again
    parts = [f"{new:,} new"] if new else []
    parts += [f"{again:,} requested before, due again"] if again else []
    return f"{plural(figures.due, 'image')}: {', '.join(parts)}"


def _unpacked(figures: Estimate) -> str:
    return "" if figures.requests == figures.requests_unpacked else f"; {figures.requests_unpacked:,} with one each"
