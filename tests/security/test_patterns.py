"""No pattern of ours can be lost in a text: each is tried on long ones that are nearly what it looks for.

From where the text begins, as they are used; the few that search look at no more than a line of limited length
(`firefly/protocol/test_untrusted.py` and `campaign_file/syntax/test_source.py` give them their worst).
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

import campaign_runner

LENGTH = 20_000
PIECES = (
    "a", "A", "0", " ", "\t", "\n", "-", "_", ".", ":", "/", "\\", '"', "'", "{", "}", "{a", "}{", "a.", "a-", "a b",
    "[", "#", " #", "@", "http://", "bearer ", "token ", "a=", "x-api-key: ", "eyJ",
    "é", "\u202e", "{{", ", ", "a:", "0x",
)  # fmt: skip
ENDS = ("", "!", "\n")


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for module in pkgutil.walk_packages(campaign_runner.__path__, "campaign_runner."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    yield f"{module.name}.{name}", value


SEARCHED = {"campaign_runner.firefly.protocol.untrusted._SECRETS"}
"""Only ever looked for in a sentence of limited length."""
PATTERNS = {name: pattern for name, pattern in patterns() if name not in SEARCHED}


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_takes_time_in_proportion(name: str) -> None:
    pattern, spent = PATTERNS[name], 0.0
    for piece in PIECES:
        text = (piece * LENGTH)[:LENGTH]
        for end in ENDS:
            began = time.process_time()
            pattern.match(text + end)
            pattern.fullmatch(text + end)
            spent = max(spent, time.process_time() - began)
            assert spent < 0.5, f"{piece!r} … {end!r} took {spent:.2f} s"


def test_there_are_patterns_to_try() -> None:
    assert len(PATTERNS) >= 10
