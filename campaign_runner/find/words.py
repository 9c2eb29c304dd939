"""Images by words: `tea-cup golden wide` are those in whose names, prompt and campaign all three begin a word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set

from campaign_runner.families import FAMILIES
from campaign_runner.find.search import Match
from campaign_runner.firefly.protocol.request_body import prompt_of
from campaign_runner.journal.ledger import Entry
from campaign_runner.model import State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.text import did_you_mean, nearest, plain

_WORD = re.compile(r"[^\W\d_]{3,}")


def by_words(words: Sequence[str], folders: Sequence[Folder]) -> list[Match]:
    """The images that were ever requested and have every word, whatever its case, in a name or in their prompt.

    A word is found where one begins: `tin` is in `tea-tin`, not in `painting`.
    """
    wanted = [_beginning(word) for word in words]
    hits: list[Match] = []
    for folder in folders:
        with folder.ledger() as ledger:
            campaign = [plain(folder.path.name), plain(ledger.meta("campaign") or "")]
            entries = (entry for entry in ledger.in_states(*State) if _has_all(wanted, campaign, entry))
            hits += [Match(folder, entry) for entry in entries]
    return hits


def _beginning(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_]){re.escape(plain(word))}")


def _has_all(words: Sequence[re.Pattern[str]], campaign: Sequence[str], entry: Entry) -> bool:
    texts = [*campaign, *map(plain, _names(entry)), plain(prompt_of(entry.recipe.body))]
    return all(any(map(word.search, texts)) for word in words)


def guess(words: Sequence[str], folders: Sequence[Folder]) -> str:
    """`; did you mean 'tea-cup'?` for the first word that is nowhere, or nothing if nothing known is near.

    Known are the names, and the words in them and in the prompts; a name is nearer than words.
    """
    names, prompts = set[str](), set[str]()
    for folder in folders:
        names.add(folder.path.name)
        with folder.ledger() as ledger:
            for entry in ledger.in_states(*State):
                names.update(_names(entry))
                prompts.add(prompt_of(entry.recipe.body))
    texts = list(map(plain, names | prompts))
    known = {part for text in texts for part in _WORD.findall(text)}
    for word in words:
        if not _is_in(word, texts) and (near := did_you_mean(word, names) or _mended(word, known, texts)):
            return near
    return ""


def _mended(word: str, known: Set[str], texts: Sequence[str]) -> str:
    """The same with each part of a word as it is known, if that is in a text."""
    mended = "-".join(nearest(part, known) or part for part in plain(word).split("-"))
    return f"; did you mean '{mended}'?" if _is_in(mended, texts) else ""


def _is_in(word: str, texts: Sequence[str]) -> bool:
    return any(map(_beginning(word).search, texts))


def _names(entry: Entry) -> Iterator[str]:
    """The names of an image's cell; its size in pixels and by the name it has in a campaign file."""
    yield from filter(None, entry.cell.axes.values())
    family = FAMILIES.get(entry.recipe.version)
    if family is not None:
        yield from (name for name, size in family.names.items() if size == entry.cell.size)
