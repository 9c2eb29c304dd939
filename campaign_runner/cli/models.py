"""`campaign-runner models`"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence

import click

from campaign_runner.campaign_file.syntax.parser import quoted
from campaign_runner.cli import options
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.help import ending
from campaign_runner.families import CUSTOM_BASES, FAMILIES
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.firefly.protocol.untrusted import sanitize
from campaign_runner.firefly.settings import Settings
from campaign_runner.model import CustomModel
from campaign_runner.text import plural


@click.command(epilog=ending("models", 7, 8))
@options.as_json
def command(as_json: bool) -> None:
    """List your custom models, each with the two lines to paste.

    Adobe lists a model only once it is shared with the project's technical account or with your organisation.
    """
    models = asyncio.run(_listed(Environment.of_process().settings()))
    if as_json:
        click.echo(json.dumps([_figures(model, models) for model in models], ensure_ascii=False))
        return
    for line in table(models):
        click.echo(line)


async def _listed(settings: Settings) -> Sequence[CustomModel]:
    async with FireflyClient(settings) as firefly:
        return sorted(await firefly.list_models(), key=lambda model: (model.name.casefold(), model.id))


def table(models: Sequence[CustomModel]) -> Iterator[str]:
    """The models in columns, and below each the two lines that a campaign file needs."""
    if not models:
        yield "no custom model is shared with this account: share one with the project's technical account in Firefly"
        return
    rows = [("name", "base model", "kind", "state", "id"), *map(_row, models)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row, model in zip(rows, [None, *models], strict=True):
        yield "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        yield from (f"    {line}" for line in lines_to_paste(model, models)) if model else ()
    yield f"{plural(len(models), 'custom model')}"


def _row(model: CustomModel) -> tuple[str, ...]:
    kind = f"subject: {model.concept}" if model.concept else "style"
    return tuple(sanitize(cell) or "-" for cell in (model.name, model.base, kind, model.state, model.id))


def lines_to_paste(model: CustomModel, models: Sequence[CustomModel]) -> list[str]:
    """`model` and `custom_model` for a campaign file; by id where the name is not the model's alone."""
    family = CUSTOM_BASES.get(model.base)
    others = [each.id for each in FAMILIES.values() if each.is_custom and each.id != (family or "image4_custom")]
    unsure = "" if family else f"   # or {', '.join(others)}: Adobe does not say what {sanitize(model.base) or 'it'} is"
    is_plain = model.name == sanitize(model.name) != ""
    is_alone = [each.name for each in models].count(model.name) == 1
    named = model.name if is_plain and is_alone else model.id
    return [f"model: {family or 'image4_custom'}{unsure}", f"custom_model: {quoted(sanitize(named))}"]


def _figures(model: CustomModel, models: Sequence[CustomModel]) -> dict[str, object]:
    return {
        "id": model.id,
        "name": model.name,
        "asset_name": model.asset_name,
        "base_model": model.base,
        "kind": "subject" if model.concept else "style",
        "concept": model.concept or None,
        "state": model.state,
        "version": model.version,
        "etag": model.etag,
        "model": CUSTOM_BASES.get(model.base),
        "paste": lines_to_paste(model, models),
    }
