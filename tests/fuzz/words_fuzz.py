"""Short texts that a person writes: names that become ids and files, placeholders, and what `--only` selects."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from random import Random

from campaign_runner.campaign_file.schema.ids import derived, id_flaw
from campaign_runner.campaign_file.schema.templates import Slot, flaws, parse
from campaign_runner.errors import IntegrityError, StoreError, UsageError
from campaign_runner.model import Cell, Size
from campaign_runner.plan.selection import Selection, read_only
from campaign_runner.ports import Put
from campaign_runner.store import FolderStore
from tests.fuzz.fuzzing import Target

PARTS = (
    "", ".", "..", "/", "\\", "con", "CON", "nul.jpg", "com¹", "lpt9", "aux ", "a", "almond-candle", "Ümläut",
    "秋", "İ", "e\u0301", "é", "ﬁ", "\u202e", "\x00", "\n", "\x1b[2J", "a:b", "a?b", "*", "~", "$HOME", "%2e%2e",
    "\ud800", " ", "-", "x" * 41, "x" * 260, "é" * 130, "'", '"', "`id`", ";rm", "|", "<script>", "../" * 8,
    "/etc/passwd", "C:", "\u2025",
)  # fmt: skip
DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9])")


def make_name(chance: Random) -> str:
    if chance.random() < 0.2:
        return "/".join(chance.choices(("candle", "hero", "a-1", *PARTS), k=chance.randint(1, 3)))
    return "".join(chance.choices(PARTS, k=chance.randint(1, 4)))


def hold_name(name: str, folder: Path) -> str:
    """An id is harmless everywhere; an image's name is refused, or a file below the images' folder and nowhere else."""
    for id in (name, derived(name)):
        if id_flaw(id) is None:
            assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", id, re.ASCII) and not DEVICE.fullmatch(id), id
    home = folder / "names"
    before = {path.name for path in folder.iterdir()} | {"names"}
    try:
        home.mkdir()
        assert asyncio.run(_put(home, name)) is Put.NEW
        found = home / "images" / name
        assert found.read_bytes() == b"x" and found.resolve().is_relative_to((home / "images").resolve()), found
        return "stored"
    except (IntegrityError, StoreError) as error:
        assert not re.fullmatch(r"[a-z0-9-]{1,40}(/[a-z0-9-]{1,40})*", name), error
        return "refused"
    finally:
        assert {path.name for path in folder.iterdir()} <= before, "something was made outside"
        shutil.rmtree(home)


async def _put(home: Path, name: str) -> Put:
    store = FolderStore(home)
    await store.ready()
    return await store.put_new(f"images/{name}", b"x", hashlib.sha256(b"x").hexdigest())


TOKENS = (
    "{",
    "}",
    "{{",
    "}}",
    "{product.name}",
    "{a}",
    "{}",
    "{ }",
    "{a!r}",
    "{a.__class__}",
    "{0[x]:>9}",
    "a",
    "é",
    "\n",
)


def make_template(chance: Random) -> str:
    return "".join(chance.choices(TOKENS, k=chance.randrange(12)))


def hold_template(text: str, folder: Path) -> str:
    """Literal parts and slots, from which the text can be written again; what is neither is a flaw at its place."""
    stray = flaws(text)
    assert all(text[flaw.at] == flaw.brace for flaw in stray)
    parts = parse(text)
    for part in parts:
        if isinstance(part, Slot):
            assert text[part.at :].startswith(f"{{{part.name}}}"), part
    if stray:
        return "flawed"
    again = "".join(
        f"{{{part.name}}}" if isinstance(part, Slot) else part.replace("{", "{{").replace("}", "}}") for part in parts
    )
    assert again == text, parts
    return "plain"


KNOWN = {
    "product": ["candle", "soap"],
    "prompt": ["hero", "detail"],
    "preset": ["plain"],
    "market": [],
    "size": ["2048x2048", "square"],
    "seed": ["0", "7", "66080"],
}
CELLS = [
    Cell(product, prompt, "plain", None, Size(2048, 2048)) for product in KNOWN["product"] for prompt in KNOWN["prompt"]
]
KEY = "bcb38449d48f6913f5da061a973bb7a2f50b480aaec633f8149a90ac81881640"
VALUES = (*KNOWN["product"], "hero", "plain", "2048x2048", "007", "66080", "٣", "²", "-1", KEY, KEY[:8].upper(),
          KEY[:7], "", " ", "=", "*", "candle ", "cand", "\x00", "\ud800", "x" * 300, "1" * 5000)  # fmt: skip


def make_only(chance: Random) -> list[str]:
    return [_option(chance) for _ in range(chance.randint(1, 2))]


def _option(chance: Random) -> str:
    axis = chance.choice([axis for axis, names in KNOWN.items() if names])
    values = chance.choices(KNOWN[axis], k=chance.randint(1, 2))
    if chance.random() < 0.3:
        values.append(chance.choice(VALUES))
    if chance.random() < 0.2:
        axis = chance.choice(("key", "market", "Product", "", "file", " seed"))
    return axis + chance.choice("=======:,") + chance.choice((",", ", ", ",,")).join(values)


def hold_only(options: list[str], folder: Path) -> str:
    """A selection that matches what its words say, or one sentence about the word that does not fit."""
    try:
        only = read_only(options, KNOWN)
    except UsageError as error:
        assert str(error).startswith("--only"), error
        return "refused"
    wanted = _wanted(options)
    for cell in CELLS:
        for seed in (0, 7, 66080):
            assert only.matches([cell], seed, KEY) == _matches(wanted, cell, seed), (cell, seed)
    return "selects some" if _selects(only) else "selects none"


def _wanted(options: list[str]) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {}
    for option in options:
        axis, _, values = option.partition("=")
        wanted.setdefault(axis, set()).update(filter(None, (value.strip() for value in values.split(","))))
    return wanted


def _matches(wanted: Mapping[str, set[str]], cell: Cell, seed: int) -> bool:
    names = {"product": cell.product, "prompt": cell.prompt, "preset": cell.preset, "size": str(cell.size)}
    for axis, values in wanted.items():
        if axis == "seed":
            fits = seed in map(int, values)
        elif axis == "key":
            fits = any(KEY.startswith(value.lower()) for value in values)
        else:
            fits = names.get(axis, "") in values
        if not fits:
            return False
    return True


def _selects(only: Selection) -> bool:
    return any(only.matches([cell], seed, KEY) for cell in CELLS for seed in (0, 7, 66080))


NAMES = Target("names", 40, make_name, hold_name, frozenset({"refused", "stored"}))
TEMPLATES = Target("placeholders", 60, make_template, hold_template, frozenset({"flawed", "plain"}))
ONLY = Target("only", 60, make_only, hold_only, frozenset({"refused", "selects some", "selects none"}))
