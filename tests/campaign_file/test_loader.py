"""What a loaded campaign tells about its file: places, warnings, and pictures that are checked."""

import unicodedata
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from campaign_runner.campaign_file.loader import load
from campaign_runner.problem import Problem
from campaign_runner.text import followed, joined, printable
from tests.campaign_file.conftest import Load, Messages

HERE = Path(__file__).parent
CUT = "look.png is cut off or damaged: it has no end"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def drawn(format: str) -> bytes:
    content = BytesIO()
    Image.effect_noise((64, 64), 50).convert("RGB").save(content, format)
    return content.getvalue()


@pytest.mark.parametrize(
    ("loc", "line", "there"),
    [
        (("budget",), 40, "200 "),  # the value
        (("prompts",), 25, "prompts:"),  # the key, where the value begins below it
        (("prompts", "hero"), 26, "hero:"),
        (("prompts", "hero", "text", "de"), 28, '"{product.name} auf'),  # a part that is not written is passed over
        (("prompts", "detail", "strength"), 30, "30}"),
        (("products", "soap", "prompts", 0), 19, "hero]"),
        (("products", "soap", "material"), 17, "soap:"),  # the nearest around what is not written
        (("include", 0, "seeds", 0), 39, "66080]}"),
        (("seeds", 1), 35, "82683]"),
        (("nowhere",), 2, "campaign:"),
        ((), 2, "campaign:"),
    ],
)
def test_a_problem_stands_at_the_place_of_its_key(loc: tuple[str | int, ...], line: int, there: str) -> None:
    campaign = load(HERE / "good" / "everything.yaml")
    problem = campaign.problem(loc, "message", "advice")
    assert problem.line == campaign.line(loc) == line
    assert problem.source[problem.column - 1 :].startswith(there)


def test_places_of_derived_ids_are_those_of_their_names(campaign: Load) -> None:
    loaded = campaign(products="[almond candle, almond soap]")
    assert loaded.problem(("products", "almond-soap"), "x").column == 27
    assert loaded.products["almond-soap"].name == {"": "almond soap"}


def test_what_is_not_written_has_its_usual_value(campaign: Load) -> None:
    loaded = campaign()
    assert (loaded.budget, loaded.custom_model, loaded.concurrency) == (None, None, 8)
    assert (loaded.quota.per_minute, loaded.quota.per_day) == (None, None)
    assert list(loaded.presets) == ["plain"]
    assert (loaded.exclude, loaded.include, loaded.markets) == ((), (), {})


MARKETS = "{us: {locale: en-US}, uk: {locale: en-GB}, de: {locale: de-DE}}"


@pytest.mark.parametrize(
    ("lines", "warnings"),
    [
        ({}, []),
        ({"presets": "[paintin]"}, ["Adobe has no style 'paintin'; did you mean 'painting'?"]),
        ({"presets": "[long, long-time_exposure, polka-dot_pattern, neo-expressionism]"}, []),  # both spellings
        ({"vars": "{mood: calm}"}, ["nothing uses {mood}"]),
        ({"prompts": '{hero: "{{product.name}}"}'},
         ["{{ and }} are sent as { and }: nothing is filled in between them"]),
        ({"markets": MARKETS, "products": "{a: {name: {other: b}}}"},
         ["1 prompt has only one text, but your markets use de and en"]),
        ({"markets": MARKETS, "prompts": '{hero: {other: "{product.name}"}}'},
         ["2 products have only one name, but your markets use de and en"]),
        ({"markets": "{us: {locale: en-US}, uk: {locale: en-GB}}"}, []),  # one language
    ],
)  # fmt: skip
def test_what_deserves_a_look_is_a_warning_and_stops_nothing(
    lines: dict[str, str], warnings: list[str], campaign: Load
) -> None:
    assert [warning.message for warning in campaign(**lines).warnings] == warnings


