"""Switches that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from campaign_runner.sandbox.settings import Settings


@pytest.mark.parametrize(
    "wrong", [{"per_minute": 0}, {"per_day": 0}, {"job_spread": 1.5}, {"job_seconds": -1}, {"expire_seconds": -1}]
)
def test_a_number_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).split("_")[-1]):
        Settings(**wrong)
