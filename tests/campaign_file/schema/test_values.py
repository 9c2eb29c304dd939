"""Scalars are read by the field they stand in: a table of what YAML would make of them, and what we make."""

import pytest

from campaign_runner.model import Size
from tests.campaign_file.conftest import Load, Messages


@pytest.mark.parametrize(
    "written",
    [
        "1984",  # an integer elsewhere
        "no",  # a boolean elsewhere
        "Yes",
        "on",
        "16:9",  # base 60 elsewhere
        "1:30",
        "007",  # octal elsewhere
        "010",
        "0x1F",
        "1_000",
        "1e3",
        "1.50",
        "2024-12-24",  # a date elsewhere
        "null",  # nothing elsewhere
        "~",
        ".inf",
        ".NaN",
        "true",
        "C# candle",  # no space before #
        "candle's",
        "http://x",  # a colon without a space
        "=",  # a special type of YAML 1.1
    ],
)
def test_a_text_is_the_characters_written(written: str, campaign: Load) -> None:
    assert campaign(products=f"\n  candle: {written}").products["candle"].name == {"": written}


@pytest.mark.parametrize(
    "written",
    [
        "1_000",  # YAML's thousands
        "1.000",  # a German thousand
        "1,000",  # an English thousand
        "1e3",
        "0x10",
        "010",  # octal
        "1:30",  # base 60
        "+5",
        "5.0",
        '"5"',  # a text
        "five",
        "true",  # an integer for Python
        "0",  # too few
        "-5",
        "９",  # a digit for Python
        "99999999999999999999",
        ".inf",
        ".nan",
        "null",  # only look fields can be unset
        "[5]",
        "{a: 5}",
    ],
)
def test_a_number_is_plain_decimal_digits_and_nothing_else(written: str, messages: Messages) -> None:
    assert len(messages(budget=written)) == 1


@pytest.mark.parametrize(
    ("model", "written", "size"),
    [
        ("image4_standard", "square", Size(2048, 2048)),
        ("image4_standard", "tall", Size(1440, 2560)),
        ("image3", "1152x896", Size(1152, 896)),
        ("image4_standard", '"1:1"', Size(2048, 2048)),
        ("image4_standard", "16:9", Size(2688, 1536)),  # 1.75, 1.6 % from 1.78
        ("image4_standard", '"9:16"', Size(1440, 2560)),
        ("image3", '"16:9"', Size(2688, 1512)),  # exactly, and larger than 1344x756
        ("image3", '"7:4"', Size(2688, 1536)),  # exactly, and larger than 1344x768
        ("image4_standard", '"4:3"', Size(2304, 1792)),  # 1.286, 3.6 % from 1.333
        ("image3", '"9:7"', Size(2304, 1792)),  # equal to 1152x896: the larger
    ],
)
def test_a_size_becomes_pixels_of_the_family(model: str, written: str, size: Size, campaign: Load) -> None:
    assert campaign(model=model, sizes=f"[{written}]").sizes == (size,)


@pytest.mark.parametrize(
    ("model", "written"),
    [
        ("image3", "tall"),  # image4 only
        ("image4_standard", "1024x1024"),  # image3 only
        ("image4_standard", '"3:1"'),  # 71 % from wide
        ("image3", '"9:16"'),  # image3 makes none so tall
        ("image4_standard", "0x0"),
        ("image4_standard", "2048X2048"),
        ("image4_standard", "99999x99999"),
        ("image4_standard", '"0:1"'),
        ("image4_standard", '"1:0"'),
        ("image4_standard", "{width: 2048, height: 2048}"),
    ],
)
def test_a_size_that_the_family_does_not_make_is_a_problem(model: str, written: str, messages: Messages) -> None:
    assert len(messages(model=model, sizes=f"[{written}]")) == 1


@pytest.mark.parametrize(
    ("written", "seeds"),
    [
        ("[3, 1, 2]", (3, 1, 2)),  # in file order
        ('"1000..1007"', range(1000, 1008)),
        ("1000..1007", range(1000, 1008)),
        ("5..5", range(5, 6)),
        ("{base: 1000, count: 8}", range(1000, 1008)),
        ("{count: 4}", range(1, 5)),
        ("[0, 2147483647]", (0, 2147483647)),
    ],
)
def test_seeds_are_a_list_or_a_range_that_is_not_expanded(written: str, seeds: object, campaign: Load) -> None:
    assert campaign(seeds=written).seeds == seeds


@pytest.mark.parametrize(
    "written",
    [
        "[]",
        "66080",
        "[-1]",
        "[2147483648]",
        "[1, 1]",
        '["1"]',
        "[one]",
        "[[1]]",
        "2147483640..2147483650",  # ends beyond the largest seed
        "7..3",
        "{count: 0}",
        "{base: 2147483647, count: 2}",
        "{base: 5}",
        "{from: 5, count: 2}",
        "{count: many}",
    ],
)
def test_what_is_not_a_seed_is_a_problem(written: str, messages: Messages) -> None:
    assert len(messages(seeds=written)) == 1


@pytest.mark.parametrize("locale", ["en-US", "de-DE", "ja-JP", "zh-Hans-CN", "es-419", "id-ID"])
def test_a_locale_is_language_and_region(locale: str, campaign: Load) -> None:
    assert campaign(defaults=f"{{locale: {locale}}}").defaults.locale == locale


@pytest.mark.parametrize("locale", ["en", "en_US", "EN-us", "english", "en-USA", "e-US", '""'])
def test_what_is_not_a_locale_is_a_problem(locale: str, messages: Messages) -> None:
    assert len(messages(defaults=f"{{locale: {locale}}}")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "نام\u200cها",  # a joiner that is part of the spelling
        "👩\u200d🔬",  # one that makes two pictures one
        "❤\ufe0f candle",  # a variation selector
        "\u200fשמן\u200e oil",  # direction marks
        "\u2067שמן\u2069",
        "soft\u00a0soap",  # a space that does not break
    ],
)
def test_joiners_selectors_and_direction_marks_are_part_of_a_text(text: str, campaign: Load) -> None:
    assert campaign(products=f"{{candle: {text}}}").products["candle"].name == {"": text}


@pytest.mark.parametrize("text", ["“quoted”", "„Mandelseife“", "«savon»", "‘it’ and ‘that’"])
def test_typographic_quotes_inside_straight_ones_belong_to_the_text(
    text: str, campaign: Load, messages: Messages
) -> None:
    for quote in ('"', "'"):
        assert campaign(products=f"{{candle: {quote}{text}{quote}}}").products["candle"].name == {"": text}
    assert "are not quotes for YAML" in messages(products=f"{{candle: {text}}}")[0]


@pytest.mark.parametrize("escape", ["\\u200b", "\\u2060", "\\xAD", "\\uFEFF"])
def test_invisible_characters_are_not_smuggled_in_as_escapes(escape: str, messages: Messages) -> None:
    (message,) = messages(products=f'{{candle: "almond{escape} candle"}}')
    assert message.startswith("this text contains an invisible character: ")
