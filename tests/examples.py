"""How often a property is tried: with a few examples always, with many as a proof."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

Property = Callable[..., None]


def repeatable(examples: int) -> settings:
    """So many examples, the same ones each time, however long one takes."""
    return settings(
        max_examples=examples,
        phases=[Phase.generate, Phase.shrink],
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


def few_and_many(few: int, many: int, *drawn: SearchStrategy[Any]) -> Callable[[Property], Property]:
    """Makes a test of a property, whose arguments are `drawn`; it takes no fixtures."""

    def made(holds: Property) -> Property:
        tried = {number: settings(max_examples=number, deadline=None)(given(*drawn)(holds)) for number in (few, many)}

        @pytest.mark.parametrize("examples", [few, pytest.param(many, marks=pytest.mark.proof)])
        def test(examples: int) -> None:
            tried[examples]()

        test.__name__, test.__module__, test.__doc__ = holds.__name__, holds.__module__, holds.__doc__
        return test

    return made
