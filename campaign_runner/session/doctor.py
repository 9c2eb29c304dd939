"""What would keep tonight's run from working, found out today and free of charge.

A check says in a sentence what it found, or raises what a run would be refused for. Nothing is
bought and nothing recorded: the service is asked for a token and for its list of custom models.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from campaign_runner.authoring.since_last_run import refuse_large_loss
from campaign_runner.disk import files
from campaign_runner.errors import (
    CampaignError,
    CampaignFileError,
    LaterError,
    StoreError,
    UsageError,
)
from campaign_runner.firefly.client import FireflyClient, named
from campaign_runner.firefly.settings import Settings
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import CustomModel, State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.cost import RateLimit, estimate, product_of_lists
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.ports import Allowance
from campaign_runner.report import next_commands
from campaign_runner.report.next_commands import called
from campaign_runner.run.control import Clock
from campaign_runner.run.ending import OK
from campaign_runner.session.preflight import (
    refuse_long_names,
    refuse_over_budget,
    refuse_unfit_prompts,
    settle_model,
)
from campaign_runner.session.preview import preview
from campaign_runner.session.request import RunRequest, ServiceAccess
from campaign_runner.session.road import BYTES_AN_IMAGE, quota_of
from campaign_runner.session.session import refuse_to_run
from campaign_runner.text import joined, plural

WRONG_CLOCK = 60.0
"""Seconds between our clock and the service's that a person should know of."""
USUAL_BYTES = 4 << 20
"""What a stored image takes, roughly."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, what was found (and what to do about it), and the exit status of a run then.

    `name` is the campaign, or the account, that it is about, where several are examined; None for what they share.
    """

    check: str
    message: str
    code: int = OK
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is examined: how the service is reached, the account's allowance, and the campaign, if one is named.

    `wrong` is what is wrong with the campaign's file; there is no `order` then.
    """

    access: ServiceAccess
    rate: RateLimit
    clock: Clock
    order: RunRequest | None = None
    wrong: CampaignFileError | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """What the images that a campaign still lacks need: room in its folder, and requests of an account's allowance.

    `today` is what is left of that allowance, None where it could not be asked for.
    """

    folder: Folder
    images: int
    requests: int
    account: str | None
    today: Allowance | None


class Doctor:
    """Examines one subject. Use once.

    With `account`, another Doctor that has examined machine and account, only the campaign is looked at.
    """

    def __init__(self, subject: Subject, account: Doctor | None = None) -> None:
        self._subject = subject
        self._account = account
        self._settings: Settings | None = None
        self._status: PlanStatus | None = None
        self._models: Sequence[CustomModel] | None = None if account is None else account._models
        self._clock_ahead: float | None = None
        self._today: Allowance | None = None

    async def findings(self) -> AsyncIterator[Check]:
        """One finding a check, as they come; what cannot be looked at without an earlier one is left out."""
        shared = ("state", "settings", "service", "clock", "allowance") if self._account is not None else ()
        for check, look in self._checks().items():
            if check in shared:
                continue
            try:
                seen = await look()
            except CampaignError as error:
                yield Check(check, _told(error), error.exit_code)
            else:
                if seen is not None:
                    yield Check(check, seen)

    @property
    def needs(self) -> Needs | None:
        """None where no campaign was named, its plan could not be made, or it has all its images."""
        order, status = self._subject.order, self._status
        if order is None or status is None or not status.due:
            return None
        today = self._today if self._account is None else self._account._today
        return Needs(order.folder, status.due, status.requests, order.campaign.account, today)

    def _checks(self) -> dict[str, Callable[[], Awaitable[str | None]]]:
        return {
            "campaign": self._campaign,
            "record": self._record,
            "output": self._output,
            "disk": self._disk,
            "names": self._names,
            "state": self._state,
            "settings": self._check_settings,
            "service": self._service,
            "model": self._model,
            "clock": self._clock,
            "allowance": self._allowance,
        }

    async def _campaign(self) -> str | None:
        """Its file has no problems, and what it would buy is within its budget."""
        order, wrong = self._subject.order, self._subject.wrong
        if wrong is not None:
            first = str(wrong.problems[0]).splitlines()[0]
            many = f"{plural(len(wrong.problems), 'problem')}, the first is {first}"
            raise UsageError(f"{many}. `{next_commands.check(Path(wrong.problems[0].path))}` shows all")
        if order is None:
            return None
        folder = order.folder
        with folder.ledger_if_begun() as ledger:
            plan = Plan(order.campaign, ledger.custom_model if ledger else None)
            self._status = PlanStatus(plan, ledger.states if ledger else None)
            bought = ledger.requests().bought if ledger else 0
        now = self._subject.clock.now()
        refuse_over_budget(order.campaign, estimate(self._status, order.rate, bought=bought, now=now))
        warned = f"; {plural(len(order.campaign.warnings), 'warning')}" if order.campaign.warnings else ""
        due = f"{plural(self._status.due, 'image')} to generate in {plural(self._status.requests, 'request')}"
        return f"{order.campaign.path}: {product_of_lists(self._status)}; {due}{warned}"

    async def _record(self) -> str | None:
        """The output folder is this campaign's, with its record."""
        if (order := self._subject.order) is None:
            return None
        await refuse_to_run(order, self._subject.access)
        with order.folder.ledger_if_begun() as ledger:
            if ledger is None:
                return "nothing was run yet"
            counts = ledger.counts()
            if self._status is not None:
                self._refuse_large_loss(self._status, ledger, order)
        found = ", ".join(f"{number:,} {state.replace('_', ' ')}" for state, number in counts.items() if number)
        settle = (
            f"; clear them up with `{next_commands.resolve(called(order.folder, self._subject.access.memory))}`"
            if counts[State.IN_DOUBT]
            else ""
        )
        return f"{found or 'nothing was bought yet'}{settle}"

    def _refuse_large_loss(self, status: PlanStatus, ledger: Ledger, order: RunRequest) -> None:
        """An edit that a run asks about is refused at night, where no one answers. Raises UsageError."""
        seen = preview(status, ledger, None)
        if seen.changes is not None and seen.takes_much:
            refuse_large_loss(seen.changes, order.campaign.path)

    async def _output(self) -> str | None:
        order = self._subject.order
        if order is not None and order.folder.is_held():
            return f"{order.folder.path}: a run is in progress"
        return None if order is None else _usable(order.folder.path)

    async def _state(self) -> str:
        return _usable(self._subject.access.state)

    async def _disk(self) -> str | None:
        """There is room for what is due, and for what can be under way at once."""
        order, status = self._subject.order, self._status
        if order is None:
            return None
        at_once = status.at_once(order.limits.concurrency) if status else 0
        due = status.due if status else 0
        return _room([order.folder], max(BYTES_AN_IMAGE * at_once, USUAL_BYTES * due), "the remaining images need")

    async def _names(self) -> str | None:
        """The disk takes the longest name of what is due."""
        order, status = self._subject.order, self._status
        if order is None or status is None or not status.due:
            return None
        await refuse_long_names(status, order.folder.store)
        return "the longest one fits on this disk"

    async def _check_settings(self) -> str:
        """Every variable that is needed is set."""
        self._settings = self._subject.access.settings()
        further = joined(self._settings.image_hosts)
        return f"complete, for {self._settings.firefly_url}{f'; images also from {further}' if further else ''}"

    async def _service(self) -> str | None:
        """The credentials are accepted."""
        if self._settings is None:
            return None
        async with FireflyClient(self._settings, clock=self._subject.clock.now) as firefly:
            self._models = await firefly.list_models()
            self._clock_ahead = firefly.clock_ahead
        return f"Adobe accepts the credentials; {plural(len(self._models), 'custom model')} shared with them"

    async def _model(self) -> str | None:
        """The custom model is shared with the account, is the one of the first run, and is asked for by its concept."""
        order = self._subject.order
        name = order.campaign.custom_model if order is not None else None
        if order is None or name is None or self._models is None:
            return None
        with order.folder.ledger_if_begun() as ledger:
            recorded = ledger.custom_model if ledger else None
        model = settle_model(name, named(self._models, name), recorded, accept_drift=False)
        refuse_unfit_prompts(order.campaign, model.concept)
        return f"'{name}' is shared, version {model.version}{', as in the first run' if recorded else ''}"

    async def _clock(self) -> str | None:
        if (ahead := self._clock_ahead) is None:
            return None
        if abs(ahead) > WRONG_CLOCK:
            how = f"{abs(ahead):,.0f} s {'behind' if ahead > 0 else 'ahead of'}"
            raise StoreError(
                f"this machine's clock is {how} Adobe's: set it, otherwise the allowance is counted at the wrong times"
            )
        return "the same as Adobe's"

    async def _allowance(self) -> str | None:
        """What is left of the day's requests."""
        if self._settings is None:
            return None
        today = await quota_of(self._subject.access, self._subject.rate, self._subject.clock).allowance()
        self._today = today
        left = max(today.per_day - today.used_day, 0)
        found = f"{left:,} of {today.per_day:,} requests left today"
        if left == 0:
            raise LaterError(f"{found}: run again later")
        return found


