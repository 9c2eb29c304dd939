"""The seven questions of `init`, one after the other; `back` returns to the one before."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import click

from campaign_runner.authoring.new import MOST_EACH, USUAL_MODEL, Answers
from campaign_runner.campaign_file.schema.ids import derived
from campaign_runner.campaign_file.sheets.suggestion import sheets_in
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.models import newest_first
from campaign_runner.errors import CampaignError
from campaign_runner.families import CUSTOM_BASES, FAMILIES
from campaign_runner.model import CustomModel
from campaign_runner.text import did_you_mean, followed, joined, nearest, printable

_BACK = "back"
_OFFERED = 9
"""Custom models that are listed with a number; the others go by name."""
_NO_CUSTOM_MODEL = ("-", "–", "", "no", "none")
_ADOBES_OWN = {
    **{family.id.replace("_", ""): family.id for family in FAMILIES.values() if not family.is_custom},
    "image4": USUAL_MODEL,
}
"""The models that need no training, by what people type."""


@dataclass(frozen=True, slots=True)
class InitQuestion:
    """`known` is what Enter takes; `read` makes the answers with what was typed, or raises click.UsageError."""

    text: str
    known: str
    read: Callable[[str], Answers]


def asked(answers: Answers) -> Answers:
    """The seven answers of a person; Enter takes what is in brackets. Raises click.Abort where they leave."""
    click.echo("Seven questions. Enter takes what is in [brackets], `back` returns to the question before.", err=True)
    account = _Account()
    questions: Sequence[Callable[[Answers], InitQuestion]] = (
        _name, _products, partial(_model, account), _prompt, _look, _sizes, _number,
    )  # fmt: skip
    at = 0
    while at < len(questions):
        new = _ask(questions[at](answers))
        answers, at = (new, at + 1) if new is not None else (answers, max(at - 1, 0))
    return answers


def _ask(question: InitQuestion) -> Answers | None:
    """The answers with one more, asked again, with the reason, until it makes a campaign that runs; None for `back`."""

    def checked(typed: str) -> Answers | None:
        if typed.strip().lower() == _BACK:
            return None
        changed = question.read(typed)
        if flaw := changed.flaw():
            raise click.UsageError(flaw)
        return changed

    found: Answers | None = click.prompt(question.text, default=question.known, value_proc=checked, err=True)
    return found


def _name(answers: Answers) -> InitQuestion:
    text = "1. What is the campaign called?"
    return InitQuestion(text, answers.name, lambda typed: replace(answers, name=derived(typed) or typed))


def _products(answers: Answers) -> InitQuestion:
    """Names, or a sheet: one that is beside the campaign is what Enter takes."""
    text = "2. Which products? (separate with commas"
    if sheets := sheets_in(answers.folder):
        text += f", or name a sheet: {joined(sheets)}"
        offered = replace(answers, products=(sheets[0],))
        answers = offered if answers.products == Answers().products and offered.flaw() is None else answers
    known = ", ".join(answers.products)
    return InitQuestion(f"{text})", known, lambda typed: replace(answers, products=_several(typed)))


class _Account:
    """The custom models of the account, listed once; none where no credentials are known, or no one answers."""

    def __init__(self) -> None:
        self._models: Sequence[CustomModel] | None = None
        self.doubted = ""
        """The name that was asked about: typed again, it is meant."""

    @property
    def models(self) -> Sequence[CustomModel]:
        if self._models is None:
            self._models = self._listed()
        return self._models

    def _listed(self) -> Sequence[CustomModel]:
        environment = Environment.of_process()
        if not environment.knows_credentials:
            return ()
        try:
            return [model for model in asyncio.run(newest_first(environment.settings())) if model.name]
        except CampaignError as error:
            click.echo(printable(f"your custom models cannot be listed now: {error}"), err=True)
            return ()


def _model(account: _Account, answers: Answers) -> InitQuestion:
    models = account.models
    for number, model in enumerate(models[:_OFFERED], start=1):
        click.echo(
            printable(f"   {number}  {model.name}{f' (subject: {model.concept})' if model.concept else ''}"), err=True
        )
    if len(models) > _OFFERED:
        click.echo(f"   and {len(models) - _OFFERED:,} more: type a name", err=True)
    which = "Its number or name" if models else "Its name"
    text = f"3. Which custom model? ({which}, or - for Adobe's own Image 4)"
    known = answers.custom_model or answers.family or "-"
    return InitQuestion(text, known, lambda typed: _of_model(answers, _one(typed), account))


def _of_model(answers: Answers, typed: str, account: _Account) -> Answers:
    """The answers with a model: one of the account, one of Adobe's own, or the name of one that cannot be looked up."""
    if typed.casefold() in _NO_CUSTOM_MODEL:
        return answers.of_model("")
    models, family = account.models, _ADOBES_OWN.get(_squeezed(typed))
    found = [model for model in models if typed.casefold() in (model.name.casefold(), model.id.casefold())]
    if re.fullmatch("[1-9]", typed) and int(typed) <= len(models):
        found = [models[int(typed) - 1]]
    if not found and family is not None:
        return answers.of_model("", family)
    if not found and (doubt := _doubt(typed, account)) and account.doubted != typed:
        account.doubted = typed
        raise click.UsageError(followed(doubt, "To use it all the same, type it again", "."))
    if not found:
        if not models:
            click.echo(printable(f"   '{typed}' cannot be looked up now; a run does that before it buys"), err=True)
        return answers.of_model(typed)
    model = found[0]
    is_alone = [each.name for each in models].count(model.name) == 1
    return answers.of_model(model.name if is_alone else model.id, CUSTOM_BASES.get(model.base, ""), model.concept)


