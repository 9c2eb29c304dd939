"""The ids of products, prompts, presets and markets: what may be in every file system and every URL."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import TypeAlias

from campaign_runner.text import plural

LONGEST_ID = 40
LONGEST_CAMPAIGN = 60
NO_ACCOUNTS = ("default",)
"""How the account without a name is called where one is needed."""
Derive: TypeAlias = Callable[[str], str]
"""How the id of a name is made; the id may be empty."""
_ID = re.compile(r"[a-z0-9][a-z0-9-]*")
_OTHERS = re.compile(r"[^a-z0-9]+")
_DEVICES = frozenset(("con", "prn", "aux", "nul", *(f"{device}{n}" for device in ("com", "lpt") for n in range(10))))
_SPELT_OUT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "œ": "oe", "ĳ": "ij", "þ": "th"}
    | {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ŧ": "t", "ŋ": "n"}
)
"""Letters that are not a letter with an accent, or are written with another one where there is none."""


def is_device(name: str) -> bool:
    """Whether Windows keeps a name, without its suffix, for a device."""
    return name.lower() in _DEVICES


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
        return f"'{id}' is {plural(len(id), 'character')} long; an id has at most {longest}", "shorten it"
    return None


def account_flaw(name: str) -> tuple[str, str] | None:
    """What is wrong with the name of an account, which ends names of variables, and what to write instead."""
    if name in NO_ACCOUNTS or name.endswith("-file"):
        return f"'{name}' cannot be the name of an account: it stands for something else", f"call it {name}-1"
    return id_flaw(name)


def derived(name: str) -> str:
    """The id of a name: lower case, letters without their accents, each run of other characters one dash, none at
    the ends; may be empty.
    """
    return derived_before(_without_accents(name.lower()))


def derived_before(name: str) -> str:
    """The id that earlier versions made of a name: a letter with an accent was one of the other characters."""
    return _OTHERS.sub("-", name.lower()).strip("-")


def _without_accents(text: str) -> str:
    """`rosé` as `rose`, `süß` as `suess`."""
    if text.isascii():
        return text
    spelt_out = unicodedata.normalize("NFC", text).translate(_SPELT_OUT)
    return "".join(each for each in unicodedata.normalize("NFD", spelt_out) if not unicodedata.combining(each))
