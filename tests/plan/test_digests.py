"""Digests by the million in little memory: numbered as a dict would, however they begin."""

from __future__ import annotations

import random

from campaign_runner.plan.digests import BYTES, Digests


def test_a_digest_has_the_number_it_was_met_with_also_among_thousands_that_begin_alike() -> None:
    chance = random.Random(15)
    starts = [bytes(8), bytes(7) + b"\1", b"\xff" * 8]
    drawn = [chance.choice(starts) + chance.randbytes(BYTES - 8) for _ in range(600)]
    drawn += [chance.randbytes(BYTES) for _ in range(3000)]
    drawn += chance.choices(drawn, k=3000)
    digests, known = Digests(), dict[bytes, int]()
    for digest in drawn:
        assert digests.number_of(digest) == known.setdefault(digest, len(known))
    assert len(digests) == len(known)
    assert [digests[number] for number in range(len(digests))] == list(known)
