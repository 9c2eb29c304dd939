"""The custom models of this account: 74 published ones and a few in other states.

Fixed names, ids and dates, so that a campaign that names one finds the same one
every time. Enough of them that a list of 50 is not the whole list. Fields follow
`CustomModelFF3pInfo` of Adobe's Firefly API specification.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from campaign_runner.sandbox.refusals import list_error
from campaign_runner.sandbox.settings import Dates

PAGE_MOST = 50
SORTS = ("assetName", "createdDate", "modifiedDate")
STATES = ("all", "ready", "published", "unpublished", "queued", "training", "failed", "cancelled")
IMAGE3_BASE = ("clio_v2", "2.0.0")
IMAGE4_BASE = ("clio_v4", "4.0.0")

BRANDS = ("Harbor", "Northlight", "Juniper", "Copperfield", "Saltmarsh", "Meadow", "Atelier", "Solstice", "Linden")
LOOKS = ("Product Still Life", "Kitchen Stories", "Packaging", "Line Art", "Night Market", "Spring", "Winter", "Icons")
EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CustomModel:
    """One entry. `state` is the word publishedState filters by; `concept` is empty for a style model."""

    name: str
    display: str
    number: int
    base: tuple[str, str] = IMAGE3_BASE
    concept: str = ""
    state: str = "published"

    @property
    def id(self) -> str:
        """The `assetId`, which a request sends as `customModelId`."""
        digest = hashlib.sha256(f"custom model {self.number}".encode()).digest()
        return f"urn:aaid:sc:VA6C2:{uuid.UUID(bytes=digest[:16], version=4)}"

    @property
    def created(self) -> datetime:
        """When training began."""
        return EPOCH + timedelta(hours=31 * self.number)

    @property
    def modified(self) -> datetime:
        """Another order than `created`, so that sorting shows."""
        return self.created + timedelta(hours=17 * (self.number * 29 % 78))

    def entry(self, dates: Dates, *, drift: bool = False) -> dict[str, Any]:
        """The model as the list shows it; with `drift` as it is after it was trained anew."""
        trained = f"{self.id} trained anew" if drift else self.id
        published = self.state if self.state in ("published", "unpublished") else "never"
        return {
            "version": "2" if drift else "1",
            "assetName": self.name,
            "size": 16_513_991_265 + self.number,
            "etag": f'"{hashlib.sha256(trained.encode()).hexdigest()[:32]}"',
            "trainingMode": "subject" if self.concept else "style",
            "assetId": self.id,
            "mediaType": "application/vnd.adobe.ffmodel+dcx",
            "createdDate": _spelled(self.created, dates),
            "modifiedDate": _spelled(self.modified, dates),
            "publishedState": published,
            "baseModel": {"name": self.base[0], "version": self.base[1]},
            "samplePrompt": f"a {self.concept or 'still life'} on a table in soft light",
            "displayName": self.display,
            "conceptId": self.concept,
        }


def _spelled(date: datetime, dates: Dates) -> int | str:
    return int(date.timestamp() * 1000) if dates == "milliseconds" else date.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _models() -> Sequence[CustomModel]:
    first = [
        CustomModel("warm-custom-model", "Warm Custom Model", 0),
        CustomModel("almond-candle-subject", "Almond Candle", 1, concept="almndcndl"),
        CustomModel("cool-custom-model", "Cool Custom Model", 2, IMAGE4_BASE),
        CustomModel("holiday-lifestyle-2025", "Holiday Lifestyle", 3),
        CustomModel("holiday-lifestyle-2026", "Holiday Lifestyle", 4),
    ]
    others = [(f"{brand} {look}", brand, look) for look in LOOKS for brand in BRANDS][: 74 - len(first)]
    for number, (display, brand, look) in enumerate(others, start=len(first)):
        name = f"{brand}-{look}".lower().replace(" ", "-")
        first.append(CustomModel(name, display, number, IMAGE4_BASE if number % 3 == 0 else IMAGE3_BASE))
    for number, state in enumerate(("unpublished", "ready", "training", "failed"), start=len(first)):
        first.append(CustomModel(f"trial-{state}", f"Trial {state.title()}", number, state=state))
    return first


MODELS = tuple(_models())
BY_ID: Mapping[str, CustomModel] = {model.id: model for model in MODELS}


def listing(query: Mapping[str, str], dates: Dates, *, drift: bool = False) -> dict[str, Any]:
    """One page of the list that `query` asks for; raises Refusal 400 for what the specification does not permit."""
    start, limit, sort, state = _asked(query)
    chosen = [model for model in MODELS if state in ("all", model.state)]
    chosen.sort(key=lambda model: _place(model, sort.removeprefix("-")), reverse=sort.startswith("-"))
    page = chosen[start : start + limit]
    path = "/v3/custom-models"
    links: dict[str, Any] = {"page": {"href": path + "{?start,limit,sortBy}", "rel": "page", "templated": True}}
    if start + limit < len(chosen):
        href = f"{path}?start={start + limit}&limit={limit}&sortBy={sort}&publishedState={state}"
        links["next"] = {"href": href, "rel": "next", "templated": False}
    return {
        "custom_models": [model.entry(dates, drift=drift) for model in page],
        "_links": links,
        "total_count": len(chosen),
    }


def _place(model: CustomModel, sort: str) -> tuple[object, str]:
    key: object = {"assetName": model.name, "createdDate": model.created, "modifiedDate": model.modified}[sort]
    return key, model.id


def _asked(query: Mapping[str, str]) -> tuple[int, int, str, str]:
    """start, limit, sortBy and publishedState."""
    if unknown := query.keys() - {"start", "limit", "sortBy", "publishedState"}:
        raise list_error(400, "Bad Request", f"unknown query parameter {min(unknown)}")
    if "limit" in query and "start" not in query:
        raise list_error(400, "Bad Request", "start is required if limit is given")
    limit = _number(query, "limit", PAGE_MOST)
    if not 1 <= limit <= PAGE_MOST:
        raise list_error(400, "Bad Request", f"limit must be 1 to {PAGE_MOST}")
    sort, state = query.get("sortBy", "modifiedDate"), query.get("publishedState", "published")
    if sort.removeprefix("-") not in SORTS:
        raise list_error(400, "Bad Request", f"sortBy must be one of {', '.join(SORTS)}")
    if state not in STATES:
        raise list_error(400, "Bad Request", f"publishedState must be one of {', '.join(STATES)}")
    return _number(query, "start", 0), limit, sort, state


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise list_error(400, "Bad Request", f"{name} must be a whole number")
    return int(text)