@pytest.mark.parametrize(
    ("link", "is_taken"),
    [
        ("https://b.s3.amazonaws.com/a.jpg", True),
        ("https://storage.googleapis.com/b/a.jpg", True),
        ("https://x.blob.core.windows.net:443/a.jpg?v=2", True),
        ("https://amazonaws.com.evil.example/a.jpg", False),  # another host
        ("https://evilamazonaws.com/a.jpg", False),  # no dot before the known name
        ("https://amazonaws.com@evil.example/a.jpg", False),  # a user
        ("https://b.s3.amazonaws.com:8443/a.jpg", False),
        ("https://b.s3.amazonaws.com./a.jpg", False),
        ("https://evil.example\\\\.amazonaws.com/a.jpg", False),
        ("https://127.0.0.1/a.jpg", False),
        ("https://[::1/a.jpg", False),
        ("http://b.s3.amazonaws.com/a.jpg", False),
        ("ftp://b.s3.amazonaws.com/a.jpg", False),
        ("https://b.s3.amazonaws.com/ä.jpg", False),
        ("https://b.s3.amazonaws.com/a.jpg?X-Amz-Signature=0", False),  # signed
        ("https://x.blob.core.windows.net/a.jpg?sv=1&sig=0", False),
        ("https://b.s3.amazonaws.com/" + "a" * 2083, False),
    ],
)
def test_a_link_is_taken_only_from_hosts_that_firefly_fetches_from(
    link: str, is_taken: bool, messages: Messages
) -> None:
    assert bool(messages(defaults=f'{{style_reference: "{link}"}}')) is not is_taken


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (drawn("PNG"), None),
        (drawn("JPEG"), None),
        (drawn("WEBP"), None),
        (drawn("JPEG")[:-100], CUT),  # half synced
        (drawn("JPEG")[:-100] + bytes(100), CUT),  # with its length, but not its content yet
        (drawn("PNG")[:-20], CUT),
        (PNG + bytes(15_000_000), "look.png has 15.0 MB; Firefly accepts at most 15 MB"),
        (b"", "look.png is not a JPEG, PNG or WebP picture"),
        (b"GIF89a" + bytes(20), "look.png is not a JPEG, PNG or WebP picture"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "look.png is not a JPEG, PNG or WebP picture"),
    ],
)
def test_a_reference_file_is_a_picture_of_at_most_15_mb(
    content: bytes, message: str | None, tmp_path: Path, messages: Messages
) -> None:
    (tmp_path / "look.png").write_bytes(content)
    assert messages(defaults="{style_reference: look.png}") == ([message] if message else [])


def test_a_picture_is_found_by_its_name_in_either_spelling_of_its_letters(tmp_path: Path, messages: Messages) -> None:
    (tmp_path / unicodedata.normalize("NFD", "Träume.png")).write_bytes(drawn("PNG"))
    assert messages(defaults='{style_reference: "Träume.png"}') == []
    assert messages(defaults=f'{{style_reference: "{unicodedata.normalize("NFD", "Träume.png")}"}}') == []


def test_a_picture_whose_name_differs_in_case_is_guessed_at(tmp_path: Path, messages: Messages) -> None:
    (tmp_path / "Look.PNG").write_bytes(drawn("PNG"))
    assert messages(defaults="{style_reference: look.png}") == ["there is no file look.png; did you mean 'Look.PNG'?"]


def test_a_folder_is_no_picture(tmp_path: Path, messages: Messages) -> None:
    (tmp_path / "look.png").mkdir()
    assert messages(defaults="{style_reference: look.png}") == ["the picture cannot be read: is a directory"]


def test_images_that_are_the_same_count_once_against_the_budget(campaign: Load, messages: Messages) -> None:
    same = "{painting: {styles: [painting]}, painted: {styles: [painting]}, plain: {}}"
    assert campaign(presets=same, budget="8").budget == 8  # 2 products x 2 looks x 2 seeds
    assert messages(presets=same, budget="7") == ["this campaign makes 8 images, 1 over its budget of 7"]


def test_a_problem_points_at_wide_characters_and_shows_no_control_character() -> None:
    problem = Problem(Path("a.yaml"), 3, 3, "bad\x1b[31m", "秋\tx\x1b")
    assert str(problem) == "a.yaml:3:3: bad�[31m\n3 | 秋→x�\n       ^"


def test_a_long_line_is_shown_around_the_caret() -> None:
    number, line, caret = str(Problem(Path("a.yaml"), 1, 701, "m", "a" * 700 + "b" + "c" * 700)).split("\n")
    assert line[caret.index("^")] == "b"
    assert len(line) < 180
    assert number == "a.yaml:1:701: m"


def test_long_lists_are_shortened() -> None:
    assert joined([str(n) for n in range(40)]) == "0, 1, 2, 3, 4 and 35 more"
    assert printable("plain") == "plain"


def test_a_question_is_followed_by_no_other_mark() -> None:
    assert (
        followed("no such size; did you mean 'wide'?", "sizes: wide", ";")
        == "no such size; did you mean 'wide'? sizes: wide"
    )
    assert followed("no such size", "sizes: wide", ";") == "no such size; sizes: wide"
    assert followed("no such size", "", ";") == "no such size"
