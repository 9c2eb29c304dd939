"""A night from a seed: the unchanged program, a sandbox over real sockets, and everything that goes wrong.

`simulate` raises AssertionError for the first promise that is broken, and tells what happened otherwise.
Whatever it does depends on the seed alone, so a night that failed can be had again.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import CampaignError
from campaign_runner.events import Event
from campaign_runner.maintenance.resolve import Decision, apply
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.opened import open_for_update
from campaign_runner.plan.selection import EVERYTHING
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.settings import Settings
from campaign_runner.session.last_text import recalled, waiting
from tests import night
from tests.checker import check_rate
from tests.fixtures import draw_once, drawn_once
from tests.night import BEGAN, Ended
from tests.simulation.disk import seen_by_processes
from tests.simulation.homes import Home, WatchedSandbox, unreadable
from tests.simulation.machine import Machine, Process
from tests.simulation.scripts import Runner, Script, Visit, script

MEMORY = Path("/dev/shm")
LATER = 25 * 3600.0
"""Seconds between the further runs: what is still at the service then is lost."""
FURTHER_RUNS = 4
"""Once nothing goes wrong any more, so many runs leave nothing open."""
SETTLED = {"stored", "failed", "in_doubt"}
QUIET = Visit()


@dataclass(frozen=True)
class Told:
    """What happened in a night: how often each thing was seen, and the record of it in its order."""

    seen: Counter[str]
    record: list[Any] = field(repr=False)


def simulate(seed: int) -> Told:
    """The night that `seed` names. Raises AssertionError where a promise is broken."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="night-") as home:
        machine = Machine(seed)
        with asyncio.Runner(loop_factory=lambda: machine) as runner, pytest.MonkeyPatch.context() as patch:
            draw_once(patch)
            patch.setattr(night, "render", drawn_once)
            simulated = SimulatedNight(script(seed), Path(home), machine)
            with seen_by_processes(machine):
                try:
                    runner.run(simulated.pass_by())
                except* AssertionError as broken:
                    raise broken.exceptions[0] from None
        return Told(machine.seen, simulated.record())


