"""A campaign file to a Campaign, or everything that is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from os.path import normpath
from pathlib import Path

from campaign_runner.campaign_file import sheets
from campaign_runner.campaign_file.check.counts import MOST_CELLS, count_problems, product_of_lists
from campaign_runner.campaign_file.check.delivery import delivery_problems, delivery_warnings
from campaign_runner.campaign_file.check.partial import PartialCampaign, drafted
from campaign_runner.campaign_file.check.rules import rule_problems, rule_warnings
from campaign_runner.campaign_file.check.strengths import strength_problems
from campaign_runner.campaign_file.check.template_check import TemplateCheck
from campaign_runner.campaign_file.check.text_check import TextCheck
from campaign_runner.campaign_file.check.vars import var_problems
from campaign_runner.campaign_file.schema.ids import Derive, derived
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.sheets.naming import WithProducts, sheet_of
from campaign_runner.campaign_file.syntax.opening import open_source
from campaign_runner.errors import CampaignFileError
from campaign_runner.problem import Problem
from campaign_runner.text import joined, plural

_MOST_ALIKE = 3  # mistakes of one kind in a column of a sheet
_MOST_ROWS_NAMED = 12
_VALUE = re.compile(r"'[^']*'|\d+")
_MOST_TOLD = 500  # a person stops reading long before; a file made to keep us busy does not


def load(path: Path, content: bytes | None = None, *, heeds_budget: bool = True) -> Campaign:
    """The campaign of a file. Raises CampaignFileError with every Problem, in file order (of one kind at most 500).

    With `content` the file is read as if it held that: what is about to be written there. Without `heeds_budget` it may
    make more images than its budget: what they cost is asked for.
    """
    source, problems = open_source(path, content)
    sheet = WithProducts(source) if sheet_of(source) is None else sheets.with_products(source)
    draft, more = drafted(sheet.source)
    problems += [*sheet.problems, *more]
    if draft is None:
        raise CampaignFileError(_in_file_order(problems))
    words = TextCheck(draft)
    problems += islice(_across(draft, words), _MOST_TOLD)
    problems += count_problems(draft, is_sound=not problems, heeds_budget=heeds_budget)
    if problems:
        raise CampaignFileError(_in_file_order(problems))
    undeliverable = _in_file_order(islice(_undeliverable(draft, words), _MOST_TOLD))
    of_delivery = [*islice(delivery_warnings(draft), _MOST_TOLD), *undeliverable]
    found = (rule_warnings(draft), words.warnings())
    warnings = chain(sheet.warnings, *(islice(each, _MOST_TOLD) for each in found), of_delivery)
    return draft.campaign.warned(_in_file_order(warnings), undeliverable, of_delivery)


def recall(
    path: Path,
    content: bytes,
    pictures: Mapping[str, str],
    sha256: str | None = None,
    derive: Derive = derived,
    *,
    rows: str | None = None,
) -> Campaign | None:
    """A campaign that ran before, as its file was then: it had no problem, so none is looked for.

    `pictures` are the digests of its reference images by their path from the file: they need not exist now.
    `sha256` is the digest of the file, if another than that of `content`; `derive` makes the ids of names; `rows` are
    those of its sheet, which need not exist now either. None where it cannot be understood any more.
    """
    try:
        source, _ = open_source(path, content)
        source = source if rows is None else sheets.with_rows(source, rows)
    except (CampaignFileError, ValueError):
        return None
    draft, _ = drafted(replace(source, sha256=sha256 or source.sha256), derive)
    if draft is None or draft.broken:
        return None
    folder = path.parent.absolute()
    return draft.campaign.remembering({Path(normpath(folder / name)): pictures[name] for name in pictures})


def nameless(path: Path, name: str) -> Campaign:
    """A campaign of which nothing but its name is known: it plans no image."""
    draft, _ = drafted(open_source(path, f"campaign: {json.dumps(name)}".encode())[0])
    if draft is None:
        raise ValueError(name)
    return draft.campaign.remembering({})


def _across(draft: PartialCampaign, words: TextCheck) -> Iterator[Problem]:
    """What the rules across fields find; what multiplies is looked at only where it stays countable."""
    yield from rule_problems(draft)
    yield from words.problems()
    circles = list(var_problems(draft))
    yield from circles
    if product_of_lists(draft.campaign) > MOST_CELLS or "exclude" in draft.broken:
        return
    yield from strength_problems(draft)
    if not circles:
        yield from TemplateCheck(draft, words.known).problems()


def _undeliverable(draft: PartialCampaign, words: TextCheck) -> Iterator[Problem]:
    """What stops a delivery of a campaign that may be run."""
    yield from draft.undeliverable
    told = list(delivery_problems(draft, words))
    yield from told
    if not told:
        yield from TemplateCheck(draft, words.known).delivery_problems()


def _in_file_order(problems: Iterable[Problem]) -> list[Problem]:
    """Each Problem once, by line and column; then those of the sheet, many alike in few."""
    of_file: list[Problem] = []
    of_sheet: list[Problem] = []
    for problem in sorted(dict.fromkeys(problems), key=lambda each: (each.line, each.column)):
        (of_file if problem.cell is None else of_sheet).append(problem)
    return [*of_file, *_alike_in_one(of_sheet)]


def _alike_in_one(problems: Sequence[Problem]) -> Iterator[Problem]:
    """The first few of what is wrong alike in a column, and the rows of the rest."""
    alike: dict[tuple[int, str], list[Problem]] = {}
    for problem in problems:
        found = alike.setdefault((problem.column, _VALUE.sub("", problem.message)), [])
        found += [problem] if not found or found[-1].line != problem.line else []
    told = frozenset(chain.from_iterable(alike.values()))
    ends = {found[_MOST_ALIKE - 1]: found[_MOST_ALIKE:] for found in alike.values() if len(found) > _MOST_ALIKE}
    told -= frozenset(chain.from_iterable(ends.values()))
    for problem in problems:
        if problem in ends:
            rows = joined([f"{each.line:,}" for each in ends[problem]], most=_MOST_ROWS_NAMED)
            more = f"the same in {plural(len(ends[problem]), 'more row')}: {rows}"
            yield replace(problem, advice=f"{problem.advice}\n{more}")
        elif problem in told:
            yield problem
