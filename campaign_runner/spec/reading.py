"""A campaign file to a Campaign, or everything that is wrong with it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from campaign_runner.errors import SpecError
from campaign_runner.families import FAMILIES
from campaign_runner.spec.guard import read_tree
from campaign_runner.spec.problems import Problem
from campaign_runner.spec.schema import Campaign
from campaign_runner.spec.shape import Shaper
from campaign_runner.spec.source import Scalar, Source
from campaign_runner.spec.values import Reading


def load(path: Path) -> Campaign:
    """The campaign of a file. Raises SpecError with every Problem, in file order."""
    content = path.read_bytes()
    text = content.decode("utf-8-sig")
    tree, findings = read_tree(text)
    source = Source(path, text, sha256(content).hexdigest(), tree or Scalar("", 0, 0, is_plain=True))
    problems = [source.problem(found.at, found.message, found.advice) for found in findings]
    shaper = Shaper(source)
    data = shaper.campaign()
    problems += shaper.problems
    model = data.get("model")
    family = FAMILIES.get(model.text) if isinstance(model, Scalar) else None
    try:
        campaign = Campaign.model_validate(data, context=Reading(family))
    except ValidationError as error:
        for found in error.errors(include_url=False):
            problems.append(source.at(found["loc"], found["msg"]))
        raise SpecError(sorted(problems, key=lambda p: (p.line, p.column))) from None
    if problems:
        raise SpecError(problems)
    return campaign.written_in(source)


__all__ = ["Problem", "load"]