def _doubt(typed: str, account: _Account) -> str:
    """Why a name is probably not that of a custom model; empty where nothing speaks against it."""
    if typed.casefold() in FAMILIES:
        return f"'{typed}' is a kind of custom model: type the name of yours"
    if near := nearest(_squeezed(typed), _ADOBES_OWN):
        return f"no custom model '{typed}' is known; did you mean Adobe's own '{_ADOBES_OWN[near]}'?"
    names = [model.name for model in account.models]
    if names:
        near = did_you_mean(typed, names) or _with_word(typed, names)
        return f"no custom model '{typed}' is shared with your account{near}"
    return f"'{typed}' is a number, not the name of a model" if typed.isdigit() else ""


def _with_word(typed: str, names: Sequence[str]) -> str:
    found = [f"'{name}'" for name in names if typed.casefold() in name.casefold()]
    return f"; did you mean {joined(found)}?" if found else ""


def _squeezed(typed: str) -> str:
    """`Firefly Image 4 Ultra` as `image4ultra`."""
    return re.sub(r"[^a-z0-9]|firefly|adobe", "", typed.casefold())


def _prompt(answers: Answers) -> InitQuestion:
    concept = ", {concept} the model's subject" if answers.concept else ""
    text = f"4. What do the pictures show? ({{product.name}} is the product{concept})"
    return InitQuestion(text, answers.prompt, lambda typed: replace(answers, prompt=_one(typed)))


def _look(answers: Answers) -> InitQuestion:
    text = "5. Which looks? (Adobe's styles, such as product_photo, watercolor, studio_light; - for none)"

    def read(typed: str) -> Answers:
        looks = () if typed.strip() == "-" else tuple(_as_style(each) for each in _several(typed))
        return replace(answers, presets=looks)

    return InitQuestion(text, ", ".join(answers.presets) or "-", read)


def _sizes(answers: Answers) -> InitQuestion:
    text = "6. Which sizes? (square, landscape, portrait, wide, 16:9…)"
    return InitQuestion(text, ", ".join(answers.sizes), lambda typed: replace(answers, sizes=_several(typed)))


def _number(answers: Answers) -> InitQuestion:
    def read(typed: str) -> Answers:
        if not re.fullmatch("[0-9]{1,3}", typed.strip()) or not 1 <= int(typed) <= MOST_EACH:
            raise click.UsageError(f"write a whole number from 1 to {MOST_EACH}")
        return replace(answers, each=int(typed))

    return InitQuestion("7. How many pictures of each? (four share one request)", str(answers.each), read)


def _one(typed: str) -> str:
    return " ".join(typed.split())


def _several(typed: str) -> tuple[str, ...]:
    return tuple(part for part in map(_one, typed.split(",")) if part)


def _as_style(typed: str) -> str:
    return typed.lower().replace(" ", "_").replace("-", "_")
