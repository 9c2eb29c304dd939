"""The ids of products, prompts, presets and markets: what may stand in every file system and every URL."""

from __future__ import annotations

import re

from campaign_runner.spec.problems import counted

LONGEST_ID = 40
LONGEST_CAMPAIGN = 60
_ID = re.compile(r"[a-z0-9][a-z0-9-]*")
_OTHERS = re.compile(r"[^a-z0-9]+")
_DEVICES = frozenset(("con", "prn", "aux", "nul", *(f"{device}{n}" for device in ("com", "lpt") for n in range(10))))


def id_flaw(id: str, longest: int = LONGEST_ID) -> tuple[str, str] | None:
    """What is wrong with an id and what to write instead; None if nothing is."""
    if id in _DEVICES:
        return f"'{id}' cannot be an id: Windows keeps that name for a device", f"call it {id}-1, for example"
    if not _ID.fullmatch(id):
        instead = derived(id)
        is_usable = instead and len(instead) <= longest and instead not in _DEVICES
        advice = f"try: {instead}" if is_usable else "such as almond-candle"
        return f"'{id}' cannot be an id: ids are small letters a-z, digits and dashes, no dash first", advice
    if len(id) > longest:
        return f"'{id}' is {counted(len(id), 'character')} long; an id has at most {longest}", "shorten it"
    return None


def derived(name: str) -> str:
    """The id of a name: lower case, each run of other characters one dash, none at the ends; may be empty."""
    return _OTHERS.sub("-", name.lower()).strip("-")