class SimulatedNight:
    """Everything of one night."""

    def __init__(self, script: Script, home: Path, machine: Machine) -> None:
        self.home = home
        self.seed = script.seed
        self.seconds = machine.time
        self.clock_is_off = script.skew
        self.origin = ""
        self.sandbox = WatchedSandbox(
            Settings(strict=True, **script.switches), faults=script.faults, clock=machine.time, began=BEGAN
        )
        self.sandbox.witness = self._arrived
        self._script = script
        self._machine = machine
        self._homes: dict[str, Home] = {}
        self._neighbours: list[Home] = []
        self._campaigns: dict[str, Campaign] = {}
        self._at_work: Counter[str] = Counter()
        self._sent_too_early: list[Any] = []
        self._count_faults()

    async def pass_by(self) -> None:
        """The night, from its first run to the last of those that leave nothing open."""
        async with serving(self.sandbox) as self.origin:
            try:
                await self._go_wrong()
                for homes in self._outputs():
                    await self._settle(homes)
            finally:
                await self._machine.switch_off()
        self._check_allowance()
        assert not self._sent_too_early, "a request left before it was recorded"

    async def _go_wrong(self) -> None:
        """The part of the night in which everything may happen, at once."""
        self._machine.slowest = self._script.slowest_disk
        self._machine.seen["dates skewed"] += self._script.skew != 0
        for runner in self._script.runners:
            self._open(runner)
        async with asyncio.TaskGroup() as group:
            for runner in self._script.runners:
                group.create_task(self._work(runner))
            for after, by in self._script.jumps:
                group.create_task(self._jump(after, by))
        self._forgive()

    def record(self) -> list[Any]:
        """What the journals and the service recorded, in its order."""
        asked = [
            (entry.at, *entry.seeds, entry.outcome, entry.why, entry.job_id) for entry in self.sandbox.ledger.entries
        ]
        return [*asked, *(fact for home in self._homes.values() for fact in home.facts())]

    def _open(self, runner: Runner) -> None:
        if runner.folder not in self._homes:
            beside = self._neighbours if self._script.are_neighbours else None
            home = self._homes[runner.folder] = Home(self, runner.folder, beside)
            self._campaigns[runner.folder] = home.planned(runner.requests, runner.seeds)

    def _forgive(self) -> None:
        """Nothing goes wrong any more."""
        self.sandbox._script._faults = ()
        self._machine.slowest = 0.0

    async def _work(self, runner: Runner) -> None:
        """What cron does for one runner."""
        home = self._homes[runner.folder]
        for visit in runner.visits:
            ended = await self._visit(home, visit, runner.concurrency)
            home.note(ended)
            if not any(self._at_work[other.campaign_name] for other in home.beside):
                home.check_after(ended)
            if visit.resubmits:
                await self._order_again(home)
            await asyncio.sleep(visit.pause)

    async def _jump(self, after: float, by: float) -> None:
        await asyncio.sleep(after)
        self.clock_is_off += by
        self._machine.seen[f"clock set {'forward' if by > 0 else 'back'}"] += 1

    async def _visit(self, home: Home, visit: Visit, concurrency: int) -> Ended | None:
        """One run in a process of its own; None where it did not come to its report."""
        process = self._machine.process(at_step=visit.at_step, at_call=visit.at_call)
        process.refused = range(visit.full_from, visit.full_from + visit.full_for)
        process.held_at = visit.held_at
        file = self._campaigns[home.campaign_name].path
        with unreadable(file) if visit.is_unreadable else nullcontext() as error:
            ended = await self._alive(process, home, self._run(home, visit, concurrency, error))
        self._machine.seen["file unreadable"] += visit.is_unreadable
        if process.is_dead:
            self._machine.seen["killed at a step" if visit.at_step else "killed at the disk"] += 1
            return None
        code = ended.code if isinstance(ended, Ended) else ended
        self._machine.seen[f"exit {code}"] += 1
        return ended if isinstance(ended, Ended) else None

    async def _alive(self, process: Process, home: Home, work: Any) -> Any:
        """The answer of `work`, done as `process` in the folder of `home`; None where it was killed."""
        self._at_work[home.campaign_name] += 1
        at_work = sum(self._at_work[other.campaign_name] > 0 for other in home.beside)
        self._machine.seen["neighbours at the same moment"] += at_work > 1
        task = process.start(work)
        died = asyncio.ensure_future(process.died.wait())
        await asyncio.wait({task, died}, return_when=asyncio.FIRST_COMPLETED)
        died.cancel()
        self._at_work[home.campaign_name] -= 1
        if process.is_dead:
            return None
        process.end()
        return task.result()

    async def _run(self, home: Home, visit: Visit, concurrency: int, unreadable: CampaignError | None) -> Ended | int:
        """As the command line does it; `unreadable` is what it says of its campaign file, if anything."""
        limits = Limits(concurrency=concurrency, max_requests=visit.max_requests)
        choices = {"rate": self._script.rate, "limits": limits, "watch": _signalling(visit)}
        campaign = self._campaigns[home.campaign_name]
        try:
            if unreadable is not None:
                return await _all_the_same(home, campaign.path, unreadable, **choices)
            return await home.run(campaign, **choices)
        except CampaignError as error:
            return error.exit_code

    async def _order_again(self, home: Home) -> None:
        """A person looks at what is in doubt and wants it all the same."""
        if not (home.output / "journal.sqlite").exists() or self._at_work[home.campaign_name]:
            return
        home.resolved |= {
            key for (key,) in home.asked("SELECT key FROM variations WHERE state IN ('in_doubt', 'submitting')")
        }
        campaign = self._campaigns[home.campaign_name]
        work = apply(Decision.RESUBMIT, open_for_update(Folder(home.output), campaign), EVERYTHING)
        self._machine.seen["ordered again"] += await self._alive(self._machine.process(), home, work)

    def _outputs(self) -> list[list[Home]]:
        """The folders, those that lie beside each other together."""
        return [home.beside for home in self._homes.values() if home is home.beside[0]]

    async def _settle(self, homes: list[Home]) -> None:
        """A few runs settle every image of a folder and of those beside it, and one more does nothing."""
        for _ in range(FURTHER_RUNS):
            ended = [await self._undisturbed(home) for home in homes]
            if not (left := self._unsettled(homes, ended)):
                break
            await asyncio.sleep(LATER)
        assert not left, f"still {left} after {FURTHER_RUNS} runs"
        for home, last in zip(homes, ended, strict=True):
            states = set(+last.states)
            expected = 4 if "in_doubt" in states else 8 if "pending" in states else 3 if "failed" in states else 0
            assert last.code == expected, last.code
            home.check_after(last)
            self._check_pictures(home, last)
            await self._rest(home, last)
            self._machine.seen.update(f"finally {state}" for state in states)
            self._machine.seen.update(home.edges())

    def _unsettled(self, homes: list[Home], ended: list[Ended]) -> set[str]:
        """The states in which something is left; what is in doubt keeps the same image beside it waiting."""
        doubts = {image["key"] for last in ended for image in last.images if image["state"] == "in_doubt"}
        left = [image for last in ended for image in last.images if image["state"] not in SETTLED]
        return {image["state"] for image in left if image["state"] != "pending" or image["key"] not in doubts}

    async def _undisturbed(self, home: Home) -> Ended:
        ended = await self._visit(home, QUIET, concurrency=8)
        assert ended is not None, "a run that nothing disturbs came to no report"
        home.note(ended)
        return ended

    async def _rest(self, home: Home, ended: Ended) -> None:
        """Where nothing is open, a run asks for nothing and changes nothing."""
        asked = dict(self.sandbox.ledger.calls)
        again = await self._undisturbed(home)
        assert (again.code, again.images) == (ended.code, ended.images)
        assert self.sandbox.ledger.calls == asked, "an idle run asked for something"

    def _arrived(self, body: dict[str, Any]) -> None:
        """A request has arrived: by now its intent is durable."""
        asked = [home.states(body["seeds"], body["prompt"]) for home in self._homes.values() if home.is_ours(body)]
        if asked and not any(states and not states - {"submitting", "in_doubt"} for states in asked):
            self._sent_too_early.append((body, asked))

    def _check_pictures(self, home: Home, ended: Ended) -> None:
        """Every image that is stored was made by a job that was asked for it."""
        made: dict[str, set[bytes]] = {}
        for job in self.sandbox._jobs._jobs.values():
            pictures = {home.rendered(job, output) for output in job.outputs}
            for key in job.keys:
                made.setdefault(key, set()).update(pictures)
        for image in ended.images:
            if image["state"] == "stored":
                assert (home.output / image["file"]).read_bytes() in made[image["key"]], "the picture of another job"

    def _check_allowance(self) -> None:
        """In no minute more requests than allowed reached the service, whoever sent them."""
        check_rate(self.sandbox.ledger.as_json(), self._script.rate.per_minute)

    def _count_faults(self) -> None:
        strike, seen = self.sandbox._script.at, self._machine.seen

        def at(place: Any) -> Any:
            struck = strike(place)
            seen.update(f"{fault.kind} at {fault.place}" for fault in struck)
            return struck

        self.sandbox._script.at = at  # type: ignore[method-assign]


async def _all_the_same(home: Home, file: Path, error: CampaignError, **choices: Any) -> Ended | int:
    """A run whose campaign file cannot be read: it fetches what is paid for, and buys nothing."""
    if not waiting(home.folder):
        return error.exit_code
    with home.folder.ledger() as ledger:
        campaign = recalled(home.folder, ledger, file)
    return await home.run(campaign, forbidden=error, **choices)


def _signalling(visit: Visit) -> Any:
    """Tells the run to stop after so many events."""
    count = 0

    def watch(event: Event, control: Control) -> None:
        nonlocal count
        count += 1
        if count == visit.signal_at:
            control.signalled(signal.SIGINT)

    return watch
