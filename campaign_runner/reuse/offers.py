"""Images that other campaigns of the same folder of outputs have stored already: the very same request and seed.

Their journals are only read, also while a run holds them. What a person let stand for other words is not
offered: it is not what the request would make.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import IntegrityError, StoreError
from campaign_runner.journal import tables
from campaign_runner.journal.ledger import INTERRUPTED, Entry, Ledger
from campaign_runner.model import CustomModel, State
from campaign_runner.output_folder.folder import MADE_AGAIN, Folder
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.portions import batched
from campaign_runner.reuse.candidate import Candidate
from campaign_runner.text import plural

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Offer:
    """What one campaign has: the positions, in the plan, of due variations it has stored, or may have paid for.

    `coming` are those of the latter that a living run may still store; what is in doubt, no one but a person ends.
    """

    campaign: str
    folder: Path
    positions: Sequence[int]
    coming: Collection[int] = ()

    def __str__(self) -> str:
        return f"{plural(len(self.positions), 'image')} of {self.campaign}"

    def without(self, taken: Collection[int]) -> Offer:
        """The rest of it."""
        positions, coming = ([at for at in some if at not in taken] for some in (self.positions, self.coming))
        return replace(self, positions=positions, coming=coming)


@dataclass(frozen=True, slots=True)
class ReuseOffers:
    """What the other campaigns have of the `due` variations, each offered once; and whose record cannot be read.

    `waiting` is what they may have paid for and not stored yet: bought here, it would be paid for twice. `read` says
    up to which event each journal was read, by the name of its folder; None for one that is damaged.
    """

    due: int
    offers: tuple[Offer, ...]
    warnings: tuple[str, ...]
    waiting: tuple[Offer, ...] = ()
    read: Mapping[str, int | None] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(len(offer.positions) for offer in self.offers)

    def positions(self) -> Iterator[int]:
        for offer in self.offers:
            yield from offer.positions


NOTHING = ReuseOffers(0, (), ())


@dataclass(frozen=True, slots=True)
class ReuseQuery:
    """What is looked for: images of this service, made with this very custom model."""

    folder: Path  # our own, which is not looked into
    origin: str
    model: CustomModel | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether a stored image may be used."""
        if entry.state != State.STORED or (entry.source is not None and entry.source.how == "kept"):
            return False
        made_with = entry.model_version, entry.model_etag
        return self.model is None or made_with == (self.model.version, self.model.etag)

    def waits_for(self, entry: Entry) -> bool:
        """Whether an image may be paid for and is not stored yet: bought again, it would be paid for twice."""
        return entry.state == State.IN_DOUBT or self.awaits(entry)

    def awaits(self, entry: Entry) -> bool:
        """Whether a run that goes on may still store an image."""
        return entry.state == State.ACCEPTED or entry.reason == INTERRUPTED


def search(status: PlanStatus, query: ReuseQuery, among: Collection[str] | None = None) -> ReuseOffers:
    """Which due variations of `status`, `among` these keys if given, exist in the other output folders beside ours."""
    if not status.due or not status.plan.knows_keys:
        return NOTHING
    offers: list[Offer] = []
    open_there: list[Offer] = []
    warnings: list[str] = []
    taken: set[int] = set()
    read: dict[str, int | None] = {}
    for folder in _beside(query.folder):
        due = (each for each in status.due_keys() if each[0] not in taken and (among is None or each[1] in among))
        try:
            read[folder.name], offer, unsettled = _offer(folder, due, query)
        except (IntegrityError, StoreError) as error:
            warnings.append(f"nothing of {folder.name} is used: {error}")
            read[folder.name] = None if isinstance(error, IntegrityError) else 0  # this disk may answer another time
            continue
        taken.update(offer.positions)
        offers += [offer] if offer.positions else []
        open_there.append(unsettled)
    left = tuple(rest for each in open_there if (rest := each.without(taken)).positions)
    return ReuseOffers(status.due, tuple(offers), tuple(warnings), left, read)


def left_to(waiting: Offer) -> str:
    """What to say of what is left to another campaign."""
    number = len(waiting.positions)
    return (
        f"{plural(number, 'image')} due here {'waits' if number == 1 else 'wait'} at Adobe or in doubt in "
        f"campaign {waiting.campaign}: they are not bought here, so that they are not paid for twice. Run or resolve "
        "that campaign first; --no-reuse buys them"
    )


def existing(offer: Offer, plan: Plan, query: ReuseQuery, ours: Folder) -> Iterator[Candidate]:
    """The images of an offer to `ours`, as their record describes them now. Raises IntegrityError, StoreError."""
    there = ours.at(offer.folder).store
    with Ledger(offer.folder) as ledger:
        for some in batched(offer.positions, _AT_ONCE):
            planned = {each.variation.key: each for each in map(plan.at, some)}
            entries = (entry for entry in ledger.entries(list(planned)).values() if query.takes(entry))
            yield from (
                Candidate(planned[entry.variation.key], entry, there, offer.campaign, "reused") for entry in entries
            )


def known_model(campaign: Campaign, query: ReuseQuery) -> CustomModel | None:
    """What the campaign's custom model means, as far as the other campaigns' records agree; good for planning."""
    models = {found for folder in _beside(query.folder) if (found := _model_of(folder, query.origin)) is not None}
    meant = {model for model in models if campaign.custom_model in (model.name, model.asset_name, model.id)}
    return meant.pop() if len(meant) == 1 else None


def _beside(ours: Path) -> Iterator[Path]:
    """The output folders beside ours that hold the file of a journal, by name."""
    for file in sorted(ours.parent.glob(f"*/{tables.FILE}")):
        if file.parent.name != ours.name:
            yield file.parent


def _model_of(folder: Path, origin: str) -> CustomModel | None:
    try:
        with Ledger.if_begun(folder) as ledger:
            return ledger.custom_model if ledger is not None and ledger.origin == origin else None
    except (IntegrityError, StoreError):
        return None  # `search` tells that it cannot be read


def _offer(folder: Path, due: Iterator[tuple[int, str]], query: ReuseQuery) -> tuple[int, Offer, Offer]:
    """Up to which event a campaign's journal is read, what it has of `due`, and what of it it may have paid for."""
    stored, waiting, coming = array("q"), array("q"), array("q")
    with Ledger.if_begun(folder, is_running=True) as ledger:  # if none runs, what is unanswered is awaited: no matter
        if ledger is None:  # a run that begins this very moment has its file before its tables
            nothing = Offer(folder.name, folder, ())
            return 0, nothing, nothing
        last = ledger.last_event()  # first: what comes after it is looked for again before anything is bought
        campaign = ledger.meta("campaign") or folder.name
        is_of_interest = ledger.origin == query.origin and ledger.meta(MADE_AGAIN) is None  # not another service's
        while some := {key: position for position, key in islice(due, _AT_ONCE if is_of_interest else 0)}:
            entries = ledger.entries(list(some))
            stored.extend(some[key] for key, entry in entries.items() if query.takes(entry))
            waiting.extend(some[key] for key, entry in entries.items() if query.waits_for(entry))
            coming.extend(some[key] for key, entry in entries.items() if query.awaits(entry))
    return last, Offer(campaign, folder, stored), Offer(campaign, folder, waiting, coming)
