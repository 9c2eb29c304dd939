"""What is decided before the first request: which custom model is meant, and whether the budget allows it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from campaign_runner import retry
from campaign_runner.errors import AccountRefused, IntegrityError, ProviderError, SpecError
from campaign_runner.families import PROMPT_CHARACTERS
from campaign_runner.model import CustomModel
from campaign_runner.plan.cost import Estimate
from campaign_runner.spec.cells import Cells
from campaign_runner.spec.compose import Composer
from campaign_runner.spec.problems import counted
from campaign_runner.spec.schema import Campaign

T = TypeVar("T")
LONGEST_WAIT = 600.0
"""Seconds: a service that wants more is asked again by a later run."""


async def patiently(
    ask: Callable[[], Awaitable[T]], *, random: Callable[[], float], tell: Callable[[ProviderError], None]
) -> T:
    """The answer to a free question (a token, the custom models), asked as often as that is any use.

    `tell` hears of every error that is waited for.

    Raises ProviderError: at once where the service said no, or wants to be asked again only after ten minutes.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            return await ask()
        except ProviderError as error:
            wait = retry.look_up_again(error, attempt, random())
            if wait is None or wait > LONGEST_WAIT:
                raise
            tell(error)
            await asyncio.sleep(wait)


def settle_model(
    name: str, found: Sequence[CustomModel], recorded: CustomModel | None, *, accept_drift: bool
) -> CustomModel:
    """The one custom model a campaign means.

    Raises AccountRefused where no model has the name, IntegrityError where several have, or where it means
    another one, or one trained anew, since the first run (unless `accept_drift`).
    """
    if recorded is not None and not found and not accept_drift:
        raise IntegrityError(
            f"the custom model '{name}' was {recorded.id} when this campaign first ran; now this account has none of "
            "that name. Nothing was sent. Was it renamed, or no longer shared?"
        )
    if not found:
        raise AccountRefused(
            f"no custom model of this account is called '{name}'. A model is listed only after it was shared with the "
            "project's technical account or with the organisation; `campaign-runner models` lists yours",
            code="no_such_model",
        )
    if len(found) > 1:
        ids = ", ".join(model.id for model in found)
        raise IntegrityError(
            f"{len(found)} custom models are called '{name}': {ids}. Nothing was sent. "
            "Put the id of the one you mean into custom_model"
        )
    (model,) = found
    if recorded is not None and not accept_drift:
        _refuse_drift(name, recorded, model)
    return model


def _refuse_drift(name: str, recorded: CustomModel, model: CustomModel) -> None:
    if model.id != recorded.id:
        change = f"it was {recorded.id}, now it is {model.id}"
    elif (model.version, model.etag) != (recorded.version, recorded.etag):
        change = (
            f"it was version {recorded.version} ({recorded.etag}), now it is version {model.version} ({model.etag})"
        )
    else:
        return
    raise IntegrityError(
        f"the custom model '{name}' changed since the first run: {change}. New images would not match the old ones; "
        "nothing was sent. `--accept-drift` records the change and goes on"
    )


def refuse_too_long(campaign: Campaign, concept: str) -> None:
    """The custom model's concept is known now: no prompt that names it may have grown too long. Raises SpecError."""
    composer = Composer(campaign, concept)
    cells = Cells(campaign)
    for number in cells.numbers() if concept else ():
        cell = cells.cell(number)
        characters = len(composer.compose(cell).prompt)
        if characters > PROMPT_CHARACTERS:
            message = f"with the custom model's concept '{concept}', {cell} has {characters:,} characters"
            advice = f"Firefly takes {PROMPT_CHARACTERS:,}: shorten the prompt"
            raise SpecError([campaign.problem(("prompts", cell.prompt), message, advice)])


def refuse_over_budget(campaign: Campaign, figures: Estimate) -> None:
    """A plan above what is left of the budget is refused before anything is sent. Raises SpecError."""
    if figures.budget_left is None or figures.images_to_buy <= figures.budget_left:
        return
    spent = (campaign.budget or 0) - figures.budget_left
    raise SpecError(
        [
            campaign.problem(
                ("budget",),
                f"this run would buy {counted(figures.images_to_buy, 'image')}, the budget has room for "
                f"{max(figures.budget_left, 0):,}: {spent:,} of {campaign.budget:,} are bought or in doubt",
                f"raise the budget to {spent + figures.images_to_buy}, or make fewer with --only or --max-images",
            )
        ]
    )
