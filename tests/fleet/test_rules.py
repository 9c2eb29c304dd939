"""The rules of a fleet hold on its database; and where the database has a fault, the check of that rule says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path

import psycopg
import pytest

from campaign_runner.fleet.record import journal
from campaign_runner.run.limits import Ceiling
from tests.fleet import postgres, rules
from tests.fleet.machines import Machines, one

pytestmark = pytest.mark.proof
Rule = Callable[[Machines], Awaitable[None]]
Edit = tuple[str, str, str]
"""A function of the database, a piece of its text, and what stands there instead."""

ONE_SNAPSHOT = """
    WITH lock AS (SELECT 1 AS one FROM accounts WHERE digest = p_account FOR UPDATE),
    put AS (INSERT INTO permits (account, nonce, counts_at) SELECT p_account, p_nonce, clock() FROM lock
        WHERE (SELECT count(*) FROM permits WHERE account = p_account) < 1 RETURNING id)
    SELECT coalesce((SELECT jsonb_build_object('permit', id) FROM put), '{"seconds": 60, "why": "minute"}') INTO answer;
    RETURN answer;
"""
"""Lock and count in one statement: it counts what there was before it waited."""

LOOK = """held := held_by_others(p_campaign, ours.account, ARRAY(SELECT v ->> 'key'
    FROM jsonb_array_elements(p_attempts) a, jsonb_array_elements(a -> 'job' -> 'variations') v));"""
"""A look before the lock."""
FENCE = "IF p_epoch <> (SELECT epoch FROM campaigns WHERE id = p_campaign) THEN RETURN; END IF;"

FAULTS: dict[str, tuple[Rule, list[Edit]]] = {
    "no epoch": (
        rules.who_was_taken_over_may_send_nothing,
        [("refusal", "ours.epoch <> p_epoch", "false")],
    ),
    "opened over a living holder": (
        rules.a_campaign_is_not_opened_over_a_living_holder,
        [("take", "IF busy IS NOT NULL", "IF false")],
    ),
    "blind takeover": (
        rules.what_had_no_answer_is_in_doubt_after_a_takeover,
        [("take", "'in_doubt', jsonb_build_object('attempt', lost)", "'refused', jsonb_build_object('attempt', lost)")],
    ),
    "nothing is in doubt after a takeover": (
        rules.what_had_no_answer_is_in_doubt_after_a_takeover,
        [("take", "AND outcome = 'open'", "AND false")],
    ),
    "facts fenced": (
        rules.facts_of_who_was_taken_over_are_believed,
        [("apply_fact", "CASE p_kind", f"{FENCE} CASE p_kind")],
    ),
    "an old attempt's answer on a new one": (
        rules.a_late_answer_moves_nothing_that_was_sent_again,
        [("move", "attempt = p_attempt AND", "key IN (SELECT key FROM sendings WHERE attempt = p_attempt) AND")],
    ),
    "no nonce of a decision": (
        rules.a_call_made_again_changes_nothing,
        [("decide", "NOT is_done(p_campaign, p_nonce)", "true")],
    ),
    "no nonce of a permit": (
        rules.a_call_made_again_changes_nothing,
        [
            ("acquire", "WHERE nonce = p_nonce", "WHERE false"),
            ("acquire", "(p_account, p_nonce,", "(p_account, gen_random_uuid(),"),
        ],
    ),
    "no look at others": (
        rules.two_campaigns_never_buy_the_same_image,
        [("held_by_others", "'submitting', ", "")],
    ),
    "no lock of the account": (
        rules.two_who_ask_at_once_are_looked_at_one_after_the_other,
        [
            ("intend", "PERFORM pg_advisory_xact_lock", f"{LOOK} PERFORM pg_advisory_xact_lock"),
            ("intend", "IF (p_terms -> 'shares')::boolean THEN", "IF false THEN"),
        ],
    ),
    "lock and count in one snapshot": (
        rules.of_two_permits_asked_for_at_once_the_allowance_is_granted,
        [
            ("acquire", "    moment timestamptz;", "    moment timestamptz; answer jsonb;"),
            ("acquire", "    PERFORM durably();", ONE_SNAPSHOT),
        ],
    ),
    "no budget": (
        rules.no_more_is_bought_than_the_budget_says_over_all_machines,
        [("bought", "images_bought", "0::bigint")],
    ),
    "what was refused counts for the budget": (
        rules.no_more_is_bought_than_the_budget_says_over_all_machines,
        [
            (
                "count_bought",
                "FROM gone WHERE outcome <> 'refused'\n            ) AS each",
                "FROM gone WHERE false\n            ) AS each",
            )
        ],
    ),
    "limits of each campaign alone": (
        rules.the_limits_of_a_command_are_counted_over_its_campaigns,
        [("intend", "SET command = for_command", "SET command = gen_random_uuid()")],
    ),
    "what was refused counts for the limits": (
        rules.the_limits_of_a_command_are_counted_over_its_campaigns,
        [("bought_for", "AND outcome <> 'refused'", "")],
    ),
    "no row": (
        rules.one_row_is_enough,
        [
            ("free_part", "v.state <> 'pending'", "false"),
            ("claim", "AS each;", "AS each ON CONFLICT DO NOTHING;"),
        ],
    ),
    "no stop": (
        rules.a_stop_buys_nothing_more_until_the_next_run,
        [("intend", "ours.is_stopped", "false")],
    ),
    "a sweep forgets": (
        rules.what_no_one_works_on_is_given_out_anew,
        [("sweep", "not_before <= now_of(account)", "false")],
    ),
    "a sweep over a living holder": (
        rules.what_no_one_works_on_is_given_out_anew,
        [("sweep", "AND holder_of(campaign, p_seconds) IS NULL", "")],
    ),
}


FAULTS_OF_TIME: dict[str, list[Edit]] = {
    "none": [],
    "no last moment": [
        ("acquire", "make_interval(secs => (p_settings ->> 'arrives')::double precision)", "interval '0'")
    ],
    "an unanswered permit is forgotten": [
        ("until_fewer", "OR NOT p_answered_only", ""),
    ],
    "counted from when it was asked for": [("until_fewer", "+ p_window", "+ p_window - 6")],
}


def broken(fleet: postgres.Fleet, edits: list[Edit]) -> str:
    """A database of its own whose functions are edited."""
    name = fleet.server.prepared_database(fleet.prepared)
    source = "SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE pronamespace = 'campaign_runner'::regnamespace"
    for function, before, after in edits:
        with psycopg.connect(fleet.server.url(name), autocommit=True) as connection:
            connection.execute("SET search_path = campaign_runner")
            row = connection.execute(f"{source} AND proname = %s".encode(), (function,)).fetchone()
            assert row is not None and before in row[0], f"{function} does not say {before!r}"
            connection.execute(row[0].replace(before, after).encode())
    return name


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
async def test_it_holds(rule: Rule, fleet: postgres.Fleet, tmp_path: Path) -> None:
    await rule(Machines(fleet.server, fleet.shared, tmp_path))


async def test_one_lock_is_enough_where_two_fail(fleet: postgres.Fleet, tmp_path: Path) -> None:
    edits = [("free_part", "v.state <> 'pending'", "false"), ("refusal", "ours.epoch <> p_epoch", "false")]
    await rules.one_row_is_enough(Machines(fleet.server, broken(fleet, edits), tmp_path))


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_noticed(fault: str, fleet: postgres.Fleet, tmp_path: Path) -> None:
    rule, edits = FAULTS[fault]
    machines = Machines(fleet.server, broken(fleet, edits), tmp_path)
    with pytest.raises(AssertionError):
        await rule(machines)


@pytest.mark.parametrize("fault", FAULTS_OF_TIME)
async def test_a_permit_without_an_answer_counts(fault: str, fleet: postgres.Fleet, tmp_path: Path) -> None:
    edits = FAULTS_OF_TIME[fault]
    database = broken(fleet, edits)
    fleet.server.execute(database, postgres.TURNED_CLOCK)
    machines = Machines(fleet.server, database, tmp_path)
    with pytest.raises(AssertionError) if edits else nullcontext():
        await rules.a_permit_without_an_answer_counts_from_its_last_moment(machines)


async def test_a_look_is_spared_before_the_allowance_and_never_before_money(
    fleet: postgres.Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "STILL_KNOWN", 600.0)
    machines = Machines(fleet.server, fleet.shared, tmp_path)
    async with (
        machines.database() as database,
        machines.journal(database, "spring", ceiling=Ceiling()) as spring,
        machines.journal(database, "summer", ceiling=Ceiling()) as summer,
    ):
        assert await summer.intend([one("a", 1)])
        assert await spring.intend([one("b", 2)])
        assert await summer.is_wanted(one("c", 2).job), "no one had anything a moment ago"
        assert not await summer.intend([one("c", 2)])
        assert not await summer.is_wanted(one("d", 2).job), "someone has"
