"""What a call of the database reads does not grow with the campaign, whatever was there when it was planned."""

from __future__ import annotations

import json
import uuid
from typing import Any

import psycopg

from tests.fleet.postgres import Fleet

MANY = """
SET search_path = campaign_runner;
INSERT INTO variations (campaign, key, account, attempt, state)
SELECT {campaign}, 'key {campaign} ' || i, 'account', 'attempt {campaign} ' || i, 'stored'
FROM generate_series(1, 1000) AS i;
INSERT INTO sendings SELECT campaign, key, '', attempt FROM variations WHERE campaign = {campaign} AND key LIKE 'key %';
INSERT INTO attempts (campaign, id, epoch, images, outcome, job_id)
SELECT campaign, attempt, 1, 1, 'accepted', attempt FROM variations WHERE campaign = {campaign} AND key LIKE 'key %';
INSERT INTO entries SELECT {campaign}, -i, now(), 1, 'w', gen_random_uuid(), 'stored', '{{}}'
FROM generate_series(1, 1000) AS i;
"""
READ = """
SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE schemaname = 'campaign_runner')
    + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE schemaname = 'campaign_runner')
"""
STORED = "SELECT count(*) FROM campaign_runner.variations WHERE state = 'stored' AND key NOT LIKE 'key %'"
CALLS = 10


def test_what_a_call_reads_does_not_grow_with_the_campaign(fleet: Fleet) -> None:
    name = fleet.server.prepared_database(fleet.prepared)
    with psycopg.connect(fleet.server.url(name), autocommit=True) as connection:
        before, campaign = (_value(connection, "campaign", "account", f"default/{each}")["id"] for each in (1, 2))
        connection.execute(MANY.format(campaign=before).encode() + b"ANALYZE")
        epoch = _value(connection, "take", campaign, uuid.uuid4(), "h", "w", 0.0, True, "{}")["epoch"]
        begun = _read_by_jobs(connection, campaign, epoch)  # and planned, as for a campaign that has just begun
        connection.execute(MANY.format(campaign=campaign).encode())
        assert _read_by_jobs(connection, campaign, epoch) < begun + 100, "rows read by ten jobs"
        assert connection.execute(STORED.encode()).fetchone() == (2 * CALLS,)


def _read_by_jobs(connection: psycopg.Connection, campaign: int, epoch: int) -> int:
    """How many rows the calls of some jobs read."""
    read = _read(connection)
    for _ in range(CALLS):
        key = uuid.uuid4().hex
        who = (campaign, uuid.uuid4(), epoch, "w", 1 << 40)
        attempts = [{"id": key, "job": {"variations": [{"key": key}]}}]
        terms = {"after": {}, "shares": True, "budget": 1_000_000}
        _value(connection, "intend", *who, json.dumps(attempts), json.dumps(terms))
        for kind, more in (("accepted", {"ticket": {"job_id": key}}), ("stored", {"key": key})):
            who = (campaign, uuid.uuid4(), epoch, "w", 1 << 40)
            _value(connection, "tell", *who, json.dumps([[kind, {"attempt": key, **more}]]))
    return _read(connection) - read


def _value(connection: psycopg.Connection, function: str, *values: object) -> Any:
    marks = ", ".join(["%s"] * len(values))
    row = connection.execute(f"SELECT campaign_runner.{function}({marks})".encode(), values).fetchone()
    assert row is not None
    return row[0]


def _read(connection: psycopg.Connection) -> int:
    connection.execute("SELECT pg_stat_force_next_flush()")
    connection.execute("SELECT pg_stat_clear_snapshot()")
    row = connection.execute(READ.encode()).fetchone()
    assert row is not None
    return int(row[0])
