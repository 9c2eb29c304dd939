"""What must hold in the record of a fleet, each as a check that raises AssertionError where it does not.

`test_rules.py` makes every check on the database as it is, and on databases with one fault each.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

import psycopg

from campaign_runner.errors import Busy, CampaignError
from campaign_runner.events import Attempt, Fact
from campaign_runner.fleet.database import Connection, Database
from campaign_runner.fleet.lease import Lease, campaign_of, holder_of
from campaign_runner.fleet.quota import LIFE, ON_ITS_WAY, FleetQuota
from campaign_runner.fleet.record.entries import told_job
from campaign_runner.fleet.record.journal import FleetJournal
from campaign_runner.journal.ledger import UNANSWERED
from campaign_runner.model import Bought, State
from campaign_runner.ports import Permit
from campaign_runner.run.limits import Ceiling, Limits
from campaign_runner.uptime import Deadline
from tests.fleet.machines import PERSON, Machines, doubt, one, refusal, states
from tests.fleet.opened_journal import taken
from tests.ports import test_journal as contract

WINDOWS = {"minute": 60, "day": 86_400, "arrives": LIFE + ON_ITS_WAY}


def holds(is_so: object, what: str) -> None:
    if not is_so:
        raise AssertionError(what)


async def granted(journal: FleetJournal, attempt: Attempt) -> bool:
    """Whether it may be sent; not where another one took the campaign over."""
    try:
        return bool(await journal.intend([attempt]))
    except Busy:
        return False


async def who_was_taken_over_may_send_nothing(machines: Machines) -> None:
    """Rule 2: an intent needs the newest epoch."""
    async with machines.database() as database, machines.journal(database) as old:
        holds(await granted(old, one("a", 1)), "the holder may send")
        async with machines.journal(database) as new:
            holds(not await granted(old, one("b", 2)), "who was taken over may not send")
            holds(await granted(new, one("c", 2)), "who took over may")


async def a_campaign_is_not_opened_over_a_living_holder(machines: Machines) -> None:
    """Rules 2 and 13: it says which host works on it."""
    async with machines.database() as database:
        campaign = await machines.campaign(database)
        async with Lease(database, campaign, lost=lambda why: None):
            holds(await holder_of(database, campaign), "it has a holder")
            try:
                async with Lease(database, campaign, lost=lambda why: None):
                    raise AssertionError("two hold it")
            except Busy as error:
                holds(" on " in str(error) and "since" in str(error), "host and time are named")
        holds(await holder_of(database, campaign) is None, "it has no holder any more")
        async with Lease(database, campaign, lost=lambda why: None) as lease:
            holds(lease.epoch == 2, "each holder has an epoch of its own")


async def what_had_no_answer_is_in_doubt_after_a_takeover(machines: Machines) -> None:
    """Rule 12: no one knows whether it was charged, so it is not sent again."""
    async with machines.database() as database, machines.journal(database) as old:
        await old.intend([one("a", 1), one("b", 2)])
        await old.record([contract.accepted(one("b", 2))])
        async with machines.journal(database) as new:
            holds(sorted(states(new).values()) == ["accepted", "in_doubt"], "what had no answer is in doubt")
            holds(not await granted(new, one("c", 1)), "and not sent again")


async def facts_of_who_was_taken_over_are_believed(machines: Machines) -> None:
    """Rule 2: who was believed dead holds tickets that were paid for."""
    async with machines.database() as database, machines.journal(database) as old:
        await old.intend([one("a", 1), one("b", 2), one("c", 3)])
        async with machines.journal(database) as new:
            await old.record([contract.accepted(one("a", 1)), refusal(one("b", 2))])
            await old.record([contract.accepted(one("c", 3)), contract.stored(one("c", 3))])
            await new.refresh()
            holds(sorted(states(new).values()) == ["accepted", "pending", "stored"], "facts are taken at any time")
            holds(await granted(new, one("d", 2)), "and what is permitted follows from them")


async def a_late_answer_moves_nothing_that_was_sent_again(machines: Machines) -> None:
    """Rule 2: a fact moves an image only while its attempt is the image's newest."""
    async with machines.database() as database, machines.journal(database) as old:
        await old.intend([one("a", 1)])
        async with machines.journal(database) as new:
            await new.decide(PERSON, one("a", 1).job.keys, states=(State.IN_DOUBT,), into=State.PENDING)
            holds(await granted(new, one("b", 1)), "a person's word makes it due")
            await old.record([refusal(one("a", 1))])
            holds(not await granted(new, one("c", 1)), "a late refusal does not make it due once more")
            await new.record([contract.accepted(one("b", 1)), contract.failed(one("a", 1))])
            holds(list(states(new).values()) == ["accepted"], "nor does a late failure end it")


