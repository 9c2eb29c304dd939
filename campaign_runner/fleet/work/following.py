"""A run that goes on elsewhere, as its record tells of it: the same events, counts and report as of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from campaign_runner.events import Accepted, Attempt, Doubted, Fact, Failed, Refused, Started, Stored, Submitting
from campaign_runner.fleet.record.copies import RecordCopy
from campaign_runner.journal.request_counts import RequestCounts
from campaign_runner.model import Job, State
from campaign_runner.output_folder.manifest_writer import counts_of
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.report.standing import standing_of
from campaign_runner.session.request import RunRequest, UserInterface


class FollowedRun:
    """`copy` is the record's copy on this machine; what it is brought up to after `begin` is told to `ui`."""

    def __init__(self, order: RunRequest, ui: UserInterface, copy: RecordCopy) -> None:
        self.order = order
        self.ui = ui
        self.copy = copy
        self._jobs: dict[str, Job] = {}
        self._waiting: dict[str, Job] = {}  # by key
        self._before = RequestCounts(0, 0, 0)

    def begin(self) -> None:
        """Tell what there is to do."""
        limits = self.order.limits
        with self.order.folder.ledger(is_running=True) as ledger:
            plan = Plan(self.order.campaign, ledger.custom_model)
            status = PlanStatus(plan, ledger.states, self.order.only)
            for entry in ledger.in_states(State.ACCEPTED):
                self._waiting[entry.variation.key] = Job(entry.recipe, (entry.variation,))
            self._before = ledger.requests()
        most = status.bounded(limits.max_images, limits.max_requests)
        name = self.order.campaign.campaign
        self.ui.control.observe(Started(name, status.due, most.requests, len(self._waiting), most.images))
        self.copy.heard = self._hear

    async def end(self, code: int, report: Sequence[str]) -> int:
        """The run has ended with this exit status: say its report."""
        with self.order.folder.ledger(is_running=False) as ledger:
            plan = Plan(self.order.campaign, ledger.custom_model)
            everything = counts_of(plan, ledger)
            counts = {"planned": sum(everything.values())} | everything
            standing = standing_of(counts, ledger, ledger.requests().since(self._before))
        for line in report:
            self.ui.report(line)
        self.ui.ended(standing)
        await self.ui.told(code)
        return code

    async def leave(self) -> int:
        """The person leaves it to itself; the exit status says by which signal."""
        code = 128 + (self.ui.control.ending.signal or 0)
        self.ui.report(f"attention exit={code}")
        await self.ui.told(code)
        return code

    def _hear(self, fact: Fact) -> None:
        """Tell a fact as its own run tells it: with the job and the image that the record names once."""
        match fact:
            case Submitting(attempt):
                self._jobs[attempt.id] = attempt.job
                self.ui.control.observe(fact)
            case Accepted() | Refused() | Doubted() if fact.attempt.id in self._jobs:
                self.ui.control.observe(replace(fact, attempt=self._whole(fact.attempt, "")))
            case Stored() | Failed():
                attempt = self._whole(fact.attempt, fact.variation.key)
                found = {each.key: each for each in attempt.job.variations}
                if (image := found.get(fact.variation.key)) is not None:
                    self.ui.control.observe(replace(fact, attempt=attempt, variation=image))
            case _:
                pass

    def _whole(self, attempt: Attempt, key: str) -> Attempt:
        job = self._jobs.get(attempt.id) or self._waiting.get(key)
        return attempt if job is None else replace(attempt, job=job)
