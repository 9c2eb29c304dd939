"""Files as they come: line ends, marks, encodings, sizes, and attacks on the reader."""

import time
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import CampaignFileError

GOOD = """\
campaign: autumn
model: image4_standard
products: [almond candle]
prompts:
  hero: "{product.name} on an oak table"
sizes: [square]
seeds: [66080]
"""


def loaded(path: Path, content: bytes) -> Campaign:
    path.write_bytes(content)
    return load(path)


def problems(path: Path, content: bytes) -> list[str]:
    with pytest.raises(CampaignFileError) as raised:
        loaded(path, content)
    return [str(problem).removeprefix(str(path)).split("\n")[0] for problem in raised.value.problems]


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),  # Windows
        GOOD.replace("\n", "\r").encode(),  # old Macs
        b"\xef\xbb\xbf" + GOOD.encode(),  # a byte order mark, as Notepad writes it
        ("---\n" + GOOD + "...\n").encode(),
        GOOD.rstrip("\n").encode(),
    ],
)
def test_line_ends_and_marks_of_other_systems_change_nothing(content: bytes, tmp_path: Path) -> None:
    campaign = loaded(tmp_path / "a.yaml", content)
    assert campaign.prompts["hero"].text == {"": "{product.name} on an oak table"}
    assert campaign.sha256 == sha256(content).hexdigest()


def test_lines_and_columns_are_right_with_windows_line_ends_and_a_mark(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").replace("66080", "x").encode()
    assert problems(tmp_path / "a.yaml", content) == [":7:9: 'x' is not a whole number"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ":1:1: the file is empty"),
        (b"# only a comment\n", ":1:1: the file is empty"),
        (GOOD.encode("utf-16"), ":1:1: the file is UTF-16, not UTF-8"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", ":1:1: this is a picture (JPEG), not a text"),
        (b"PK\x03\x04\x14\0\xff\xff", ":1:1: this is an Excel, Word or zip file, not a text"),
        (b"\0\1\2\xff" * 9, ":1:1: this is another kind of file, not a text"),
        (b"a: b\n  \xff: c\n", ":2:3: the file is not UTF-8 from here on"),
        (b"a: " + b"x" * 1024 * 1024, ":1:1: the file is larger than 1 MiB"),
        (b"campaign: a\x00b\n", ":1:12: an invisible control character (U+0000)"),
        ("campaign: a\u200bb\n".encode("utf-16-le"), ":1:2: an invisible control character (U+0000)"),
    ],
)
def test_what_is_no_campaign_file_is_told_at_its_place(content: bytes, message: str, tmp_path: Path) -> None:
    assert message in problems(tmp_path / "a.yaml", content)


@pytest.mark.parametrize("name", ["missing.yaml", ".", "a\x00b"])
def test_a_file_that_cannot_be_read_is_a_problem(name: str, tmp_path: Path) -> None:
    with pytest.raises(CampaignFileError) as raised:
        load(tmp_path / name)
    assert len(raised.value.problems) == 1


ATTACKS = [
    "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",  # aliases that multiply
    "a: &a {x: 1}\nb: {<<: *a, <<: *a}\n",  # merge keys
    "a: " + "[" * 100_000,  # depth
    "a: " + "{a: " * 50_000,
    "- " * 100_000,
    "? " * 50_000,
    "a: !!python/object/apply:os.system [true]\n",
    "a: !!binary aGVsbG8=\n",
    "[" + "a, " * 200_000 + "]",  # events
    "a: '" + "'' " * 200_000,
    "a: |\n " + "- " * 200_000 + '\nb: "\\q"\n',  # a line that a pattern could be lost in
    "a: {b: c" + ", x" * 100_000 + "}\n",  # a value that grows with each mistake
    GOOD + "".join(f"key{n}: 1\n" for n in range(5_000)),
    GOOD + "exclude:\n  - {product: [" + ", ".join(f"p{n}" for n in range(20_000)) + "]}\n",
    GOOD + "vars: {x: '" + "".join(f"{{w{n}}}" for n in range(1200)) + "'}\n",
    GOOD.replace("[almond candle]", "{" + ", ".join(f"p{n}: {{name: n, w{n}: x}}" for n in range(3000)) + "}"),
    GOOD.replace("oak", "".join(f"{{product.w{n}}}" for n in range(30)))
    .replace("[almond candle]", "{" + ", ".join(f"p{n}: n" for n in range(3000)) + "}"),
    "a: |\n b" + " " * 400_000 + 'c\nb: "\\q"\n',
    "vars: {" + ", ".join(f'v{n}: "{{v{n + 1}}}{{v{n + 1}}}"' for n in range(60)) + ', v60: x}\n' + GOOD,  # 2^60
    "vars: {" + ", ".join(f'v{n}: "{{v{n + 1}}}"' for n in range(5000)) + ', v5000: x}\n' + GOOD,  # a tower
    'vars:\n  light: "{m\'  mood: "{season} mood"\n' + GOOD,  # quotes were put around a line again and again
    "vars: {" + ", ".join(f'v{n}: "{{v{n + 1}}}{{v{n + 1}}}"' for n in range(12)) + ", v12: x}\n"
    + GOOD.replace("oak", "{v0}" * 2000),  # 2000 times 2^12
    GOOD.replace("[almond candle]", "{a: b}") + "markets: {us: {sun: '{sun}'}}\nvars: {x: '{sun}'}\n",  # to itself
    GOOD.replace("{product.name}", "{product.name}{" * 50_000),
    GOOD.replace("oak", " " * 500_000),
    GOOD.replace("66080", "1..2147483647").replace("[almond candle]", "[" + ", ".join(map(str, range(9999))) + "]"),
    GOOD.replace("[66080]", "{count: 2000000000}").replace("[almond candle]", "[" + "a, " * 20_000 + "b]"),
]  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_an_attack_on_the_reader_is_refused_soon(text: str, tmp_path: Path) -> None:
    began = time.process_time()
    assert problems(tmp_path / "a.yaml", text.encode())
    assert time.process_time() - began < 10


TOKENS = [
    "campaign", "model", "products", "prompts", "presets", "markets", "vars", "sizes", "seeds", "exclude", "include",
    "defaults", "budget", "styles", "strength", "negative_prompt", "text", "name", "words", "hero", "other", "en",
    "image3", "image4_custom", "square", "plain", "a", "1", "null", "{product.name}", "{a}", "{{", "}", "{", "[", "]",
    ": ", ":", ", ", "- ", "\n", "\n  ", "\n    ", '"', "'", "#", " #", "&a ", "*a", "!x ", "<<", "|", ">", "%", "@",
    "\t", "\r\n", "“", "é", "\u2028", "\x07", "---\n", "1..5", "16:9",
]  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(max_size=200), st.lists(st.sampled_from(TOKENS), max_size=60).map("".join)))
def test_whatever_stands_in_a_file_only_problems_come_out(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load(path)
    except CampaignFileError as error:
        assert error.problems and str(error)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_good_file_with_one_spot_changed_is_a_campaign_or_a_problem(data: st.DataObject, tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "good" / "everything.yaml").read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    path = tmp_path / "a.yaml"
    path.write_text(text[:start] + data.draw(st.sampled_from(["", *TOKENS])) + text[end:], encoding="utf-8", newline="")
    try:
        load(path)
    except CampaignFileError as error:
        assert error.problems and str(error)
