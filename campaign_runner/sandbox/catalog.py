"""The custom models of an account: those of Adobe's tutorial and 73 more, or a person's own.

The first is the *Warm Custom Model* that Adobe's tutorial "Custom Models Generate Image API" lists, with the id and
the dates printed there. The others have fixed names, ids and dates, so that a campaign that names one finds the same
one every time, and are more than a list of 50 shows. Fields follow `CustomModelFF3pInfo` of Adobe's Firefly API
specification.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from campaign_runner.sandbox.settings import Dates

IMAGE3_BASE = ("clio_v2", "2.0.0")
IMAGE4_BASE = ("clio_v4", "4.0.0")

BRANDS = ("Harbor", "Northlight", "Juniper", "Copperfield", "Saltmarsh", "Meadow", "Atelier", "Solstice", "Linden")
LOOKS = ("Product Still Life", "Kitchen Stories", "Packaging", "Line Art", "Night Market", "Spring", "Winter", "Icons")
EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
OWN = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
"""When a person's own models were trained, if they do not say: after all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomModel:
    """One entry. `state` is the word publishedState filters by; `concept` is empty for a style model."""

    id: str
    """The `assetId`, which a request sends as `customModelId`."""
    name: str
    display: str
    created: datetime
    """When training began."""
    modified: datetime
    base: tuple[str, str] | None = IMAGE3_BASE
    """Name and version of what it was trained on; None: whatever model a request asks for."""
    concept: str = ""
    state: str = "published"
    version: str = "1"
    etag: str = ""
    """As the list shows it, inner quotes included; empty: made from the id."""
    size: int = 16_513_991_265
    sample: str = ""

    @classmethod
    def own(cls, called: str, /, *, id: str = "", number: int = 0, **more: Any) -> CustomModel:
        """A model that a person calls so; its id is made from that if it has none."""
        dates = {"created": OWN + timedelta(hours=number), "modified": OWN + timedelta(hours=number)}
        return cls(**({"id": id or asset_id(called), "name": called, "display": called, "base": None} | dates | more))

    def entry(self, dates: Dates, *, drift: bool = False, twice: bool = False) -> dict[str, Any]:
        """The model as the list shows it; with `drift` as it is after it was trained again, with `twice` the id by
        the name that the tutorial's Python reads, too.
        """
        trained = f"{self.id} trained anew" if drift else self.id
        made = f'"{hashlib.sha256(trained.encode()).hexdigest()[:32]}"'
        published = self.state if self.state in ("published", "unpublished") else "never"
        base = self.base or IMAGE3_BASE
        return {
            "version": "2" if drift else self.version,
            "assetName": self.name,
            "size": self.size,
            "etag": made if drift else self.etag or made,
            "trainingMode": "subject" if self.concept else "style",
            "assetId": self.id,
            **({"repo:assetId": self.id} if twice else {}),
            "mediaType": "application/vnd.adobe.ffmodel+dcx",
            "createdDate": _spelled(self.created, dates),
            "modifiedDate": _spelled(self.modified, dates),
            "publishedState": published,
            "baseModel": {"name": base[0], "version": base[1]},
            "samplePrompt": self.sample or f"a {self.concept or 'still life'} on a table in soft light",
            "displayName": self.display,
            "conceptId": self.concept,
        }


class Catalog:
    """The models of one account, in the order of their adding; of two with one id the later one counts."""

    def __init__(self, models: Iterable[CustomModel], *, takes_any: bool = False, concept: str = "") -> None:
        self._models = {model.id: model for model in models}
        self._takes_any = takes_any
        self._concept = concept

    def __iter__(self) -> Iterator[CustomModel]:
        return iter(self._models.values())

    def find(self, id: str) -> CustomModel | None:
        """The model of that id; where any will do, one that no one listed."""
        found = self._models.get(id)
        if found is None and self._takes_any and id:
            return CustomModel.own(id, id=id, concept=self._concept)
        return found

    def lists(self, id: str) -> bool:
        """Whether the model is one of the list."""
        return id in self._models

    def has(self, called: str, etag: str = "") -> bool:
        """Whether a published model has that name or id, and, if there is one to compare, that etag."""
        models = (model for model in self if called in (model.id, model.name, model.display))
        etags = {model.entry("milliseconds")["etag"] for model in models if model.state == "published"}
        return etag in etags if etag else bool(etags)

    def plus(self, own: Sequence[CustomModel], *, takes_any: bool = False, concept: str = "") -> Catalog:
        """This account with some models more; others of their names make room."""
        names = {name for model in own for name in (model.name, model.display)}
        others = (model for model in self if not names & {model.name, model.display})
        return Catalog((*others, *own), takes_any=takes_any, concept=concept)


def asset_id(what: str) -> str:
    """An id of Adobe's kind, the same for the same words."""
    digest = hashlib.sha256(what.encode()).digest()
    return f"urn:aaid:sc:VA6C2:{uuid.UUID(bytes=digest[:16], version=4)}"


def _spelled(date: datetime, dates: Dates) -> int | str:
    milliseconds = date.microsecond // 1000
    if dates == "iso":
        return date.strftime(f"%Y-%m-%dT%H:%M:%S.{milliseconds:03}Z")
    return int(date.timestamp()) * 1000 + milliseconds


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)


TUTORIAL = CustomModel(
    id="urn:aaid:sc:VA6C2:bc1f46cd-be98-4a7b-9ffe-1111111111",
    name="Warm Custom Model.ffcustommodel",
    display="Warm Custom Model",
    created=_at(1_733_928_288_871),
    modified=_at(1_733_928_294_741),
    etag='"e7ee78220f4d46ceb766758e0e300a51"',
    sample="A bean generated in a warm setting with brown colours",
)
"""As Adobe's tutorial prints it; the last part of its id is shorter than a uuid's, there too."""


def _numbered(number: int, name: str, display: str, **more: Any) -> CustomModel:
    created = EPOCH + timedelta(hours=31 * number)
    modified = created + timedelta(hours=17 * (number * 29 % 78))  # another order, so that sorting shows
    more |= {"size": 16_513_991_265 + number, "created": created, "modified": modified}
    return CustomModel(id=asset_id(f"custom model {number}"), name=name, display=display, **more)


def _models() -> Sequence[CustomModel]:
    first = [
        TUTORIAL,
        _numbered(1, "almond-candle-subject", "Almond Candle", concept="almndcndl"),
        _numbered(2, "cool-custom-model", "Cool Custom Model", base=IMAGE4_BASE),
        _numbered(3, "holiday-lifestyle-2025", "Holiday Lifestyle"),
        _numbered(4, "holiday-lifestyle-2026", "Holiday Lifestyle"),
    ]
    others = [(f"{brand} {look}", brand, look) for look in LOOKS for brand in BRANDS][: 74 - len(first)]
    for number, (display, brand, look) in enumerate(others, start=len(first)):
        name = f"{brand}-{look}".lower().replace(" ", "-")
        first.append(_numbered(number, name, display, base=IMAGE4_BASE if number % 3 == 0 else IMAGE3_BASE))
    for number, state in enumerate(("unpublished", "ready", "training", "failed"), start=len(first)):
        first.append(_numbered(number, f"trial-{state}", f"Trial {state.title()}", state=state))
    return first


MODELS = tuple(_models())
CATALOG = Catalog(MODELS)
"""The account of a sandbox that is not told otherwise."""
