"""Vars may use vars: no circle, no tower, no flood of text.

They are settled in rounds, in each those whose vars are all settled, so nothing is expanded to find out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from campaign_runner.campaign_file.check.partial import PartialCampaign
from campaign_runner.campaign_file.check.text_check import filled_texts, wordings
from campaign_runner.campaign_file.schema.templates import Text, parse, slots
from campaign_runner.problem import Problem

_DEEPEST = 16  # vars within vars
_LONGEST = 10_000  # characters that a var may add up to; a prompt has 1,024


def var_problems(draft: PartialCampaign) -> Iterator[Problem]:
    """Vars that use themselves, are nested too deep, or add up to more than any prompt takes."""
    texts = draft.campaign.vars
    uses = {name: _used(text, texts) for name, text in texts.items()}
    lengths: dict[str, int] = {}
    for _ in range(_DEEPEST):
        ready = [name for name in uses if name not in lengths and all(used in lengths for used in uses[name])]
        lengths |= {name: max(_length(text, lengths) for text in texts[name].values()) for name in ready}
    for written in wordings(filled_texts(draft.campaign)):
        if _length(written.text, lengths) > _LONGEST:
            message = f"with its vars this adds up to more than {_LONGEST:,} characters"
            yield draft.source.at(written.loc, message, "shorten it, or the vars it uses")
            return
    if left := [name for name in uses if name not in lengths]:
        circle = _circle(left[0], uses, lengths)
        message = " uses ".join(circle) + ": a circle" if circle else f"vars use one another more than {_DEEPEST} deep"
        advice = "a var may use other vars, but not itself, even through others" if circle else "write some of them out"
        yield draft.source.at(("vars", circle[0] if circle else left[0]), message, advice)


def _used(text: Text, texts: Mapping[str, Text]) -> list[str]:
    return [slot.name for wording in text.values() for slot in slots(wording) if slot.name in texts]


def _length(text: str, known: Mapping[str, int]) -> int:
    return sum(len(part) if isinstance(part, str) else known.get(part.name, 1) for part in parse(text))


def _circle(start: str, uses: Mapping[str, list[str]], settled: Mapping[str, int]) -> list[str]:
    """`[a, b, a]` where the vars below `start` lead in a circle, empty where they are only deep."""
    way = {start: 0}
    name = start
    while unsettled := [used for used in uses[name] if used not in settled]:
        name = unsettled[0]
        if name in way:
            return [*list(way)[way[name] :], name]
        way[name] = len(way)
    return []