def together(campaigns: Sequence[Needs]) -> Iterator[Check]:
    """What several campaigns need of the disk, and of the allowance, that they share."""
    disks: dict[int, list[Needs]] = {}
    accounts: dict[str | None, list[Needs]] = {}
    for needs in campaigns:
        disks.setdefault(_existing(needs.folder.path).stat().st_dev, []).append(needs)
        accounts.setdefault(needs.account, []).append(needs)
    for some in disks.values():
        if len(some) > 1:
            yield _disk_of(some)
    for some in accounts.values():
        if len(some) > 1 and (today := some[0].today) is not None:
            yield Check("allowance", _days(some, today))


def _disk_of(campaigns: Sequence[Needs]) -> Check:
    whose = f"the remaining images of {plural(len(campaigns), 'campaign')} need"
    bytes_needed = USUAL_BYTES * sum(needs.images for needs in campaigns)
    try:
        return Check("disk", _room([needs.folder for needs in campaigns], bytes_needed, whose))
    except StoreError as error:
        return Check("disk", str(error), error.exit_code)


def _days(campaigns: Sequence[Needs], today: Allowance) -> str:
    """How far the day's requests go for several campaigns."""
    requests = sum(needs.requests for needs in campaigns)
    left = max(today.per_day - today.used_day, 0)
    days = 1 + max(requests - left + today.per_day - 1, 0) // today.per_day
    later = f"; they take {days} days" if days > 1 else ""
    return f"{plural(len(campaigns), 'campaign')} need {plural(requests, 'request')}, {left:,} are left today{later}"


