"""What the service receives, to the letter: identity hangs on it."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from campaign_runner.campaign_file.schema.cells import Cells
from campaign_runner.errors import UsageError
from campaign_runner.firefly.protocol.interfaces import asked_by
from campaign_runner.model import CustomModel, Recipe, Size, canonical_json
from campaign_runner.plan.recipes import RecipeBuilder
from tests.campaigns import MODEL, campaign, plan

GOLDEN = (
    '{"body":{"prompt":"almond candle on an oak table, autumn leaves, soft morning light",'
    '"size":{"height":2048,"width":2048},"style":{"presets":["painting"]}},"v":1,"version":"image4_standard"}'
)
GOLDEN_RECIPE = "cbaa867bab48c3cc698693a655863592e8ae3a6c394081785030086e371e3412"
GOLDEN_KEY = "bcb38449d48f6913f5da061a973bb7a2f50b480aaec633f8149a90ac81881640"
# Characters that NFKC would spell otherwise (1/2, fi, 2, 2) stay as they are; an accent beside its letter is composed.
# The digests are those of this text, so in a few lines that share nothing with the package:
#     recipe = hashlib.sha256(COMPATIBLE.encode()).hexdigest()
#     key = hashlib.sha256(f"{recipe}:66080".encode()).hexdigest()
COMPATIBLE = (
    '{"body":{"prompt":"½ \ufb01g tart, \uff12 café spoons, 3 m²",'
    '"size":{"height":2048,"width":2048}},"v":1,"version":"image4_standard"}'
)
COMPATIBLE_RECIPE = "df8794192b155a28fbb6b8b0b017be6c08380e5ff6eec5a9df91cc2f2cc3ab90"
COMPATIBLE_KEY = "7127c4b1cf5453ef09bc7e35394595d0a8a6fa22a64661b89f66aad3057d01e1"
PIXELS = {"width": 2048, "height": 2048}
PROMPT = {"prompt": "almond candle on an oak table", "size": PIXELS}


def recipe(folder: Path, found: CustomModel | None = None, **changes: Any) -> Recipe:
    """The recipe of the first cell."""
    spec = campaign(folder, **changes)
    cells = Cells(spec)
    return RecipeBuilder(spec, found).of(cells.cell(next(cells.numbers())))[0]


def picture(folder: Path, name: str, shade: int) -> bytes:
    """A grey PNG beside the campaign file."""
    Image.new("L", (8, 8), shade).save(folder / name, "PNG")
    return (folder / name).read_bytes()


def test_the_golden_recipe_and_key(tmp_path: Path) -> None:
    words = "{product.name} on an oak table, autumn leaves, soft morning light"
    made = recipe(tmp_path, prompts={"hero": {"text": words}}, presets={"painted": {"styles": ["painting"]}})
    assert (made.text, made.digest, made.key(66080)) == (GOLDEN, GOLDEN_RECIPE, GOLDEN_KEY)


def test_a_planned_variation_bears_the_golden_key(tmp_path: Path) -> None:
    words = "{product.name} on an oak table, autumn leaves, soft morning light"
    made = plan(tmp_path, prompts={"hero": {"text": words}}, presets={"painted": {"styles": ["painting"]}})
    assert next(iter(made)).variation.key == next(made.keys()) == GOLDEN_KEY


AS_TYPED = "½ \ufb01g tart, \uff12 cafe\u0301 spoons, 3 m²"


@pytest.mark.parametrize(
    "texts",
    [
        {"prompts": {"hero": {"text": AS_TYPED}}},
        {"prompts": {"hero": {"text": "{product.name}"}}, "products": {"tart": {"name": AS_TYPED}}},
        {"prompts": {"hero": {"text": "{tart}, 3 m²"}}, "vars": {"tart": AS_TYPED.removesuffix(", 3 m²")}},
    ],
    ids=["prompt", "name", "word"],
)
def test_characters_that_only_look_like_others_keep_their_golden_recipe_and_key(
    texts: dict[str, Any], tmp_path: Path
) -> None:
    made = next(iter(plan(tmp_path, **{"products": {"tart": {"name": "tart"}}} | texts)))
    assert (made.recipe.text, made.recipe.digest) == (COMPATIBLE, COMPATIBLE_RECIPE)
    assert made.variation.key == COMPATIBLE_KEY


def test_a_negative_prompt_keeps_them_too(tmp_path: Path) -> None:
    made = recipe(tmp_path, model="image3", defaults={"negative_prompt": AS_TYPED})
    assert made.body["negativePrompt"] == "½ \ufb01g tart, \uff12 café spoons, 3 m²"


def test_canonical_json_keeps_characters_and_sorts_keys() -> None:
    assert canonical_json({"b": "秋", "a": [1, {"d": None, "c": 'x"'}]}) == '{"a":[1,{"c":"x\\"","d":null}],"b":"秋"}'


@pytest.mark.parametrize("name", ['a "quoted" name', "back\\slash", "\\u0000", "秋 🍂", "100 %", "{{braces}}"])
def test_a_recipe_is_canonical_whatever_stands_in_its_prompt(name: str, tmp_path: Path) -> None:
    made = recipe(tmp_path, prompts={"hero": {"text": name}}, products={"candle": {"name": "x"}})
    assert made.text == canonical_json(json.loads(made.text))
    assert asked_by(made).prompt == name.replace("{{", "{").replace("}}", "}")


BODIES: list[Any] = [
    # every field that any family sends, by its name in Adobe's specification
    pytest.param({"model": "image4_standard", "defaults": {"content_class": "photo", "visual_intensity": 6}},
                 {"contentClass": "photo", "visualIntensity": 6}, id="plain fields"),
    pytest.param({"model": "image3", "defaults": {"negative_prompt": "people,  fog"}},
                 {"negativePrompt": "people, fog"}, id="a negative prompt is cleaned"),
    pytest.param({"defaults": {"locale": "de-DE"}}, {"promptBiasingLocaleCode": "de-DE"}, id="locale"),
    # styles are a set: their order in the file is nobody's business
    pytest.param({"presets": {"a": {"styles": ["pop_art", "bw", "golden_hour"], "strength": 30}}},
                 {"style": {"presets": ["bw", "golden_hour", "pop_art"], "strength": 30}}, id="styles sorted"),
    # an empty list is as good as none
    pytest.param({"presets": {"a": {"styles": []}, "b": {"styles": ["bw"]}}, "defaults": {"strength": 30}},
                 {}, id="no styles, no style"),
    # a strength without anything to be strong about is not sent
    pytest.param({"defaults": {"strength": 50}, "presets": {"plain": {}, "b": {"styles": ["bw"]}}}, {}, id="strength"),
    # null takes away what the defaults give
    pytest.param({"defaults": {"content_class": "art"}, "prompts": {"hero": {"text": "{product.name} on an oak table",
                 "content_class": None}}}, {}, id="null unsets"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "fields"), BODIES)
def test_a_field_is_sent_only_if_the_campaign_gives_it(
    changes: dict[str, Any], fields: dict[str, Any], tmp_path: Path
) -> None:
    assert recipe(tmp_path, **changes).body == PROMPT | fields


def test_each_family_is_named_as_the_version(tmp_path: Path) -> None:
    for family in ("image3", "image4_standard", "image4_ultra"):
        assert recipe(tmp_path, model=family).version == family


def test_a_custom_model_is_sent_by_the_id_its_name_resolved_to(tmp_path: Path) -> None:
    look = {"upsampler": "low_creativity"}
    made = recipe(tmp_path, MODEL, model="image4_custom", custom_model="Warm Custom Model", defaults=look)
    assert made.body == PROMPT | {"customModelId": MODEL.id, "upsamplerType": "low_creativity"}


def test_a_media_type_is_asked_for_beside_the_body(tmp_path: Path) -> None:
    made = recipe(tmp_path, defaults={"format": "webp"})
    assert (made.accept, made.body) == ("image/webp", PROMPT)
    assert recipe(tmp_path).accept is None


def test_an_uploaded_reference_counts_by_its_content(tmp_path: Path) -> None:
    content = picture(tmp_path, "a.png", 10)
    picture(tmp_path, "b.png", 10)
    first = recipe(tmp_path, defaults={"style_reference": "a.png", "strength": 20})
    assert first.body["style"] == {
        "imageReference": {"source": {"sha256": sha256(content).hexdigest()}},
        "strength": 20,
    }
    assert recipe(tmp_path, defaults={"style_reference": "b.png", "strength": 20}) == first


def test_a_reference_is_read_again_at_each_run(tmp_path: Path) -> None:
    picture(tmp_path, "a.png", 10)
    before = recipe(tmp_path, defaults={"structure_reference": "a.png", "structure_strength": 0})
    picture(tmp_path, "a.png", 20)
    after = recipe(tmp_path, defaults={"structure_reference": "a.png", "structure_strength": 0})
    assert before.digest != after.digest
    assert after.body["structure"]["strength"] == 0


def test_a_reference_that_vanishes_is_named(tmp_path: Path) -> None:
    picture(tmp_path, "a.png", 10)
    spec = campaign(tmp_path, defaults={"style_reference": "a.png"})
    (tmp_path / "a.png").unlink()
    with pytest.raises(UsageError, match=r"a\.png cannot be read \(No such file or directory\); nothing was sent"):
        RecipeBuilder(spec).of(Cells(spec).cell(0))


def test_sizes_are_pixels(tmp_path: Path) -> None:
    assert asked_by(recipe(tmp_path, sizes=["tall"])).size == Size(1440, 2560)
