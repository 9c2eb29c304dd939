"""The modules of the page, joined into one script."""

from __future__ import annotations

import re
from collections import Counter
from importlib.resources import files as resources

import pytest

from campaign_runner.review.page.scripts import joined_script, part

PARTS = sorted(
    each.name
    for each in resources("campaign_runner.review.page").joinpath("parts").iterdir()
    if each.name.endswith(".js")
)
_NAMED = re.compile(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)


def test_every_module_is_in_the_script_once() -> None:
    assert sorted(re.findall(r"^// (\w+\.js)$", joined_script(), re.MULTILINE)) == PARTS


def test_no_two_modules_have_a_name_in_common() -> None:
    names = Counter(name for module in PARTS for name in _NAMED.findall(part(module)))
    assert [name for name, number in names.items() if number > 1] == []


def test_nothing_of_the_syntax_of_modules_is_left() -> None:
    assert not re.search(r"^\s*(?:import|export)\b", joined_script(), re.MULTILINE)


def test_the_script_cannot_end_its_own_element() -> None:
    assert "</" not in joined_script() and "<!--" not in joined_script()


@pytest.mark.parametrize("module", PARTS)
def test_a_module_fits_a_head_and_says_what_it_is(module: str) -> None:
    text = part(module)
    assert text.startswith("/**")
    lines = text.splitlines()
    assert len(lines) <= 300 and max(map(len, lines)) <= 120


@pytest.mark.parametrize("module", PARTS)
def test_no_module_reads_text_as_html_or_code(module: str) -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", part(module))