def _room(folders: Sequence[Folder], needed: int, what_needs: str) -> str:
    """Say that a disk has room. Raises StoreError."""
    free = shutil.disk_usage(_existing(folders[0].path)).free
    found = f"{_gigabytes(free)} free; {what_needs} about {_gigabytes(needed)}"
    if free < needed:
        raise StoreError(f"{found}: make room on the disk of {joined([str(folder.path) for folder in folders])}")
    return found


def _told(error: CampaignError) -> str:
    """What a run would be refused for, on one line."""
    return (
        "; ".join(problem.sentence for problem in error.problems)
        if isinstance(error, CampaignFileError)
        else str(error)
    )


def _existing(path: Path) -> Path:
    """The nearest folder that is there already."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _usable(path: Path) -> str:
    """Say that a folder can be written and locked, or made; nothing is left there. Raises StoreError."""
    place = _existing(path)
    with ExitStack() as probing:
        probing.enter_context(files.translating(path))
        probe = Path(probing.enter_context(TemporaryDirectory(dir=place, prefix=".doctor-")))
        probing.enter_context(Folder(probe).locked())
        files.write_durably(probe / "probe", b"x")
    return f"{path}: can be {'written' if place == path else 'made'} and locked"


def _gigabytes(size: int) -> str:
    return f"{size / (1 << 30):,.1f} GB"
