"""Whatever is picked, cropped and withdrawn in whatever order: the record is the disk, and versions count up."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.deliver.histories import DeliveryHistory
from tests.deliver.stored import store

SHARES = 8
TOP = """\
campaign: season
model: image3
products: {candle: almond candle, soap: almond soap}
prompts: {hero: "{product.name} on an oak table"}
sizes: [1024x1024, 1152x896]
seeds: [1, 2]
"""
IMAGES = 8  # candle square 1 and 2, candle landscape 1 and 2, then soap
CHANNELS = ["{name: square, size: 64x64}", "{name: band, size: 90x20}", "{name: tower, size: 20x60, max_kb: 40}"]
NAMES = [None, "{product}_{channel}_{seed}_v{version}", "X_{channel}_{product}_{key8}", "{channel}-{product}-{seed}"]


@dataclass(frozen=True)
class Step:
    """One delivery: what the file says by then, and what is picked."""

    picks: frozenset[int]
    channels: tuple[str, ...]
    name: str | None
    folders: tuple[str, ...]
    alt: str
    focus: tuple[float, float] | None
    is_elsewhere: bool
    has_zips: bool

    def text(self) -> str:
        name = "" if self.name is None else f'  name: "{self.name}"\n'
        folders = f"  folders: [{', '.join(self.folders)}]\n" if self.folders else ""
        return f"{TOP}channels: [{', '.join(self.channels)}]\ndeliver:\n  alt: {self.alt}\n{name}{folders}"


steps = st.builds(
    Step,
    picks=st.frozensets(st.integers(0, IMAGES - 1), max_size=5),
    channels=st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=3, unique=True).map(tuple),
    name=st.sampled_from(NAMES),
    folders=st.sampled_from([(), ("channel",), ("product", "channel")]),
    alt=st.sampled_from(["a candle", "a soap"]),
    focus=st.sampled_from([None, (0.1, 0.1), (0.9, 0.5)]),
    is_elsewhere=st.booleans(),
    has_zips=st.booleans(),
)


@contextmanager
def a_place() -> Iterator[Path]:
    """A folder in memory where there is one: what a sync is worth is proved where disks are tested."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="deliveries-") as place:
        yield Path(place)


def go_through(history: list[Step]) -> None:
    """Deliver step by step, and look after each."""
    with a_place() as place:
        deliveries = DeliveryHistory(store(place, TOP, name="season"))
        for step in history:
            deliveries.file.write_text(step.text(), encoding="utf-8")
            chosen = deliveries.choose(sorted(step.picks), {"*": step.focus} if step.focus else None)
            target = place / "elsewhere" if step.is_elsewhere else None
            deliveries.deliver(chosen, target, has_zips=step.has_zips)
            deliveries.check()
            again = deliveries.deliver(chosen, target, has_zips=step.has_zips)
            assert (again.made, again.gone) == ([], [])
            deliveries.check()


def test_a_row_that_delivered_two_images_meanwhile_gives_no_version_twice() -> None:
    square, name, folders = ("{name: square, size: 64x64}",), "X_{channel}_{product}_{key8}", ("product", "channel")
    one, two = (Step(frozenset(picks), square, name, folders, "a soap", None, True, False) for picks in ([0], [0, 1]))
    other = Step(frozenset([0]), square, None, (), "a candle", None, False, False)
    go_through([one, two, other])
    go_through([one, two, Step(frozenset([1]), square, name, folders, "a soap", None, True, False)])


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, min_size=1, max_size=4))
def test_the_record_is_the_disk_and_versions_are_never_used_twice(history: list[Step]) -> None:
    go_through(history)


@pytest.mark.proof
@pytest.mark.parametrize("share", range(SHARES))
def test_so_it_is_over_two_hundred_histories(share: int) -> None:
    """In shares, which workers take beside each other; each draws its own, the same each time unless we explore."""
    drawn = given(st.lists(steps, min_size=2, max_size=7))(go_through)
    some = settings(max_examples=200 // SHARES, suppress_health_check=[HealthCheck.too_slow])(drawn)
    seed(share if settings().derandomize else secrets.randbits(64))(some)()
