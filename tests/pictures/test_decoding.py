"""Decoding in several threads: at once, within a bound, and without a word of warning."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from campaign_runner.pictures.decoding import PixelRoom, SharedQuiet

PATIENCE = 60.0
"""Seconds after which something is wrong with the test, and it says so."""


def at_once(work: Callable[[int], None], number: int) -> None:
    """`work` in so many threads."""
    with ThreadPoolExecutor(number) as threads:
        list(threads.map(work, range(number)))


def test_small_pictures_are_decoded_at_the_same_time() -> None:
    room, all_inside = PixelRoom(100), threading.Barrier(4)

    def decode(number: int) -> None:
        with room.taken(25):
            all_inside.wait(PATIENCE)  # none of them leaves before all are in

    at_once(decode, 4)


def test_never_more_pixels_than_fit_are_decoded_at_once() -> None:
    room, turn = PixelRoom(100), threading.Lock()
    inside: list[int] = []
    most = 0

    def decode(number: int) -> None:
        nonlocal most
        pixels = (10, 40, 70, 100)[number % 4]
        with room.taken(pixels):
            with turn:
                inside.append(pixels)
                most = max(most, sum(inside))
            with turn:
                inside.remove(pixels)

    at_once(decode, 40)
    assert most <= 100


def test_one_that_alone_is_too_large_is_decoded_alone() -> None:
    with PixelRoom(100).taken(1000):
        pass


def test_who_has_one_open_may_open_another() -> None:
    room = PixelRoom(100)
    with room.taken(100), room.taken(100):
        pass
    with room.taken(100):
        pass


def test_warnings_are_quiet_while_anybody_decodes_and_told_afterwards() -> None:
    quiet, both_inside, first_left = SharedQuiet(), threading.Barrier(2), threading.Event()

    def decode(number: int) -> None:
        with quiet:
            both_inside.wait(PATIENCE)
            if number:
                assert first_left.wait(PATIENCE)
            warnings.warn("a broken profile", stacklevel=1)
        if not number:
            first_left.set()

    at_once(decode, 2)
    with pytest.warns(UserWarning, match="told"):
        warnings.warn("told", stacklevel=1)
