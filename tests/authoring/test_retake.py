"""Another take: exactly the images asked for are added, and every line that was in the file stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign_runner.authoring.draft import Retake, TakeChange
from campaign_runner.authoring.retake import retake
from campaign_runner.campaign_file.loader import load
from campaign_runner.errors import UsageError
from campaign_runner.model import Variation
from campaign_runner.plan.plan import Plan
from tests.campaigns import MODEL, written

HEAD = """\
campaign: almond
model: image4_standard
products: {candle: almond candle, soap: {name: almond soap, visual_intensity: 4}}
prompts:
  hero: "{product.name} on an oak table"   # the one
"""


def file_of(folder: Path, *parts: str, ends: str = "\n") -> Path:
    path = folder / "almond.yaml"
    path.write_bytes("".join((HEAD, *parts)).replace("\n", ends).encode())
    return path


def first(path: Path) -> Variation:
    return next(iter(Plan(load(path)))).variation


def entry(new: Retake) -> str:
    """The line that was added."""
    (line,) = [line for line in new.diff() if line.startswith("+") and "product:" in line]
    return line


def test_another_text_names_every_axis_the_campaign_has(tmp_path: Path) -> None:
    more = "presets: [painting]\nmarkets: {us: {locale: en-US}}\nsizes: [square]\nseeds: [7, 8]\n"
    path = file_of(tmp_path, more)
    new = retake(load(path), first(path), TakeChange(text='soap "alone" in a dish'))
    text = "'soap \"alone\" in a dish'"
    cell = f"product: candle, prompt: hero, text: {text}, preset: painting, market: us, size: 2048x2048, seeds: [7]"
    assert entry(new) == f"+  - {{{cell}}}"
    assert len(new.added) == 1 and len(new.plan) == 5


def test_an_axis_the_campaign_has_not_is_not_named(tmp_path: Path) -> None:
    path = file_of(tmp_path, "sizes: [square]\nseeds: [7]\n")
    assert "preset" not in entry(retake(load(path), first(path), TakeChange(seeds=(9,))))


def test_a_take_of_an_entry_keeps_what_that_entry_says(tmp_path: Path) -> None:
    own = "{product: candle, prompt: hero, text: a tin, size: square, seeds: [5], styles: [painting, low key]}"
    path = file_of(tmp_path, f"sizes: [square]\nseeds: [7]\ninclude: [{own}]\n")
    image = list(Plan(load(path)))[-1]
    new = retake(load(path), image.variation, TakeChange(further=2))
    assert new.added == (image.recipe.key(6), image.recipe.key(7))
    assert 'styles: [painting, "low key"]' in entry(new)


def test_further_seeds_avoid_what_was_planned_or_asked_for(tmp_path: Path) -> None:
    path = file_of(tmp_path, "sizes: [square]\nseeds: [7, 8]\n")
    image = next(iter(Plan(load(path))))
    new = retake(load(path), image.variation, TakeChange(further=2), bought={image.recipe.key(10)})
    assert new.added == (image.recipe.key(9), image.recipe.key(11))


def test_an_image_that_left_the_campaign_keeps_its_words(tmp_path: Path) -> None:
    path = file_of(tmp_path, "sizes: [square]\nseeds: [7]\n")
    image = next(iter(Plan(load(path))))
    path.write_text(path.read_text(encoding="utf-8").replace("oak", "ash"), encoding="utf-8")
    new = retake(load(path), image.variation, TakeChange(seeds=(9,)))
    assert new.added == (image.recipe.key(9),)


REFUSED: list[tuple[TakeChange, str]] = [
    (TakeChange(seeds=(7,)), "already has that image, with seed 7"),
    (TakeChange(preset="pointing"), "problem: .*'pointing'.*painting"),
    (TakeChange(text="{product.scent} in the air"), "{product.scent}"),
    (TakeChange(text="almond " * 300), "1,024"),
    (TakeChange(seeds=(2**31,)), "2147483648"),
    (TakeChange(text="a tin\u200b of tea"), "zero width space"),
]


@pytest.mark.parametrize(("wish", "words"), REFUSED, ids=[row[1] for row in REFUSED])
def test_what_the_file_cannot_say_is_refused_in_words(wish: TakeChange, words: str, tmp_path: Path) -> None:
    path = file_of(tmp_path, "presets: [painting]\nsizes: [square]\nseeds: [7]\n")
    with pytest.raises(UsageError, match=f"(?s){words}"):
        retake(load(path), first(path), wish)


def test_a_custom_model_has_to_be_known(tmp_path: Path) -> None:
    path = written(tmp_path, model="image3_custom", custom_model="Warm Custom Model")
    campaign = load(path)
    image = next(iter(Plan(campaign, MODEL))).variation
    with pytest.raises(UsageError, match="run the campaign first"):
        retake(campaign, image, TakeChange(further=1))
    assert len(retake(campaign, image, TakeChange(further=1), model=MODEL).added) == 1


def test_a_file_that_was_edited_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = file_of(tmp_path, "sizes: [square]\nseeds: [7]\n")
    new = retake(load(path), first(path), TakeChange(further=1))
    path.write_text("edited", encoding="utf-8")
    with pytest.raises(UsageError, match="edited meanwhile"):
        new.write()
    assert path.read_text(encoding="utf-8") == "edited"


def test_a_link_is_followed_and_permissions_stay(tmp_path: Path) -> None:
    real = file_of(tmp_path, "sizes: [square]\nseeds: [7]\n")
    real.chmod(0o664)
    link = tmp_path / "link.yaml"
    link.symlink_to(real)
    retake(load(link), first(link), TakeChange(further=1)).write()
    assert link.is_symlink() and "include" in real.read_text(encoding="utf-8")
    assert real.stat().st_mode & 0o777 == 0o664


PARTS: dict[str, list[str]] = {
    "presets": ["", "presets: [painting, golden_hour]\n", "presets:\n  plain: {}\n  art: {styles: [painting]}\n"],
    "markets": [
        "",
        "markets: {us: {locale: en-US}, de: {locale: de-DE, products: [soap]}}\n",
        "markets:\n  fr:  # alone\n    locale: fr-FR\n",
    ],
    "sizes": ["sizes: [square]\n", "sizes:\n  - square\n  - 2304x1792\n", 'sizes: ["4:3", square]\n'],
    "seeds": ["seeds: [7, 8]\n", "seeds: 1..3\n", "seeds: {base: 100, count: 3}\n"],
}
COMMENTS = st.sampled_from(["", "\n", "# a word\n", "\n# two\n# words: {here}\n"])
INCLUDES = ["", "include: [{}]\n", "include:\n  - {}\n", "include:\n- {}   # kept\n", "include: [\n  {},\n]\n"]


@st.composite
def campaigns_(draw: st.DrawFn) -> str:
    chosen = {name: draw(st.sampled_from(ways)) for name, ways in PARTS.items()}
    preset = {0: "", 1: ", preset: painting", 2: ", preset: art"}[PARTS["presets"].index(chosen["presets"])]
    market = {0: "", 1: ", market: us", 2: ", market: fr"}[PARTS["markets"].index(chosen["markets"])]
    own = f"{{product: candle, prompt: hero{preset}{market}, size: square, seeds: [99]{draw(LOOKS)}}}"
    chosen["include"] = draw(st.sampled_from(INCLUDES)).replace("{}", own)
    order = draw(st.permutations(sorted(chosen)))
    return HEAD + "".join(draw(COMMENTS) + chosen[name] for name in order) + draw(COMMENTS)


LOOKS = st.sampled_from(["", ", visual_intensity: 3", ', text: "it\'s {{so}}"', ", negative_prompt: null"])
LETTERS = st.characters(exclude_categories=("C", "Z"), exclude_characters="{}“”„‘’«»")
TEXTS = st.lists(st.text(LETTERS, min_size=1, max_size=8), min_size=1, max_size=5).map(" ".join)
WISHES = st.one_of(
    TEXTS.map(lambda text: TakeChange(text=text)),
    st.integers(1, 3).map(lambda number: TakeChange(further=number)),
    st.lists(st.integers(500, 600), min_size=1, max_size=6, unique=True).map(
        lambda seeds: TakeChange(seeds=tuple(seeds))
    ),
    st.tuples(TEXTS, st.integers(1, 5)).map(lambda both: TakeChange(text=both[0], further=both[1])),
)


@given(text=campaigns_(), wish=WISHES, at=st.integers(0, 10_000), ends=st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_retake_keeps_every_line_and_adds_exactly_its_images(
    text: str, wish: TakeChange, at: int, ends: str, tmp_path: Path
) -> None:
    path = tmp_path / "almond.yaml"
    before = text.replace("\n", ends).encode()
    path.write_bytes(before)
    plan = Plan(load(path))
    image = plan.at(at % len(plan))
    new = retake(load(path), image.variation, wish)
    new.write()
    kept = iter(path.read_bytes().splitlines(keepends=True))
    assert all(line in kept for line in before.splitlines(keepends=True) if not line.startswith(b"include: ["))
    keys = set(Plan(load(path)).keys())
    assert keys - set(plan.keys()) == set(new.added) and set(plan.keys()) <= keys
    assert len(new.added) == len(set(new.added)) == (len(wish.seeds) or wish.further or 1)
    if wish.text is None:
        assert {image.recipe.key(seed) for seed in range(1000)} >= set(new.added)


@pytest.mark.proof
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=campaigns_(), wish=WISHES, at=st.integers(0, 10_000), ends=st.sampled_from(["\n", "\r\n"]))
def test_hundreds_of_retakes(text: str, wish: TakeChange, at: int, ends: str, tmp_path: Path) -> None:
    inner = test_a_retake_keeps_every_line_and_adds_exactly_its_images.hypothesis.inner_test  # type: ignore[attr-defined]
    inner(text=text, wish=wish, at=at, ends=ends, tmp_path=tmp_path)
