"""Campaign files: good ones spoiled, words of the language in any order, and fields with values of any kind."""

from __future__ import annotations

import json
import re
import unicodedata
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from campaign_runner.campaign_file.loader import load
from campaign_runner.errors import CampaignFileError
from campaign_runner.firefly.protocol.interfaces import asked_by
from campaign_runner.plan.plan import Plan
from tests.fuzz.fuzzing import Target, spoiled

ROOT = Path(__file__).parents[2]
LINES = (
    "campaign: autumn\nmodel: image4_standard\n"
    "products: {candle: almond candle, soap: {name: soap, strength: 40}}\n"
    'prompts: {hero: "{product.name} on an oak table, {light}"}\nvars: {light: soft light}\n'
    "presets: [painting, golden_hour]\nsizes: [square, 16:9]\nseeds: 1..4\nbudget: 32\n"
)
MARKETS = (
    "campaign: a\nmodel: image3_custom\ncustom_model: Warm\ndefaults: {locale: en-US}\n"
    "markets: {us: {locale: en-US}, de: {locale: de-DE}}\nproducts: {a: {name: {en: a, de: b}}}\n"
    "prompts:\n  hero:\n    text: {other: '{product.name} {market} {concept}'}\n    negative_prompt: null\n"
    "sizes: [2048x2048]\nseeds: {base: 1000, count: 8}\n"
    "exclude:\n  - {market: us, size: 2048x2048}\n"
    "include:\n  - {product: a, prompt: hero, market: de, size: 2048x2048, text: 'only {product.id}', seeds: [7]}\n"
)
GOOD = tuple(
    text.encode()
    for text in (
        LINES,
        MARKETS,
        *(
            path.read_text(encoding="utf-8")
            for path in (
                ROOT / "campaigns" / "first.yaml",
                ROOT / "tests" / "campaign_file" / "good" / "twelve-lines.yaml",
                ROOT / "tests" / "campaign_file" / "good" / "everything.yaml",
            )
        ),
    )
)
KEYS = (
    "campaign", "model", "custom_model", "products", "prompts", "presets", "markets", "vars", "sizes", "seeds",
    "exclude", "include", "defaults", "budget", "quota", "concurrency", "channels", "due", "nobody knows",
)  # fmt: skip
WORDS = (
    *KEYS, "styles", "strength", "negative_prompt", "content_class", "visual_intensity", "locale", "format", "text",
    "style_reference", "structure_reference", "structure_strength", "upsampler", "name", "where", "hero", "other",
    "en", "de-DE", "image3", "image4_custom", "square", "plain", "candle", "per_minute", "base", "count", "null",
    "{product.name}", "{product.__class__}", "{0}", "{a}", "{a!r:>9}", "{{", "}}", "}", "{", "[", "]", ": ", ":",
    ", ", "- ", "? ", "\n", "\n  ", "\n    ", '"', "'", "#", " #", "&a ", "*a", "!x ", "!!python/name:os.system ",
    "<<", "<<: *a", "|", ">", "|2-\n", "%", "@", "`", "\t", "\r\n", "\r", "“", "”", "é", "e\u0301", "\u2028", "\x07",
    "\x85", "\ufeff", "\u202e", "---\n", "...\n", "%YAML 1.2\n", "1..5", "5..1", "16:9", "0:1", "2048x2048", "0x0",
    "-1", "007", "1e9", "0x1f", "1_0", "٣", "2147483648", "99999999999999999999", "1..2147483647", "{count: 1000000}",
    "CON", "con", "../..", "https://x.s3.amazonaws.com/a?b=c", "file:///etc/passwd", "/dev/zero", ".",
    "x" * 70, "x" * 1100, "[" * 40, "{a: " * 40,
)  # fmt: skip
PIECES = (
    *(word.encode() for word in WORDS),
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\x00",
    b"\xf4\x90\x80\x80",
    b"\xff\xfe",
)
LETTERS = (
    "abcxyz 0189-_",
    "abc {}\"'\\:#,&*!|>%@`\t\n/.~$",
    "éÅ秋가İı\u0301\u1100\u1161ﬁ½Ⅷ\u200d\u202e\U0001f56f",
    "\x00\x1b\x85\u2028\ufffe\ud800 a",
)
UNSAFE = {"Cc", "Cs"}
STEM = re.compile(r"images/[a-z0-9-]{1,40}/[a-z0-9_-]{1,140}_[0-9]+x[0-9]+_s[0-9]+_[0-9a-f]{8}", re.ASCII)


