"""How a line fits a terminal."""

from __future__ import annotations

import shlex

import pytest

from campaign_runner.report.terminal import fitted
from campaign_runner.text import cells_of

LONG_COMMAND = (
    "             campaign-runner resolve almond-autumn --only product=perfume,candle,soap --only prompt=detail "
    "--only preset=painted --retry-failed   or later"
)
REFUSED = "  4 refused    perfume, detail: the prompt was refused by Adobe's content policy, which names no word of it"


@pytest.mark.parametrize("width", [None, len(REFUSED), 500])
def test_what_fits_is_as_it_is(width: int | None) -> None:
    assert fitted(REFUSED, width) == [REFUSED]


def test_a_line_is_broken_at_a_word_and_goes_on_below_its_text() -> None:
    assert fitted(REFUSED, 80) == [
        "  4 refused    perfume, detail: the prompt was refused by Adobe's content",
        "               policy, which names no word of it",
    ]


def test_a_wide_gap_gives_way_before_a_word_does() -> None:
    line = f"{'season   472 of 480 images stored and checked':<63} 120 requests, 30 min"
    assert fitted(line, 80) == ["season   472 of 480 images stored and checked   120 requests, 30 min"]


def test_a_command_that_fits_a_line_of_its_own_is_not_broken() -> None:
    line = "  edit campaigns/season.yaml:31, or: campaign-runner resolve season --abandon --only product=perfume"
    assert fitted(line, 80) == [
        "  edit campaigns/season.yaml:31, or:",
        "  campaign-runner resolve season --abandon --only product=perfume",
    ]


@pytest.mark.parametrize("width", range(40, 100, 7))
@pytest.mark.parametrize("more", ["", " --only product=perfume,candle,soap --only prompt=detail"])
def test_a_quote_stays_beside_the_command_it_encloses(width: int, more: str) -> None:
    lines = fitted(f"  kept    3 images of earlier words (`campaign-runner prune spring{more}`) lists them", width)
    words = [word for line in lines for word in line.split()]
    assert "(`campaign-runner" in words and words[-3].endswith("`)") and not {"`", "`)", "(`"} & set(words)


@pytest.mark.parametrize("width", [80, 100])
def test_a_broken_command_can_still_be_pasted(width: int) -> None:
    lines = fitted(LONG_COMMAND, width)
    assert len(lines) > 1 and max(map(cells_of, lines)) <= width
    pasted = "\n".join(lines).replace("\\\n", "").partition(" or ")[0]  # as a shell reads it
    assert shlex.split(pasted) == shlex.split(LONG_COMMAND.split("   or later")[0])


@pytest.mark.parametrize("width", [20, 40, 79, 80, 100, 132])
@pytest.mark.parametrize(
    "line", [REFUSED, LONG_COMMAND, "ok planned=4 stored=4 " * 9, "  files   /a/b   allowance " + "x " * 90]
)
def test_nothing_is_lost_and_only_a_word_alone_is_wider(line: str, width: int) -> None:
    lines = fitted(line, width)
    assert " ".join(lines).replace(" \\", "").split() == line.split()
    words = [each.removesuffix(" \\").split() for each in lines]
    assert all(cells_of(each) <= width or len(said) == 1 for each, said in zip(lines[1:], words[1:], strict=True))


def test_letters_of_east_asia_take_two_columns() -> None:
    assert [cells_of(line) <= 20 for line in fitted("蝋燭 石鹸 香水 蝋燭 石鹸 香水 蝋燭", 20)] == [True, True]
