"""Every campaign that people are shown can be loaded as it stands."""

import re
import shutil
from pathlib import Path

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.cells import Cells
from campaign_runner.campaign_file.schema.schema import Campaign, Look

ROOT = Path(__file__).parents[2]
README = (ROOT / "campaigns" / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
GOOD = sorted((Path(__file__).parent / "good").glob("*.yaml"))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0])
def test_every_example_of_the_reference_loads_without_a_warning(block: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "campaigns" / "almond-master.xlsx", tmp_path)
    path = tmp_path / "example.yaml"
    path.write_text(block, encoding="utf-8")
    assert load(path).warnings == ()


@pytest.mark.parametrize("name", [name for model in (Campaign, Look) for name in model.model_fields])
def test_the_reference_shows_an_example_of_every_field(name: str) -> None:
    assert any(re.search(rf"\b{name}:", block) for block in BLOCKS)


@pytest.mark.parametrize(
    ("path", "images"),
    [
        (ROOT / "campaigns" / "first.yaml", 32),  # 2 products x 2 presets x 2 sizes x 4 seeds
        (ROOT / "campaigns" / "almond-autumn.yaml", 64),  # 4 x 2 x 2 x 2 x 2
        (ROOT / "campaigns" / "almond-master.yaml", 48),  # 4 x 2 x 2 x 2 x 2, of two products one market only
        (ROOT / "campaigns" / "benchmark-72.yaml", 72),  # 3 products x 2 prompts x 4 sizes x 3 markets
        (ROOT / "campaigns" / "sixty-lines.yaml", 128),  # as everything.yaml, and one seed more in its include
        (
            ROOT / "tests" / "campaign_file" / "good" / "everything.yaml",
            127,
        ),  # candle 68, soap 34, perfume 24, include 1
        (ROOT / "tests" / "campaign_file" / "good" / "twelve-lines.yaml", 32),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else "",
)
def test_an_example_makes_as_many_images_as_it_says(path: Path, images: int) -> None:
    assert Cells(load(path)).count() == images


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_campaign_has_no_warning(path: Path) -> None:
    assert load(path).warnings == ()
