"""The custom models that a person has: named one by one, or as Adobe's list shows them.

A file is what `GET /v3/custom-models` of Adobe answered, kept as JSON, or a YAML or JSON list of names and of such
entries, of which every field but the name or the id may be left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from campaign_runner.sandbox.catalog import IMAGE4_BASE, CustomModel
from campaign_runner.sandbox.script_text import text_of

TEXTS = {"assetName": "name", "displayName": "display", "version": "version", "etag": "etag", "samplePrompt": "sample"}
"""Fields of an entry, and what they are called here."""


class ModelsError(ValueError):
    """Custom models that cannot be read; the message says what to write instead."""


def named(words: Sequence[str], concept: str = "") -> tuple[CustomModel, ...]:
    """Models of these names or ids: style models, or subject models of a concept."""
    return tuple(_named(word, number, concept) for number, word in enumerate(words))


def _named(word: str, number: int, concept: str) -> CustomModel:
    return CustomModel.own(word, id=word if word.startswith("urn:") else "", number=number, concept=concept)


def read_models(path: Path) -> tuple[CustomModel, ...]:
    """The models in a file. Raises ModelsError for what is not a list of them, OSError for what cannot be read."""
    try:
        text = text_of(path)
        found = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ModelsError(f"{path}: not readable as YAML or JSON") from error
    if isinstance(found, dict):
        found = found.get("custom_models")
    if not isinstance(found, list) or not found:
        raise ModelsError(
            f"{path}: a list of names is expected, or what Adobe's list of custom models answered, such as: "
            "[Warm Custom Model, {displayName: Almond Candle, conceptId: almndcndl}]"
        )
    return tuple(_of(entry, number) for number, entry in enumerate(found))


def _of(entry: object, number: int) -> CustomModel:
    if isinstance(entry, str) and entry:
        return _named(entry, number, "")
    if not isinstance(entry, dict):
        raise ModelsError(f"custom model {number + 1}: a name is expected, or an entry with displayName or assetId")
    texts = {ours: str(entry[theirs]) for theirs, ours in TEXTS.items() if entry.get(theirs) not in (None, "")}
    id = str(entry.get("assetId") or entry.get("repo:assetId") or "")
    name = texts.get("display") or texts.get("name") or id
    if not name:
        raise ModelsError(f"custom model {number + 1}: displayName or assetId is missing")
    return CustomModel.own(name, id=id, number=number, **texts | dict(_more(entry, number)))


def _more(entry: Mapping[str, Any], number: int) -> Iterator[tuple[str, Any]]:
    """What an entry says besides its texts."""
    yield "concept", str(entry.get("conceptId") or "")
    if entry.get("publishedState", "published") != "published":
        yield "state", "unpublished"
    for theirs, ours in (("createdDate", "created"), ("modifiedDate", "modified")):
        if theirs in entry:
            yield ours, _date(entry[theirs], f"custom model {number + 1}: {theirs}")
    base = entry.get("baseModel")
    if isinstance(base, dict) and base.get("name"):
        yield "base", (str(base["name"]), str(base.get("version", IMAGE4_BASE[1])))


def _date(value: object, where: str) -> datetime:
    """Milliseconds, or a date as text; YAML reads the latter by itself."""
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=value)
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except (ValueError, OverflowError) as error:
        raise ModelsError(f"{where}: milliseconds since 1970 or a date are expected") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
