"""What a marketing person gets wrong first, and what they then read: each NAME.yaml has its NAME.txt."""

from pathlib import Path

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.errors import CampaignFileError

HERE = Path(__file__).parent / "problems"
PAIRS = sorted(path.stem for path in HERE.glob("*.txt"))


@pytest.mark.parametrize("name", PAIRS)
def test_the_problems_of_a_file_read_as_its_text_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    with pytest.raises(CampaignFileError) as raised:
        load(Path(f"{name}.yaml"))
    assert str(raised.value) == Path(f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")


def test_every_file_has_its_text() -> None:
    assert {path.stem for path in HERE.glob("*.yaml")} == set(PAIRS)


@pytest.mark.parametrize("name", PAIRS)
def test_problems_come_in_file_order_and_none_twice(name: str) -> None:
    with pytest.raises(CampaignFileError) as raised:
        load(HERE / f"{name}.yaml")
    places = [(problem.line, problem.column) for problem in raised.value.problems]
    assert places == sorted(places)
    assert len(set(raised.value.problems)) == len(raised.value.problems)
