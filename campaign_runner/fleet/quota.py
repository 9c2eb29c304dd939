"""The Quota port on PostgreSQL: one allowance for every machine that uses the same credentials.

Like `quota/shared_quota.py`, with one difference: no machine knows whether the process of another still runs. So a
permit is good for `LIFE` seconds, and what has no answer counts as sent at the last moment at which it can arrive.
"""

from __future__ import annotations

import asyncio
import uuid
from asyncio import CancelledError
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from campaign_runner.errors import IntegrityError
from campaign_runner.fleet.database import Database
from campaign_runner.ports import Allowance, Permit, Wait
from campaign_runner.quota.beliefs import Belief, Refusal, after_acceptance, after_refusal, is_over
from campaign_runner.quota.request_log import LONGEST_BLOCK
from campaign_runner.quota.shared_quota import QuotaLimits
from campaign_runner.tasks import to_its_end
from campaign_runner.uptime import Deadline

LIFE = 5.0
"""Seconds within which a permit must be used."""
ON_ITS_WAY = 1.0
"""Seconds after its last moment to be sent within which a request has arrived, or never will."""


@dataclass(frozen=True, slots=True)
class FleetPermit(Permit):
    """A Permit of a FleetQuota, which the record may settle with the answer: `learnt` is what it told then."""

    settings: Mapping[str, Any] = field(default_factory=dict, compare=False)
    learnt: list[dict[str, Any]] = field(default_factory=list, compare=False)


class FleetQuota:
    """A Quota in the fleet's database. `account` is `account_of` the credentials.

    The allowance is what the account's row says; `limits` may only lower it. Every method raises what
    `Database.call` raises.
    """

    def __init__(self, database: Database, account: str, *, limits: QuotaLimits | None = None) -> None:
        lower = {} if limits is None else {"per_minute": limits.per_minute, "per_day": limits.per_day}
        windows = limits or QuotaLimits()
        self._database = database
        self._account = account
        self._settings = {**lower, "minute": windows.minute, "day": windows.day, "arrives": LIFE + ON_ITS_WAY}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing of it is kept open."""

    async def acquire(self) -> Permit | Wait:
        """Leave to send one request, or how long to wait before asking again."""
        asking = asyncio.ensure_future(self._acquire())
        try:
            return await to_its_end(asking)
        except CancelledError:
            # No one will send what is granted now.
            if not asking.cancelled() and isinstance(granted := asking.result(), Permit):
                await self.give_back(granted)
            raise

    async def settle(self, permit: Permit) -> None:
        """An answer arrived, or none ever will: the request counts from now on as sent now."""
        if isinstance(permit, FleetPermit) and permit.learnt:
            known = permit.learnt.pop()
        else:
            known = await self._database.call("settle", self._account, permit.id, self._settings)
        if (belief := _believed(known)) is not None and not known["is_blocked"]:
            await self._believe(known, after_acceptance(belief, known["taken"], known["per_minute"]))

    async def give_back(self, permit: Permit) -> None:
        """The request never reached the service, or the service says it does not count."""
        await self._database.call("give_back", self._account, permit.id)

    async def block(self, seconds: float, *, told: float | None = None) -> int | None:
        """No one gets leave before `seconds` are over, an hour at most; see the port."""
        seconds = min(max(0.0, seconds), LONGEST_BLOCK)
        known = await self._database.call("block", self._account, seconds, self._settings)
        if told is None:
            return None
        now, last = known["now"], known["last"]
        is_alone = known["unanswered"] <= 1  # else one beside it may have been taken just now
        since_last = now - (last if last is not None else now - 60.0) if is_alone else 0.0
        refusal = Refusal(now, told, known["taken"], since_last, is_first=not known["is_blocked"])
        belief = after_refusal(_believed(known), refusal, known["per_minute"])
        await self._believe(known, belief)
        return belief.in_a_minute if belief is not None and belief.is_sure else None

    async def allowance(self) -> Allowance:
        """What is used now, in both windows."""
        return Allowance(**await self._database.call("allowance", self._account, self._settings))

    async def _acquire(self) -> Permit | Wait:
        deadline = Deadline(LIFE)  # counted from before it is asked for
        answer = await self._database.call("acquire", self._account, uuid.uuid4(), self._settings)
        match answer:
            case {"permit": int(number)}:
                return FleetPermit(number, deadline, self._settings)
            case {"seconds": float() | int() as seconds, "why": str(why)}:
                return Wait(float(seconds), why)
        raise IntegrityError("the database gave an answer that this version does not know; run `fleet init`")

    async def _believe(self, known: dict[str, Any], belief: Belief | None) -> None:
        """Keep what is believed, unless another machine learnt something meanwhile."""
        if belief != _believed(known):
            value = None if belief is None else asdict(belief)
            await self._database.call("believe", self._account, known["version"], value)


def _believed(known: dict[str, Any]) -> Belief | None:
    """What refusals taught of late."""
    told = known["belief"]
    return None if told is None or is_over(belief := Belief(**told), known["now"]) else belief
