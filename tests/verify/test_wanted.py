"""The files that a record knows: in their order, found by name and by digest, and not in memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import closing

from campaign_runner.model import Size
from campaign_runner.verify.damage import Expected
from campaign_runner.verify.wanted import ByDigest, WantedFiles

FIRST = Expected("images/a.jpg", "aa", 3, "key-a", Size(64, 48))
SECOND = Expected("images/b.jpg", "bb", 4)


def test_what_is_expected_comes_by_name_and_is_found_by_name_and_digest() -> None:
    with closing(WantedFiles()) as wanted:
        wanted.add([SECOND, FIRST])
        assert [*wanted.expected()] == [FIRST, SECOND]
        assert (len(wanted), wanted.bytes, [*wanted]) == (2, 7, ["images/a.jpg", "images/b.jpg"])
        assert "images/a.jpg" in wanted and "images/c.jpg" not in wanted
        others = ByDigest(wanted)
        assert (others.get("bb"), others.get("cc"), len(others), [*others]) == ("images/b.jpg", None, 2, ["aa", "bb"])


def test_a_name_that_is_known_stays_as_it_is_where_another_is_only_further() -> None:
    with closing(WantedFiles()) as wanted:
        wanted.add([FIRST])
        wanted.add([Expected(FIRST.file, "cc", 9)], is_further=True)
        assert [*wanted.expected()] == [FIRST]
        wanted.add([Expected(FIRST.file, "cc", 9)])
        assert wanted.bytes == 9
        wanted.clear()
        assert len(wanted) == 0


def test_ten_times_the_files_take_no_megabyte_more() -> None:
    def many(number: int) -> Iterator[Expected]:
        return (Expected(f"images/{at}.jpg", f"{at:064x}", at, f"{at:064x}", Size(64, 48)) for at in range(number))

    def peak(number: int) -> int:
        tracemalloc.start()
        try:
            with closing(WantedFiles()) as wanted:
                wanted.add(many(number))
                assert sum(1 for _ in wanted.expected()) == number
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(20_000) - peak(2_000) < 1 << 20
