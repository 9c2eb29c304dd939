"""What `--only` accepts, and how it refuses the rest."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from campaign_runner.cli.options import selection
from campaign_runner.errors import UsageError
from campaign_runner.model import Cell, Size
from campaign_runner.plan.selection import EVERYTHING, Selection, read_only
from tests.campaigns import campaign

REFUSED = [
    ("colour=red", "--only colour=red: say AXIS=VALUE, where AXIS is one of product, prompt, preset, market, size"),
    ("Products=tea", "--only Products=tea: did you mean 'product'?"),
    ("channel=x-ad", "--only channel=x-ad: a campaign names its channels in its file, and all of them are delivered"),
    ("product", "--only product: say AXIS=VALUE"),  # no value at all
    ("product=", "--only product=: name at least one product"),
    ("product=,", "name at least one product"),
    ("product=soap,size=square", "each AXIS needs its own --only, as in --only product=tea --only size=wide"),
    ("product=soap,siz=square", "--only product=soap,siz=square: each AXIS needs its own --only"),
    ("product=sope", "--only product=sope: no product has this name; did you mean 'soap'?"),
    ("product=xyz", "no product has this name; there are candle, soap"),  # nothing near
    ("preset=golden", "no preset has this name; there are plain"),
    ("market=de", "this campaign has no market"),
    ("size=2048x2049", "no size has this name; did you mean '2048x2048'?"),
    ("seed=5", "no seed has this name; there are 66080, 82683"),
    ("seed=one", "--only seed=one: a seed is a whole number"),
    ("key=3f9c2a1", "--only key=3f9c2a1: give at least 8 of the key's hex digits"),
    ("key=3f9c2a1z", "give at least 8 of the key's hex digits"),
]


@pytest.mark.parametrize(("option", "message"), REFUSED)
def test_a_value_that_names_nobody_is_refused_with_advice(option: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        selection([option], campaign(tmp_path))
    assert message in str(refused.value)


def test_a_size_may_be_called_by_its_name(tmp_path: Path) -> None:
    spec = campaign(tmp_path, sizes=["square", "tall"])
    assert selection(["size=tall,2048x2048"], spec).values == {"size": {"1440x2560", "2048x2048"}}


def test_seeds_of_include_cells_can_be_named(tmp_path: Path) -> None:
    cell = {"product": "soap", "prompt": "hero", "preset": "plain", "size": "square", "seeds": [5]}
    spec = campaign(tmp_path, include=[cell])
    assert selection(["seed=5,66080"], spec).values == {"seed": {"5", "66080"}}


def test_many_names_are_not_all_listed() -> None:
    with pytest.raises(UsageError) as refused:
        read_only(["product=zzz"], {"product": [f"candle-{number}" for number in range(500)]})
    assert len(str(refused.value)) < 250


def test_without_options_everything_is_meant() -> None:
    assert read_only([]) == EVERYTHING
    assert not EVERYTHING


def test_as_many_keys_may_be_selected_as_there_are_images() -> None:
    """Looking at each of them for each image took eight minutes for 22,500 picks among 100,000 images."""

    class Counted(frozenset[str]):
        read = 0

        def __iter__(self) -> Iterator[str]:
            type(self).read += len(self)
            return super().__iter__()

    cell = Cell("mug", "hero", "plain", None, Size(2048, 2048))
    keys = [sha256(b"%d" % number).hexdigest() for number in range(300)]
    some = Selection({"key": Counted([*keys[:200], keys[200][:8]])})
    assert [key for key in keys if some.matches([cell], 1, key)] == keys[:201]
    assert Counted.read <= 2 * len(keys)
