"""Killed at any step: no half file under a final name, and the same command completes what was begun."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from campaign_runner.output_folder.delivery_record import read_record
from campaign_runner.output_folder.folder import Folder
from tests.deliver.histories import DeliveryHistory
from tests.deliver.killed import KILLED
from tests.deliver.stored import store
from tests.deliver.test_histories import TOP, a_place

CAMPAIGN = (
    TOP + 'channels: [{name: a, size: 64x64}, {name: b, size: 90x20}]\ndeliver: {folders: [channel], alt: "a candle"}\n'
)
BEFORE, AFTER = (0, 4, 5), (1, 4)
"""What is picked at first, and what is when the delivery is killed: one replaced, one kept, one withdrawn."""
MOST_STEPS = 400
SHARES = 4
ROOT = Path(__file__).parents[2]


def killed(folder: Folder, step: int) -> bool:
    """Whether a delivery in a process of its own died at that step, before its end."""
    command = [sys.executable, "-m", "tests.deliver.killed", str(folder.path), str(step), *map(str, AFTER)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert done.returncode in (0, KILLED), done.stderr
    return done.returncode == KILLED


def check_whole(folder: Folder) -> None:
    """Whatever has a final name is whole, and is what the record says of that name."""
    record = read_record(folder.path)
    known = {file.file: file.sha256 for file in record.files} if record else {}
    for path in (folder.path / "deliver").rglob("*.jpg"):
        with Image.open(path) as picture:
            picture.load()
        name = path.relative_to(folder.path / "deliver").as_posix()
        assert hashlib.sha256(path.read_bytes()).hexdigest() == known[name]


def die_and_go_on(place: Path, step: int) -> bool:
    """Kill a second delivery at a step, and complete it; False if it came to its end before."""
    deliveries = DeliveryHistory(store(place, CAMPAIGN, name="season"))
    deliveries.deliver(deliveries.choose(BEFORE), has_zips=True)
    deliveries.check()
    if not killed(deliveries.folder, step):
        return False
    check_whole(deliveries.folder)
    deliveries.deliver(deliveries.choose(AFTER), has_zips=True)
    record = deliveries.check()
    current = [file for file in record.files if file.state == "current"]
    assert len(current) == len({(file.channel, file.key) for file in current}) == len(AFTER)
    return True


@pytest.mark.parametrize("step", [7, 31])  # each of them is a proof
def test_a_delivery_that_is_killed_is_completed_by_the_next(step: int) -> None:
    with a_place() as place:
        assert die_and_go_on(place, step), "it came to its end before: this step is none"


@pytest.mark.proof
@pytest.mark.parametrize("share", range(SHARES))
def test_so_it_is_at_every_step(share: int, record_property: Callable[[str, object], None]) -> None:
    with a_place() as place:
        step = share
        while die_and_go_on(place / str(step), step):
            shutil.rmtree(place / str(step))
            step += SHARES
        assert 20 < step < MOST_STEPS
    record_property("proved", f"killed at every {SHARES}th of {step} steps of a delivery")
