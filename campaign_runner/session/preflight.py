"""What is decided before the first request: which custom model is meant, whether its concept is asked for, whether
what is due was bought before, whether the budget allows it, and whether the disk takes its names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeVar

from campaign_runner import retry
from campaign_runner.campaign_file.schema.cells import Cells
from campaign_runner.campaign_file.schema.compose import Composer
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.schema.spellings import spelt
from campaign_runner.campaign_file.schema.templates import clean
from campaign_runner.campaign_file.syntax.source import Loc
from campaign_runner.disk import image_names
from campaign_runner.errors import (
    AccountRefused,
    CampaignFileError,
    IntegrityError,
    NameTooLong,
    ProviderError,
)
from campaign_runner.model import Cell, CustomModel, Variation
from campaign_runner.plan.cost import Estimate
from campaign_runner.plan.due import PlanStatus
from campaign_runner.ports import Store
from campaign_runner.problem import Problem
from campaign_runner.run.control import Control
from campaign_runner.tasks import Sleep
from campaign_runner.text import plural

T = TypeVar("T")
LONGEST_WAIT = 600.0
"""Seconds: a service that wants more is asked again by a later run."""


async def patiently(ask: Callable[[], Awaitable[T]], control: Control, *, sleep: Sleep = asyncio.sleep) -> T:
    """The answer to a free question (a token, the custom models), asked as often as that is any use.

    `control` hears of every error that is waited for. Raises ProviderError: at once where the service said no, or
    wants to be asked again only after ten minutes.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            return await ask()
        except ProviderError as error:
            wait = retry.look_up_again(error, attempt, control.clock.random())
            if wait is None or wait > LONGEST_WAIT:
                raise
            control.tell(error)
            await sleep(wait)


def settle_model(
    name: str, found: Sequence[CustomModel], recorded: CustomModel | None, *, accept_drift: bool
) -> CustomModel:
    """The one custom model a campaign means.

    Raises AccountRefused where no model has the name, IntegrityError where several have, or where it means
    another one, or one trained again, since the first run (unless `accept_drift`).
    """
    if recorded is not None and not found and not accept_drift:
        raise IntegrityError(
            f"the custom model '{name}' was {recorded.id} when this campaign first ran; now this account has no "
            "model of that name. Nothing was sent. Was it renamed, or no longer shared?"
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
        "nothing was sent. To accept the new model, add --accept drift"
    )


def refuse_unfit_prompts(campaign: Campaign, concept: str) -> None:
    """The custom model's concept is known now: every prompt names it, and is not too long with it.

    Style models have none. Raises CampaignFileError with a Problem for each text.
    """
    composer, cells = Composer(campaign, concept), Cells(campaign)
    most = campaign.family.prompt_characters
    told: dict[Loc, Problem] = {}
    for number in cells.numbers() if concept else ():
        cell = cells.cell(number)
        place, prompt = composer.place(cell), composer.prompt(cell)
        if place not in told and (flaw := _prompt_flaw(prompt, concept, cell, most)) is not None:
            told[place] = campaign.problem(place, *flaw)
    if told:
        raise CampaignFileError(sorted(told.values(), key=lambda problem: (problem.line, problem.column)))


def _prompt_flaw(prompt: str, concept: str, cell: Cell, most: int) -> tuple[str, str] | None:
    """What the service would refuse a prompt for, and what to write instead; None if nothing."""
    if clean(concept) not in prompt:
        message = f"this prompt lacks '{concept}', the concept of the custom model: Adobe would reject it"
        return message, "write {concept} where the model's subject belongs"
    if len(prompt) > most:
        message = f"with the custom model's concept '{concept}', {cell} has {len(prompt):,} characters"
        return message, f"Firefly accepts at most {most:,}: shorten the prompt"
    return None


async def refuse_files_of_before(status: PlanStatus, store: Store) -> None:
    """A due image whose file is there under the id that earlier versions made was bought before, by a record that is
    gone. Raises IntegrityError. Files under today's names are looked for when their images are about to be asked for.
    """
    respelt = status.plan.campaign.source.respelt
    for planned in status.to_make() if any(respelt.values()) else ():
        variation = planned.variation
        earlier = spelt(variation.cell, respelt)
        if earlier != variation.cell and (name := await store.holds(replace(variation, cell=earlier).stem)) is not None:
            raise image_names.bought_before(name)


def refuse_over_budget(campaign: Campaign, figures: Estimate) -> None:
    """A plan above what is left of the budget is refused before anything is sent. Raises CampaignFileError."""
    if figures.budget_left is None or figures.images_to_buy <= figures.budget_left:
        return
    spent = (campaign.budget or 0) - figures.budget_left
    raise CampaignFileError(
        [
            campaign.problem(
                ("budget",),
                f"this run would buy {plural(figures.images_to_buy, 'image')}, but the budget has room for "
                f"{max(figures.budget_left, 0):,}: {spent:,} of {campaign.budget:,} were bought, in doubt or failed "
                "after Adobe accepted them",
                f"raise the budget to {spent + figures.images_to_buy}, or make fewer with --only or --max-images",
            )
        ]
    )


async def refuse_long_names(status: PlanStatus, store: Store) -> None:
    """The store must take the longest name due. Raises NameTooLong, StoreError, IntegrityError."""
    try:
        await store.check_names([_longest_at_most(status.plan.campaign)])
    except NameTooLong:  # perhaps no image has all the longest ids together
        await store.check_names(status.names_to_make())


def _longest_at_most(campaign: Campaign) -> str:
    """A name as long as any of the campaign's images can have, found from its lists alone."""
    product, prompt, preset = (max(axis, key=len) for axis in (campaign.products, campaign.prompts, campaign.presets))
    market = max(campaign.markets, key=len, default=None)
    size = max(chain(campaign.sizes, (entry.size for entry in campaign.include)), key=lambda size: len(str(size)))
    seed = max(chain.from_iterable((campaign.seeds, *(entry.seeds or () for entry in campaign.include))))
    return Variation("~" * 64, seed, Cell(product, prompt, preset, market, size), "").name("image/webp")