async def a_call_made_again_changes_nothing(machines: Machines) -> None:
    """Rule 5: each transition carries a nonce, and finds itself after a broken commit."""
    async with machines.database() as database:
        campaign = await machines.campaign(database)
        async with machines.journal(database) as journal:
            await journal.intend([one("a", 1)])
            await journal.record([doubt(one("a", 1))])
            decision = {"reason": PERSON.facts(), "keys": list(one("a", 1).job.keys)}
            decision |= {"states": ["in_doubt"], "into": "pending"}
            call = ("decide", campaign.id, uuid.uuid4(), journal._epoch, "w", 0, decision)
            await database.call(*call)
            await journal.intend([one("b", 1)])
            await journal.record([doubt(one("b", 1))])
            await database.call(*call)
            holds(not await granted(journal, one("c", 1)), "a decision counts once")
        nonce = uuid.uuid4()
        permits = [await database.call("acquire", machines.account, nonce, WINDOWS) for _ in range(2)]
        holds(permits[0] == permits[1], "the same question gets the same permit")


async def two_campaigns_never_buy_the_same_image(machines: Machines) -> None:
    """Rule 4: what another campaign has, waits for, may have been charged for, or has sent."""
    ends: dict[str, list[Callable[[Attempt], Fact]]] = {"submitting": [], "accepted": [contract.accepted]}
    ends["in_doubt"] = [doubt]
    ends["stored"] = [contract.accepted, contract.stored]
    async with (
        machines.database() as database,
        machines.journal(database, "spring") as spring,
        machines.journal(database, "summer") as summer,
    ):
        left: set[str] = set()
        for seed, (state, facts) in enumerate(ends.items(), 1):
            mine, theirs = one(f"a{seed}", seed), one(f"b{seed}", seed, seed + 10)
            await spring.intend([mine])
            await spring.record([fact(mine) for fact in facts])
            (part,) = await summer.sharing(left).intend([theirs])
            holds(part.job.seeds == (seed + 10,), f"what is {state} elsewhere is not bought")
        holds(len(left) == 4, "and is told")
        holds(not await summer.is_wanted(one("x", 1).job), "nor is a permit asked for it")


async def two_who_ask_at_once_are_looked_at_one_after_the_other(machines: Machines) -> None:
    """Rules 4 and 5: lock and look are two statements. Both wait for the account's lock before they are let go."""
    async with (
        machines.database() as database,
        machines.journal(database, "spring") as spring,
        machines.journal(database, "summer") as summer,
    ):
        journals = [spring.sharing(set()), summer.sharing(set())]
        keeper = await psycopg.AsyncConnection.connect(machines.server.url(machines.database_name))
        async with keeper:
            lock = "SELECT pg_advisory_xact_lock(hashtextextended('campaign_runner ' || %s, 0))"
            await keeper.execute(lock, (machines.account,))
            asking = [
                asyncio.ensure_future(granted(journal, one(f"a{number}", 1))) for number, journal in enumerate(journals)
            ]
            await waiting(database, 2)
            await keeper.commit()
            holds(sum(await asyncio.gather(*asking)) == 1, "one of them gets it")


async def of_two_permits_asked_for_at_once_the_allowance_is_granted(machines: Machines) -> None:
    """Rule 5: who counts under a lock sees what those did who had it before."""
    async with machines.database() as database:
        await database.call("set_allowance", machines.account, 1, None)
        keeper = await psycopg.AsyncConnection.connect(machines.server.url(machines.database_name))
        async with keeper:
            row = "SELECT 1 FROM campaign_runner.accounts WHERE digest = %s FOR UPDATE"
            await keeper.execute(row, (machines.account,))
            asking = [
                asyncio.ensure_future(database.call("acquire", machines.account, uuid.uuid4(), WINDOWS))
                for _ in range(3)
            ]
            await waiting(database, 3)
            await keeper.commit()
            answers = await asyncio.gather(*asking)
            holds(sum("permit" in answer for answer in answers) == 1, "no more than allowed")


