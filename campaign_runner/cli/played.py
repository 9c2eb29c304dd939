"""The custom models that the sandbox of a command plays: those that its campaigns name, or its manifest.

Only Adobe knows a person's models, and a rehearsal needs one of the name all the same. What a folder of earlier
rehearsals recorded is played as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.cli import console
from campaign_runner.errors import CampaignError, UsageError
from campaign_runner.firefly.protocol.interfaces import asked_by
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import CustomModel
from campaign_runner.output_folder.folder import Folder

if TYPE_CHECKING:
    from campaign_runner.sandbox.catalog import Catalog


def of_campaigns(campaigns: Iterable[tuple[Campaign, Folder]], subject: str) -> list[CustomModel]:
    """The models that campaigns name; with `subject` they are subject models of that concept.

    Raises UsageError where there is a subject, and no custom model.
    """
    found: dict[str, CustomModel] = {}
    for campaign, folder in campaigns:
        if name := campaign.custom_model:
            known = _recorded(folder) or CustomModel("", name, "1", "", "")
            found[name] = CustomModel(
                known.id, known.name, known.version, known.etag, subject or known.concept, asset_name=known.asset_name
            )
    if subject and not found:
        raise UsageError("--subject is the concept of a custom model; no campaign here names one")
    return list(found.values())


def of_images(images: Iterable[Entry]) -> list[CustomModel]:
    """The models that images were made with, as they were then."""
    found: dict[str, CustomModel] = {}
    for image in images:
        if id := asked_by(image.recipe).custom_model:
            found[id] = CustomModel(id, id, image.model_version or "1", image.model_etag or "", "")
    return list(found.values())


def catalog(models: Sequence[CustomModel]) -> Catalog:
    """The account of the sandbox with these models; those that it has not of itself are told."""
    from campaign_runner.sandbox.catalog import CATALOG
    from campaign_runner.sandbox.catalog import CustomModel as Played

    own: list[Played] = []
    for number, model in enumerate(models):
        id = model.id or (model.name if model.name.startswith("urn:") else "")
        if CATALOG.has(id or model.name, model.etag) and not model.concept:
            continue
        more = {"name": model.asset_name} if model.asset_name else {}
        more |= {"version": model.version, "etag": model.etag, "concept": model.concept}
        own.append(Played.own(model.name, id=id, number=number, **more))
        kind = f"a subject model of '{model.concept}'" if model.concept else "a style model"
        console.say(f"model   the sandbox plays '{model.name}' as {kind}; of yours it knows no more than the name")
    return CATALOG.plus(own)


def _recorded(folder: Folder) -> CustomModel | None:
    """What the custom model of a campaign was at its last rehearsal into the folder."""
    try:
        with Ledger.if_begun(folder.path) as ledger:
            return ledger.custom_model if ledger is not None else None
    except CampaignError:  # the run itself says what is wrong with the folder, and goes on with the other campaigns
        return None
