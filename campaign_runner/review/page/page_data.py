"""What the page knows: rows, images, marks. JSON values, the same from disk and from the server."""

from __future__ import annotations

import shlex
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import count
from typing import Any
from urllib.parse import quote

from campaign_runner.campaign_file.schema.channels import channels_of
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.channels.crops import best_size
from campaign_runner.firefly.protocol.request_body import prompt_of
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import REHEARSAL, Cell, State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.plan import Plan, Planned
from campaign_runner.review.decisions import former_names
from campaign_runner.review.decisions_folder import Gathered, gather
from campaign_runner.review.decisions_format import mark_line
from campaign_runner.review.marks import Mark, Reviewer
from campaign_runner.review.merging import distinct
from campaign_runner.review.page.spooled_list import SpooledList
from campaign_runner.review.rows import recorded, row_cell
from campaign_runner.text import plural

VERSION = 1


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the page finds the pictures of a stored image: thumbnail, large one, and the image itself."""

    small: str
    large: str
    file: str


AddressOf = Callable[[Entry], Addresses]


def beside_the_page(entry: Entry) -> Addresses:
    """Relative links, for a page in the output folder."""
    link = quote(entry.file or "")
    return Addresses(link, link, link)


@dataclass(frozen=True, slots=True)
class PageSources:
    """Where the data of a page comes from. `reviewer` is who marks, if that is known before anyone says so."""

    folder: Folder
    plan: Plan
    ledger: Ledger
    address_of: AddressOf = beside_the_page
    reviewer: Reviewer | None = None
    is_served: bool = False
    is_single_file: bool = False
    is_running: bool = False


def decided(sources: PageSources) -> Gathered:
    """What people marked so far."""
    return gather(sources.folder, {sources.plan.campaign.campaign, *former_names(sources.ledger)})


def page_data(sources: PageSources, gathered: Gathered) -> dict[str, object]:
    """Everything that the page shows; what there may be much of is a SpooledList.

    Raises IntegrityError, StoreError for a record that cannot be read.
    """
    campaign, ledger = sources.plan.campaign, sources.ledger
    table = _Table(sources.address_of)
    images = SpooledList(table.added(planned, entry) for planned, entry in recorded(sources.plan, ledger))
    reviewer = sources.reviewer
    return {
        "page_version": VERSION,
        "folder": folder_id(ledger),
        "campaign": campaign.campaign,
        "reviewer": {"id": reviewer.id, "name": reviewer.name} if reviewer is not None else None,
        "is_served": sources.is_served,
        "is_single_file": sources.is_single_file,
        "is_running": sources.is_running,
        "running_words": _running_words(table.stored, len(images)) if sources.is_running else "",
        "settings": _settings(sources.plan),
        "channels": list(_channels(campaign)),
        "rows": SpooledList(row.written() for row in table.rows.values()),
        "prompts": SpooledList(table.prompts),
        "images": images,
        "marks": SpooledList(map(_mark, distinct(gathered.marks))),
        "reviewers": _names(gathered),
        "problems": [str(problem) for problem in gathered.problems] + list(gathered.remarks),
        "commands": _commands(sources.folder, delivers=bool(campaign.channels)),
    }


def folder_id(ledger: Ledger) -> str:
    """What tells one output folder from all others, wherever it is moved to: 16 hex."""
    told = f"{ledger.meta('created_at')}\n{ledger.meta('campaign')}"
    return sha256(told.encode()).hexdigest()[:16]


@dataclass(slots=True)
class _Row:
    cell: Cell
    prompt: int
    images: array[int]

    def written(self) -> dict[str, Any]:
        axes = self.cell.axes
        return {"cell": axes, "axes": axes, "prompt": self.prompt, "images": self.images.tolist()}


class _Table:
    """The rows of images as they are met, in plan order."""

    def __init__(self, address_of: AddressOf) -> None:
        self._address_of = address_of
        self._met = count()
        self.stored = 0
        self.rows: dict[Cell, _Row] = {}
        self.prompts: dict[str, int] = {}

    def added(self, planned: Planned, entry: Entry | None) -> dict[str, Any]:
        """What the page knows of an image, once it is in its rows."""
        number = next(self._met)
        self.stored += entry is not None and entry.state == State.STORED
        prompt = self.prompts.setdefault(prompt_of(planned.recipe.body), len(self.prompts))
        for cell in dict.fromkeys(map(row_cell, (planned.variation.cell, *planned.other_cells))):
            self.rows.setdefault(cell, _Row(cell, prompt, array("i"))).images.append(number)
        return _image(planned, entry, self._address_of)


def _image(planned: Planned, entry: Entry | None, address_of: AddressOf) -> dict[str, Any]:
    size, state = planned.variation.cell.size, entry.state if entry is not None else "pending"
    shown = {"key": planned.variation.key, "seed": planned.variation.seed, "state": state}
    shown |= {"width": size.width, "height": size.height, "sha256": None, "stored_at": None, "why": None}
    if entry is None or state != "stored":
        why = entry.reason.message if entry is not None and entry.reason is not None else None
        return shown | {"why": why, "warnings": []}
    found = address_of(entry)
    links = {"small": found.small, "large": found.large, "file": found.file}
    return shown | {"sha256": entry.sha256, "stored_at": entry.stored_at, "warnings": list(entry.warnings)} | links


def _running_words(stored: int, images: int) -> str:
    return f"A run is under way: {stored:,} of {plural(images, 'image')} stored"


def _settings(plan: Plan) -> dict[str, Any]:
    rules = plan.campaign.review
    return {
        "need": rules.need,
        "final": rules.final,
        "must": list(rules.must),
        "picks": rules.picks,
        "blind": rules.blind,
        "reasons": rules.reasons,
    }


def _channels(campaign: Campaign) -> Iterator[dict[str, Any]]:
    """What is delivered to, with the size of the campaign that it is cut from; None where none is large enough."""
    for channel in channels_of(campaign.channels):
        size, best = channel.size, best_size(channel, campaign.sizes)
        shown = {"id": channel.id, "width": size.width, "height": size.height, "safe": asdict(channel.safe)}
        yield shown | {"from": str(best) if best is not None else None}


def _mark(mark: Mark) -> dict[str, Any]:
    return mark_line(mark) | {"reviewer": mark.reviewer.id}


def _names(gathered: Gathered) -> dict[str, str]:
    return {file.reviewer.id: file.reviewer.name for file in gathered.files if file.reviewer is not None}


def _commands(folder: Folder, *, delivers: bool) -> dict[str, str]:
    """What leads on, to be typed where the campaign's files are."""
    name, flags = folder.path.name, []
    if folder.is_sandbox:
        name, flags = name.removesuffix(REHEARSAL), ["--sandbox"]
    commands = ("status", "reroll", *(["deliver"] if delivers else []))
    return {command: _typed(command, name, flags) for command in commands}


def _typed(command: str, name: str, flags: Sequence[str]) -> str:
    return shlex.join(["campaign-runner", command, name, *flags])
