"""A run looks only at what came since the last one; what it decides upon is the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from campaign_runner.errors import IntegrityError
from campaign_runner.journal import checked, consistency
from campaign_runner.model import variation_key
from campaign_runner.verify.record import read_record
from tests.fixtures import Begin


async def test_a_run_looks_only_at_what_came_since_and_verify_at_everything(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int] = []

    def counted(recipe: str, seed: int) -> str:
        looked_at.append(seed)
        return variation_key(recipe, seed)

    monkeypatch.setattr(checked, "SMALLEST_BYTES", 0)
    monkeypatch.setattr(consistency, "variation_key", counted)
    night = await begin()
    for requests, looked in ((4, 0), (5, 2 * 16), (5, 2 * 4), (5, 0)):
        looked_at.clear()
        assert (await night.run(night.campaign(requests=requests))).code == 0
        assert len(looked_at) == looked, f"a run of {requests} requests"
    with closing((record := read_record(night.folder, night.access().memory)).wanted):
        assert record.findings == []
    assert len(looked_at) == 2 * 20
    whole = (night.output / "journal.sqlite").read_bytes()
    with closing(sqlite3.connect(night.output / "journal.sqlite", isolation_level=None)) as db:
        db.execute("UPDATE variations SET sha256 = 'another' WHERE number = 3")
    with pytest.raises(IntegrityError, match="an image is not where it was recorded"):
        await night.run(night.campaign(requests=6))
    assert night.ledger.images_charged == 20
    (night.output / "journal.sqlite").write_bytes(whole)