async def waiting(database: Database, number: int) -> None:
    """Until so many calls wait for another one's lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

    async def count(connection: psycopg.AsyncConnection[tuple[int, ...]]) -> int:
        return (await (await connection.execute(query)).fetchone() or (0,))[0]

    for _ in range(6000):
        if await database.within(30.0, count) >= number:
            return
        await asyncio.sleep(0.01)
    raise TimeoutError(f"{number} calls did not come to wait")


async def no_more_is_bought_than_the_budget_says_over_all_machines(machines: Machines) -> None:
    """Rule 4: the budget is looked at where the intent is made."""
    async with machines.database() as database, machines.journal(database, ceiling=Ceiling(3)) as journal:
        first, second = one("a", 1, 2), one("b", 3, 4)
        holds([len(each.job.seeds) for each in await journal.intend([first, second])] == [2, 1], "three may be bought")
        holds(not await journal.intend([one("c", 5)]), "and no fourth")
        await journal.record([refusal(first)])
        holds(await journal.intend([one("d", 5)]), "what was refused is not bought")


async def the_limits_of_a_command_are_counted_over_its_campaigns(machines: Machines) -> None:
    """Rule 10: what its runs buy on several machines together, counted where the intents are made."""
    three, two = Limits(max_images=3, counted_as=uuid.uuid4().hex), Limits(max_requests=2, counted_as=uuid.uuid4().hex)
    for number, limits in enumerate((three, two)):
        spent, other = Ceiling(limits=limits), Ceiling(limits=limits)
        async with (
            machines.database() as database,
            machines.journal(database, f"spring-{number}", ceiling=spent) as spring,
            machines.journal(database, f"summer-{number}", ceiling=other) as summer,
        ):
            first, second = one("a", 10 * number + 1), one("b", 10 * number + 2, 10 * number + 3, 10 * number + 4)
            holds(await granted(spring, first), "one of them may buy")
            (part,) = await summer.intend([second])
            holds(len(part.job.seeds) == (2 if limits is three else 3), "the other what is left")
            holds(other.spent.elsewhere == Bought(1, 1), "and is told what the first bought")
            more = one("c", 10 * number + 5)
            holds(not await granted(spring, more) and not await granted(summer, more), "and then no one")
            holds(spent.spent.elsewhere.images == len(part.job.seeds), "nor does who was first")
            await summer.record([refusal(part)])
            holds(await granted(spring, one("d", 10 * number + 6)), "what was refused is not bought")
    async with machines.database() as database, machines.journal(database, "autumn") as autumn:
        holds(await granted(autumn.sharing(set(), ceiling=Ceiling(limits=Limits(max_images=1))), one("a", 91, 92)), "")


async def one_row_is_enough(machines: Machines) -> None:
    """Rule 3: the run that inserts it may send, even where epoch and states let two through."""
    async with machines.database() as database:
        campaign = await machines.campaign(database)
        who = (uuid.uuid4(), "host", "worker", 0.0, True, UNANSWERED.facts())
        epoch = (await database.call("take", campaign.id, *who))["epoch"]
        kinds = []
        for id in ("a", "b"):
            wanted = [{"id": id, "job": told_job(one(id, 1).job)}]
            nonce, terms = str(uuid.uuid4()), {"after": {}, "shares": False, "budget": None}
            told = await database.call("intend", campaign.id, nonce, epoch, "w", 0, wanted, terms)
            kinds += [entry[5] for entry in told["entries"] if entry[4] == nonce]
        holds(kinds == ["submitting"], "one of two who believe that nothing was sent may send")


async def a_stop_buys_nothing_more_until_the_next_run(machines: Machines) -> None:
    async with machines.database() as database:
        campaign = await machines.campaign(database)
        async with machines.journal(database) as journal:
            await database.call("ask_to_stop", campaign.id)
            try:
                await journal.intend([one("a", 1)])
                raise AssertionError("something was bought")
            except CampaignError as error:
                holds(error.exit_code == 8, "it is a matter of time")
            await journal.record([contract.accepted(one("z", 9))])  # facts are taken
        async with machines.journal(database) as journal:
            holds(await granted(journal, one("b", 2)), "the next run buys")


async def another_account_sends_nothing(machines: Machines) -> None:
    """Rule 4: a campaign records whose it is; the name of an account only finds credentials."""
    async with machines.database() as database:
        campaign = await machines.campaign(database)
        try:
            await campaign_of(database, uuid.uuid4().hex, campaign.prefix)
            raise AssertionError("it was opened")
        except CampaignError as error:
            holds(error.exit_code == 5, "it is not what was recorded")


async def a_permits_life_begins_before_it_is_asked_for(machines: Machines) -> None:
    """Rule 3: a database that answers late gives a permit that is old already."""
    async with machines.database() as database:
        await database.call("set_allowance", machines.account, 4, None)
        keeper = await psycopg.AsyncConnection.connect(machines.server.url(machines.database_name))
        async with keeper:
            row = "SELECT 1 FROM campaign_runner.accounts WHERE digest = %s FOR UPDATE"
            await keeper.execute(row, (machines.account,))
            asking = asyncio.ensure_future(FleetQuota(database, machines.account).acquire())
            await waiting(database, 1)
            asked = Deadline(LIFE)
            await keeper.commit()
            permit = await asking
        holds(isinstance(permit, Permit) and permit.deadline is not None, "it must be used in time")
        deadline = permit.deadline if isinstance(permit, Permit) else None
        holds(deadline is not None and deadline.began <= asked.began, "counted from before it was asked for")


async def a_permit_without_an_answer_counts_from_its_last_moment(machines: Machines) -> None:
    """Rule 6, on a clock that the check turns: used within 5 s, arrived within one more, for the whole minute then."""
    begin = 1_800_000_000.0
    async with machines.database() as database:
        await database.call("set_allowance", machines.account, 2, None)
        for seconds, is_granted in [(0, True), (0, True), (60, False), (65.9, False), (66, True)]:
            machines.server.execute(
                machines.database_name, f"UPDATE campaign_runner.turned SET at = to_timestamp({begin + seconds})"
            )
            answer = await database.call("acquire", machines.account, uuid.uuid4(), WINDOWS)
            holds(("permit" in answer) == is_granted, f"after {seconds} s")


async def what_no_one_works_on_is_given_out_anew(machines: Machines) -> None:
    """Rule 1: the record alone says what is open, whatever became of its task; a living holder keeps what it has."""
    async with machines.database() as database:
        campaign = await machines.campaign(database)
        epoch = await taken(database, campaign)
        run = (await database.call("submit", campaign.id, epoch, "text", {}, ""))["run"]
        tasks = f"DELETE FROM campaign_queue.procrastinate_jobs WHERE queueing_lock = 'run {run}' RETURNING id"

        async def given_out(connection: Connection) -> bool:
            return await (await connection.execute(tasks.encode())).fetchone() is not None

        holds(await database.within(30.0, given_out), "with its task")
        await database.call("sweep", 0.0)
        holds(await database.within(30.0, given_out), "anew, once that is gone")
        await taken(database, campaign)
        await database.call("sweep", 30.0)
        holds(not await database.within(30.0, given_out), "someone works on it")


RULES = [
    who_was_taken_over_may_send_nothing,
    a_campaign_is_not_opened_over_a_living_holder,
    what_had_no_answer_is_in_doubt_after_a_takeover,
    facts_of_who_was_taken_over_are_believed,
    a_late_answer_moves_nothing_that_was_sent_again,
    a_call_made_again_changes_nothing,
    two_campaigns_never_buy_the_same_image,
    two_who_ask_at_once_are_looked_at_one_after_the_other,
    of_two_permits_asked_for_at_once_the_allowance_is_granted,
    no_more_is_bought_than_the_budget_says_over_all_machines,
    the_limits_of_a_command_are_counted_over_its_campaigns,
    one_row_is_enough,
    a_stop_buys_nothing_more_until_the_next_run,
    another_account_sends_nothing,
    what_no_one_works_on_is_given_out_anew,
    a_permits_life_begins_before_it_is_asked_for,
]
