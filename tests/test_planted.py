"""The bugs of `python -m tests.planted` can still be planted, and whom they name exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planted import PACKAGE, PLANTS, ROOT
from tests.plants.plant import Plant


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.bug)
def test_a_planted_bug_still_finds_its_place(plant: Plant) -> None:
    compile(plant.text(ROOT / PACKAGE), plant.file, "exec")
    for test in plant.tests:
        file, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / file).read_text(encoding="utf-8")


def test_a_bug_whose_place_is_gone_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\nx = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="2 times"):
        Plant("twice", "a.py", "x = 1", "x = 2", ()).text(tmp_path)
