"""What a disk refuses for a moment is asked for again, five seconds long; what it refuses for good is believed."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from campaign_runner.disk.patience import Patience

HELD = (errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY)


def refused(times: int, number: int = errno.EACCES) -> Callable[[], str]:
    """Something that is refused so often."""
    left = iter(range(times))

    def act() -> str:
        if next(left, None) is not None:
            raise OSError(number, "refused")
        return "done"

    return act


@pytest.mark.parametrize("number", HELD)
def test_what_is_held_for_a_moment_is_done_after_it(number: int) -> None:
    waits: list[float] = []
    assert Patience(waits.append).over(refused(3, number)) == "done"
    assert len(waits) == 3 and waits == sorted(waits)


def test_what_is_done_at_once_waits_for_nothing() -> None:
    waits: list[float] = []
    assert Patience(waits.append).over(refused(0)) == "done"
    assert waits == []


def test_a_refusal_is_believed_after_five_seconds() -> None:
    waits: list[float] = []
    with pytest.raises(PermissionError):
        Patience(waits.append).over(refused(1000))
    assert sum(waits) == pytest.approx(5)


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO, errno.ENAMETOOLONG, errno.EEXIST, errno.ENOENT]
)
def test_what_no_patience_changes_is_told_at_once(number: int) -> None:
    waits: list[float] = []
    with pytest.raises(OSError, match="refused") as told:
        Patience(waits.append).over(refused(1, number))
    assert (told.value.errno, waits) == (number, [])


def test_a_disk_that_goes_on_refusing_is_waited_for_once() -> None:
    waits: list[float] = []
    patience = Patience(waits.append)
    for _ in range(100):
        with pytest.raises(PermissionError):
            patience.over(refused(1000))
    assert sum(waits) == pytest.approx(5)


def test_a_disk_that_took_something_again_is_waited_for_again() -> None:
    waits: list[float] = []
    patience = Patience(waits.append)
    with pytest.raises(PermissionError):
        patience.over(refused(1000))
    waits.clear()
    assert patience.over(refused(0)) == patience.over(refused(1)) == "done"
    assert len(waits) == 1
