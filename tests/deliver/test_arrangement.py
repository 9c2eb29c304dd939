"""Which image is cut for which channel; what waits, what is left out, and where the focus goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from campaign_runner.deliver.arrangement import ChosenImage
from campaign_runner.output_folder.delivery_record import DeliveredFile
from campaign_runner.output_folder.folder import Folder
from tests.cli.typed import Ask
from tests.deliver.histories import DeliveryHistory
from tests.deliver.stored import jpeg, store
from tests.deliver.test_command import delivered

TOP = """\
campaign: season
model: image3
products: {candle: almond candle}
prompts: {hero: "{product.name} on an oak table"}
sizes: [1024x1024, 1344x768]
seeds: [1]
"""
SQUARE, WIDE = 0, 1  # the places of the two images in the plan


def current(history: DeliveryHistory) -> list[DeliveredFile]:
    return [file for file in history.check().files if file.state == "current"]


@pytest.fixture
def history(tmp_path: Path) -> DeliveryHistory:
    """A campaign of a square and a wide image, delivered to a square and to a wide channel."""
    channels = "channels: [{name: tile, size: 64x64}, {name: band, size: 160x90}]\ndeliver: {alt: a candle}\n"
    return DeliveryHistory(store(tmp_path, TOP + channels, name="season"))


def test_a_channel_is_cut_from_the_size_it_shows_most_of(history: DeliveryHistory) -> None:
    history.deliver(history.choose([SQUARE, WIDE]))
    assert {file.channel: file.cell.size for file in current(history)} == {"tile": "1024x1024", "band": "1344x768"}


def test_without_an_image_of_that_size_it_waits(history: DeliveryHistory) -> None:
    result = history.deliver(history.choose([WIDE]))
    assert [file.channel for file in current(history)] == ["band"]
    ((waiting,), code) = (result.waiting, result.exit_code)
    assert (waiting.channel.id, str(waiting.size), code) == ("tile", "1024x1024", 0)


@pytest.mark.parametrize(("pick", "channels"), [(WIDE, ["band"]), (SQUARE, ["tile"])])
def test_another_size_is_taken_where_asked_for_if_it_keeps_enough(
    pick: int, channels: list[str], history: DeliveryHistory
) -> None:
    """A wide image shows 57 % of itself in a square, a square one 56 % in a band: too little for both."""
    history.deliver(history.choose([pick]), any_size=True)
    assert [file.channel for file in current(history)] == channels


def test_another_size_that_keeps_enough_is_taken(tmp_path: Path) -> None:
    text = TOP + "channels: [{name: tile, size: 70x64}]\ndeliver: {alt: a candle}\n"
    history = DeliveryHistory(store(tmp_path, text, name="season"))
    history.deliver(history.choose([WIDE]), any_size=True)
    assert [file.cell.size for file in current(history)] == ["1344x768"]


def test_nothing_is_enlarged_it_is_left_out_and_said(tmp_path: Path, ask: Ask) -> None:
    store(tmp_path, TOP + "channels: [{name: wall, size: 2000x2000}, {name: tile, size: 64x64}]\n", name="season")
    said = ask("deliver", "season", "--all")
    assert said.status == 3
    assert "1 file of wall: no size of the campaign is as large as 2000x2000" in said.out


def test_a_part_that_is_too_small_for_a_channel_is_left_out(history: DeliveryHistory) -> None:
    chosen = history.choose([SQUARE, WIDE], {"tile": (0.5, 0.5, 0.01, 0.01)})
    result = history.deliver(chosen)
    assert [file.channel for file in current(history)] == ["band"]
    assert [(each.channel, result.exit_code) for each in result.left_out] == [("tile", 3)]


def test_a_focus_moves_the_cut_and_that_of_the_channel_wins(history: DeliveryHistory) -> None:
    history.deliver(history.choose([SQUARE, WIDE], {"*": (1.0, 1.0), "tile": (0.25, 0.25, 0.5, 0.25)}))
    crops = {file.channel: file.crop for file in current(history)}
    assert crops["tile"] == (384.0, 256.0, 256.0, 256.0)
    assert crops["band"][1] == 12.0  # as far down as the picture goes


def test_what_a_focus_says_is_what_the_file_shows(tmp_path: Path) -> None:
    text = TOP + "channels: [{name: tile, size: 64x64, formats: [png]}]\ndeliver: {alt: a candle}\n"
    history = DeliveryHistory(store(tmp_path, text, lambda planned: halves(), name="season"))
    for focus, colour in (((0.0, 0.0, 0.4, 0.4), "red"), ((0.6, 0.6, 0.4, 0.4), "blue")):
        history.deliver(history.choose([SQUARE], {"*": focus}))
        (file,) = current(history)
        with Image.open(history.folder.path / "deliver" / file.file) as picture:
            pixel = picture.getpixel((32, 32))
        assert isinstance(pixel, tuple) and (pixel[0] > 200, pixel[2] > 200) == (colour == "red", colour == "blue")


def halves() -> bytes:
    """A square that is red above and blue below."""
    picture = Image.new("RGB", (1024, 1024), "red")
    picture.paste("blue", (0, 512, 1024, 1024))
    return jpeg(picture)


def test_an_image_that_stands_in_several_cells_is_delivered_under_each_ones_name(tmp_path: Path, ask: Ask) -> None:
    text = TOP.replace("{candle: almond candle}", "{candle: almond candle, taper: almond candle}")
    folder = store(tmp_path, text + "channels: [{name: tile, size: 64x64}]\n", name="season")
    assert ask("deliver", "season", "--all").status == 0
    assert delivered(folder) == ["season_candle_hero_tile_64x64.jpg", "season_taper_hero_tile_64x64.jpg", "upload.csv"]


def test_an_image_that_left_the_campaign_is_delivered_only_where_asked_for(tmp_path: Path, ask: Ask) -> None:
    text = TOP.replace("{candle: almond candle}", "{candle: almond candle, soap: almond soap}")
    folder = store(tmp_path, text + "channels: [{name: tile, size: 64x64}]\n", name="season")
    file = tmp_path / "campaigns" / "season.yaml"
    file.write_text(file.read_text().replace(", soap: almond soap", ""), encoding="utf-8")
    ask("deliver", "season", "--all")
    assert delivered(folder) == ["season_candle_hero_tile_64x64.jpg", "upload.csv"]
    ask("deliver", "season", "--all", "--include-left")
    assert "season_soap_hero_tile_64x64.jpg" in delivered(folder)


def test_only_some_is_delivered_and_all_else_stays_as_it_is(tmp_path: Path, ask: Ask) -> None:
    text = TOP.replace("{candle: almond candle}", "{candle: almond candle, soap: almond soap}")
    folder = store(tmp_path, text + "channels: [{name: tile, size: 64x64}]\n", name="season")
    ask("deliver", "season", "--all")
    before = delivered(folder)
    said = ask("deliver", "season", "--only", "product=soap")  # of which nothing is picked
    assert "withdrawn=1" in said.out and set(before) - set(delivered(folder)) == {"season_soap_hero_tile_64x64.jpg"}


def sku_of(folder: Folder) -> list[str]:
    return [name.partition("_")[0] for name in delivered(folder) if name != "upload.csv"]


def test_the_sku_is_the_id_as_the_sheet_spells_it(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "products.csv").write_text("id,name\nHC 104,almond candle\n", encoding="utf-8")
    text = TOP.replace("{candle: almond candle}", "products.csv")
    text += 'channels: [{name: tile, size: 64x64}]\ndeliver: {name: "{product.sku}_{channel}"}\n'
    folder = store(tmp_path, text, name="season")
    assert ask("deliver", "season", "--all").status == 0
    assert sku_of(folder) == ["HC-104"]
    assert '"HC 104"' in (folder.path / "deliver" / "upload.csv").read_text(encoding="utf-8-sig")


def test_a_chosen_image_without_a_focus_is_cut_from_the_middle(history: DeliveryHistory) -> None:
    (chosen,) = history.choose([SQUARE])
    assert isinstance(chosen, ChosenImage)
    history.deliver([chosen])
    assert [(file.crop, file.focus) for file in current(history)] == [((0.0, 0.0, 1024.0, 1024.0), None)]


def test_prune_leaves_the_originals_of_what_was_delivered(tmp_path: Path, ask: Ask) -> None:
    text = TOP.replace("{candle: almond candle}", "{candle: almond candle, soap: almond soap}")
    folder = store(tmp_path, text + "channels: [{name: tile, size: 64x64}]\n", name="season")
    ask("deliver", "season", "--all")
    file = tmp_path / "campaigns" / "season.yaml"
    file.write_text(file.read_text().replace(", soap: almond soap", ""), encoding="utf-8")
    assert ask("prune", "season", "--yes").status == 0
    left = {path.name.split("_")[2] for path in (folder.path / "images" / "soap").iterdir()}
    moved = {path.name.split("_")[2] for path in (folder.path / "removed" / "soap").iterdir()}
    assert (left, moved) == ({"1024x1024"}, {"1344x768"})


def test_two_images_of_one_seed_are_both_delivered_and_stay(tmp_path: Path) -> None:
    text = TOP.replace("sizes: [1024x1024, 1344x768]", "sizes: [1024x1024]")
    text += 'channels: [{name: tile, size: 64x64}]\ndeliver: {name: "{product}_{key8}", alt: a candle}\n'
    before = DeliveryHistory(store(tmp_path, text, name="season")).choose([0])
    history = DeliveryHistory(store(tmp_path, text.replace("an oak table", "a blue table"), name="season"))
    chosen = [*before, *history.choose([0])]
    assert len({each.entry.seed for each in chosen}) == 1
    assert len(history.deliver(chosen).made) == len(current(history)) == 2
    again = history.deliver(chosen)
    assert (again.unchanged, again.made, again.replaced) == (2, [], [])


def test_where_the_name_does_not_tell_them_apart_it_says_what_would(tmp_path: Path, ask: Ask) -> None:
    text = TOP.replace("seeds: [1]", "seeds: [1, 2]") + "channels: [{name: tile, size: 64x64}]\n"
    store(tmp_path, text + 'deliver: {name: "{product}_{channel}"}\n', name="season")
    said = ask("deliver", "season", "--all")
    assert said.status == 2 and "write {seed} in it" in said.err and "would be called" not in said.err
    assert said.err.count("several images of") == 1
