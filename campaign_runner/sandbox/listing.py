"""The list of custom models: which of them, in which order, how many on a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaign_runner.sandbox.catalog import Catalog, CustomModel
from campaign_runner.sandbox.refusals import list_error
from campaign_runner.sandbox.settings import Settings

PAGE_MOST = 50
SORTS = ("assetName", "createdDate", "modifiedDate")
STATES = ("all", "ready", "published", "unpublished", "queued", "training", "failed", "cancelled")


def listing(catalog: Catalog, query: Mapping[str, str], settings: Settings) -> dict[str, Any]:
    """One page of the list that `query` asks for; raises Refusal 400 for what the specification does not permit."""
    start, limit, sort, state = _asked(query)
    chosen = [model for model in catalog if state in ("all", model.state)]
    chosen.sort(key=lambda model: _place(model, sort.removeprefix("-")), reverse=sort.startswith("-"))
    page = chosen[start : start + limit]
    path = "/v3/custom-models"
    links: dict[str, Any] = {"page": {"href": path + "?start={start}&limit={limit}", "rel": "page", "templated": True}}
    if start + limit < len(chosen):
        href = f"{path}?start={start + limit}&limit={limit}&sortBy={sort}&publishedState={state}"
        links["next"] = {"href": href, "rel": "next", "templated": False}
    return {
        "custom_models": [
            model.entry(settings.dates, drift=settings.drift, twice=not settings.strict) for model in page
        ],
        "_links": links,
        "total_count": len(chosen),
    }


def unknown(query: Mapping[str, str]) -> list[str]:
    """The parameters that the specification does not describe."""
    return sorted(query.keys() - {"start", "limit", "sortBy", "publishedState"})


def _place(model: CustomModel, sort: str) -> tuple[object, str]:
    key: object = {"assetName": model.name, "createdDate": model.created, "modifiedDate": model.modified}[sort]
    return key, model.id


def _asked(query: Mapping[str, str]) -> tuple[int, int, str, str]:
    """start, limit, sortBy and publishedState."""
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