def make(chance: Random) -> bytes:
    match chance.randrange(20):
        case 0:
            return chance.randbytes(chance.randrange(200))
        case 1 | 2:
            return "".join(chance.choices(WORDS, k=chance.randrange(60))).encode("utf-8", "surrogatepass")
        case 3 | 4 | 5 | 6:
            return _with_odd_fields(chance)
        case 7 | 8 | 9 | 10:
            return _with_odd_texts(chance)
        case _:
            good = chance.choices(GOOD, weights=(8, 4, 8, 8, 1))[0]
            return spoiled(chance, good, PIECES, most=chance.choice((1, 1, 2, 5)))


def _with_odd_texts(chance: Random) -> bytes:
    """A campaign that is right as YAML, with texts of any characters; some of them can be sent."""

    def text(*, most: int = 6) -> str:
        letters = chance.choices(LETTERS, weights=(6, 4, 4, 1))[0]
        return "".join(chance.choices(letters, k=chance.randint(1, most)))

    names = {text(most=20): {"name": text(most=40)} for _ in range(chance.randint(1, 3))}
    products = list(names) if chance.random() < 0.5 else {f"p{n}": name for n, name in enumerate(names.values())}
    prompt = " ".join(
        chance.choices(("{product.name}", "{product.id}", "{size}", text(), text(most=60), "{{", "}}"), k=5)
    )
    fields: dict[str, Any] = {
        "campaign": "odd",
        "model": "image4_standard",
        "products": products,
        "prompts": {"hero": prompt},
    }
    fields |= {"sizes": ["square"], "seeds": [chance.randrange(2**31)], "presets": {text(most=3).lower(): {}}}
    if chance.random() < 0.5:
        del fields["presets"]
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _with_odd_fields(chance: Random) -> bytes:
    """A campaign of a line a field, some with a value of any kind; JSON is YAML."""
    text = chance.choice((LINES, MARKETS))
    for _ in range(chance.randint(1, 3)):
        field = chance.choice(KEYS)
        text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(f"{field}:"))
        text += f"{field}: {json.dumps(_value(chance, 3), ensure_ascii=chance.random() < 0.5)}\n"
    return text.encode("utf-8", "surrogatepass")


def _value(chance: Random, depth: int) -> object:
    match chance.randrange(8 if depth else 5):
        case 0:
            return None
        case 1:
            return chance.choice((0, -1, 7, 2**31, 10**30, 1.5, True))
        case 2 | 3 | 4:
            return "".join(chance.choices(WORDS, k=chance.randrange(1, 3)))
        case 5:
            return [_value(chance, depth - 1) for _ in range(chance.randrange(4))]
        case _:
            return {chance.choice(WORDS): _value(chance, depth - 1) for _ in range(chance.randrange(4))}


def hold(content: bytes, folder: Path) -> str:
    """A campaign that can be planned, or problems with a place; nothing else, and nothing that may not be sent."""
    path = folder / "a.yaml"
    path.write_bytes(content)
    try:
        campaign = load(path)
    except CampaignFileError as error:
        assert error.problems
        lines = len(content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        for problem in error.problems:
            assert 1 <= problem.line <= lines and problem.column >= 1, problem
            assert problem.message and _is_showable(str(problem)), str(problem)
        return "refused"
    plan = Plan(campaign)
    assert len(plan) > 0
    for planned in islice(plan, 20):
        assert STEM.fullmatch(planned.variation.stem), planned.variation.stem
        prompt = asked_by(planned.recipe).prompt
        assert 0 < len(prompt) <= 1024 and prompt == " ".join(unicodedata.normalize("NFC", prompt).split()), prompt
        assert not any(unicodedata.category(character) in UNSAFE for character in prompt), prompt
    return "loaded"


def _is_showable(text: str) -> bool:
    """Whether a terminal shows this text and does nothing else."""
    return not any(unicodedata.category(character) in UNSAFE for character in text if character != "\n")


CAMPAIGNS = Target("campaigns", 280, make, hold, frozenset({"loaded", "refused"}))
