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
from campaign_runner.errors import UsageError
from campaign_runner.families import CUSTOM_BASES, FAMILIES
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.firefly.protocol.untrusted import sanitize
from campaign_runner.firefly.settings import Settings
from campaign_runner.model import CustomModel
from campaign_runner.text import did_you_mean, plural


@click.command(epilog=ending("models warm", 7, 8))
@click.argument("word", required=False)
@options.as_json
def command(word: str | None, as_json: bool) -> None:
    """List your custom models, newest first, each with the two lines to paste.

    With WORD only those that have it in their name, concept, base model or id. Adobe lists a model only once it is
    shared with the project's technical account or with your organisation.
    """
    models = asyncio.run(newest_first(Environment.of_process().settings()))
    shown = [model for model in models if _has(model, word)] if word else models
    if as_json:
        click.echo(json.dumps([_figures(model, models) for model in shown], ensure_ascii=False))
        return
    if models and not shown:
        known = [text for model in models for text in (model.name, *model.name.split())]
        raise UsageError(
            f"none of {plural(len(models), 'custom model')} has '{word}' in it{did_you_mean(word or '', known)}"
        )
    for line in table(shown, models):
        click.echo(line)


async def newest_first(settings: Settings) -> Sequence[CustomModel]:
    """The custom models of an account: they are listed as they were made. Raises ProviderError."""
    async with FireflyClient(settings) as firefly:
        return tuple(reversed(await firefly.list_models()))


def _has(model: CustomModel, word: str) -> bool:
    texts = (model.name, model.asset_name, model.concept, model.base, model.id)
    return any(word.casefold() in text.casefold() for text in texts)


def table(models: Sequence[CustomModel], all_models: Sequence[CustomModel] | None = None) -> Iterator[str]:
    """The models in columns, and below each the two lines that a campaign file needs.

    `all_models` are those of the account, among which a name has to be the only one.
    """
    account = models if all_models is None else all_models
    if not models:
        yield "no custom model is shared with this account: share one with the project's technical account in Firefly"
        return
    rows = [("name", "base model", "kind", "state", "id"), *map(_row, models)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row, model in zip(rows, [None, *models], strict=True):
        yield "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        yield from (f"    {line}" for line in lines_to_paste(model, account)) if model else ()
    of_all = "" if len(models) == len(account) else f" of {len(account):,}"
    yield f"{plural(len(models), 'custom model')}{of_all}"


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
