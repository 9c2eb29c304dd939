"""Every answer of the sandbox, with each fault and each switch, held against Adobe's specification."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from campaign_runner.sandbox.faults import KINDS, Fault
from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.settings import Settings
from tests.contract.exceptions import ANSWERS, EXCEPTIONS, unexpected
from tests.contract.rehearsal import recorded
from tests.contract.specification import Specification
from tests.contract.walk import Walker, stumble, walk

SPECIFICATION = Specification()
README = Path(__file__).parents[1] / "README.md"
SWITCHES: list[dict[str, Any]] = [
    {"strict": True},
    {"quota_window": "fixed", "per_minute": 1},
    {"quota_window": "bucket", "per_minute": 1},
    {"quota_window": "even", "per_minute": 1},
    {"per_day": 1},
    {"polls_count": True, "per_minute": 4},
    {"uploads_count": True, "per_minute": 1},
    {"retry_after": "seconds", "per_minute": 1},
    {"retry_after": "date", "per_minute": 1},
    {"retry_after": "none", "per_minute": 1},
    {"retry_after": "zero", "per_minute": 1},
    {"retry_after": "past", "per_minute": 1},
    {"date_header": "none"},
    {"date_header": "nonsense"},
    {"token_seconds": 1},
    {"token_lifetime": "text"},
    {"token_cached_seconds": 60.0},
    {"expire_seconds": 0},
    {"fresh_urls": False},
    {"job_seconds": 0.0},
    {"job_spread": 1.0, "spread_shape": "long_tail"},
    {"answer_seconds": 1.0, "answer_spread": 1.0},
    {"job_known_seconds": 1.0},
    {"seed": 7},
    {"model_without_header": "image3"},
    {"model_without_header": "image4_standard"},
    {"ultra_many": "fewer"},
    {"running_word": "in_progress"},
    {"cancelled_word": "canceled"},
    {"cancel_seconds": 5.0},
    *({"refused": word} for word in ("451", "422", "451_at_poll", "failed", "empty")),
    {"other_status_port": True},
    {"shuffled": True},
    {"media_type": "image/png"},
    {"dates": "iso"},
    {"plain_pictures": True},
    {"drift": True},
]
FAULTS = [
    Fault(kind, where=place)
    for kind, places in KINDS.items()
    for place in places
    if place not in ("download", "output")  # an image is not described
]


Way = Callable[[Walker], Awaitable[None]]


async def deviations(what: Way, *faults: Fault, **switches: Any) -> set[str]:
    """What the answers to a walk have that the specification does not permit."""
    sandbox = recorded(Settings(**{"per_minute": 600, "plain_pictures": True, **switches}), faults)
    async with serving(sandbox) as origin, aiohttp.ClientSession() as http:
        await what(Walker(http, origin))
    return {sentence for exchange in sandbox.exchanges for sentence in SPECIFICATION.of_answer(exchange)}


async def test_a_sandbox_as_it_comes_deviates_in_five_named_things_alone() -> None:
    named = {exception.name: exception.answers for exception in EXCEPTIONS}
    dates, twice = named["dates of custom models"], named["repo:assetId"]
    expected = named["token and images"] | named["x-request-id"] | named["body of a cancellation"]
    assert await deviations(walk) == expected | dates | twice
    assert await deviations(walk, strict=True) == expected | dates
    assert await deviations(walk, strict=True, dates="iso") == expected


def walks() -> Iterator[Any]:
    """Each switch on a lenient and on a strict sandbox; the default command takes one of the two, in turn.

    It makes the mistakes only where the switch says how they are answered.
    """
    for number, switch in enumerate(SWITCHES):
        for is_strict, way in product((False, True), (walk, stumble)):
            is_usual = is_strict == number % 2 and (way is walk or {"strict", "refused"} & switch.keys())
            name = f"{way.__name__}-{switch}-{'strict' if is_strict else 'lenient'}"
            yield pytest.param(way, switch, is_strict, id=name, marks=() if is_usual else pytest.mark.proof)


@pytest.mark.parametrize(("way", "switch", "is_strict"), list(walks()))
async def test_with_each_switch_every_answer_is_described_or_a_named_exception(
    way: Way, switch: dict[str, Any], is_strict: bool
) -> None:
    assert not unexpected(await deviations(way, **{"strict": is_strict, **switch}))


async def test_with_each_fault_every_answer_is_described_or_a_named_exception_and_each_of_these_occurs() -> None:
    seen = {f"{fault.kind} at {fault.place}": await deviations(walk, fault) for fault in FAULTS}
    assert {fault: strange for fault, found in seen.items() if (strange := unexpected(found))} == {}
    mistakes = await deviations(stumble) | await deviations(stumble, refused="422")
    assert mistakes.union(*seen.values()) == ANSWERS


def test_every_switch_is_walked_with_in_another_position_than_its_usual_one() -> None:
    usual = {name: value for name, value in _fields() if not isinstance(value, bool) or name != "plain_pictures"}
    walked = {name for switch in SWITCHES for name, value in switch.items() if usual.get(name) != value}
    assert walked >= set(usual)


def _fields() -> list[tuple[str, Any]]:
    settings = Settings()
    return [(name, getattr(settings, name)) for name in Settings.__slots__]


def test_the_page_about_the_tests_shows_the_exceptions() -> None:
    section = README.read_text(encoding="utf-8").split("## Where we deviate from Adobe's specification, by name\n")[1]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", section.split("\n## ")[0], re.MULTILINE)
    assert rows[1:] == [(exception.name, exception.why) for exception in EXCEPTIONS]
