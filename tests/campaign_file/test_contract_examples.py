"""The four messages that the contract promises, to the letter."""

from pathlib import Path

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.errors import CampaignFileError

TOP = "campaign: autumn\nmodel: image3_custom\ncustom_model: Warm Custom Model\n"
END = "sizes: [square]\nseeds: [1]\n"

UNQUOTED = """\
autumn.yaml:13:9: a text that begins with { needs quotes
13 |   hero: {product.name} on an oak table
             ^
try: hero: "{product.name} on an oak table\""""

COMMA = """\
autumn.yaml:6:35: 'golden' has no value: a comma inside { } begins the next entry
6 | vars: {light: soft morning light, golden}
                                      ^
try: vars: {light: "soft morning light, golden"}"""

MISSING = """\
autumn.yaml:49:19: {product.scent} is missing for 2 of 40 products: soap (line 9), scrub (line 14)
49 |   hero: "{product.scent} on an oak table"
                       ^
give them a scent, or keep them out of this prompt: soap: {…, prompts: [detail]}"""

SIZE = """\
autumn.yaml:20:9: image3_custom cannot make 1080x1920
available sizes: square 2048x2048, landscape 2304x1792, portrait 1792x2304, wide 2688x1536, and 6 smaller
sizes are made, channels are cut from them: for 1080x1920 write sizes: [portrait] and channels: [instagram-story]"""


def problems_of(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder)
    Path("autumn.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(CampaignFileError) as raised:
        load(Path("autumn.yaml"))
    return str(raised.value)


def test_a_text_that_begins_with_a_brace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TOP + "products:\n  candle: almond candle\n" + "#\n" * 6
    text += "prompts:\n  hero: {product.name} on an oak table\n" + END
    assert problems_of(text, tmp_path, monkeypatch) == UNQUOTED


def test_a_comma_in_braces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TOP + "products:\n  candle: almond candle\nvars: {light: soft morning light, golden}\n"
    text += 'prompts:\n  hero: "{product.name}, {light}"\n' + END
    assert problems_of(text, tmp_path, monkeypatch) == COMMA


def test_a_word_that_two_of_forty_products_lack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {6: "candle", 9: "soap", 14: "scrub"}
    rows = [f"  {names.get(line, f'product-{line}')}: {{name: a{', scent: b' if line not in (9, 14) else ''}}}"
            for line in range(5, 45)]  # fmt: skip
    prompts = '  hero: "{product.scent} on an oak table"\n  detail: "macro of {product.name}"\n'
    text = TOP + "products:\n" + "\n".join(rows) + "\n#\n#\n#\nprompts:\n" + prompts + END
    assert problems_of(text, tmp_path, monkeypatch) == MISSING


def test_a_size_that_the_family_cannot_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TOP + 'products:\n  candle: almond candle\nprompts:\n  hero: "{product.name}"\n' + "#\n" * 12
    assert problems_of(text + "sizes: [1080x1920]\nseeds: [1]\n", tmp_path, monkeypatch) == SIZE
