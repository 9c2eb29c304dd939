"""The journal and the manifest of a folder, each by itself and compared with the other.

The journal is the record: images are looked for as it says, and as the manifest says only where it cannot be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from campaign_runner.authoring.since_last_run import pictures_of
from campaign_runner.campaign_file.loader import load, recall
from campaign_runner.campaign_file.schema.ids import derived_before
from campaign_runner.disk.sqlite import what_mends
from campaign_runner.errors import CampaignError, IntegrityError, UsageError
from campaign_runner.families import FAMILIES
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.journal.tables import FILE, refuse_damage
from campaign_runner.model import State
from campaign_runner.output_folder.folder import SANDBOX, Folder
from campaign_runner.output_folder.manifest_image import recorded
from campaign_runner.output_folder.manifest_reader import ReadBack, read_manifest
from campaign_runner.output_folder.manifest_writer import Sources, is_current
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.plan.plan import Plan
from campaign_runner.portions import batched
from campaign_runner.report import next_commands
from campaign_runner.text import joined, plural
from campaign_runner.verify.damage import Expected
from campaign_runner.verify.findings import Difference
from campaign_runner.verify.wanted import WantedFiles

_CHUNK = 500


@dataclass(slots=True)
class Record:
    """What the record says: the files it knows by their name, and what is wrong with the record itself."""

    campaign: str
    is_sandbox: bool = False
    wanted: WantedFiles = field(default_factory=WantedFiles)
    findings: list[Difference] = field(default_factory=list)


def read_record(folder: Folder, memory: RunRegistry | None) -> Record:
    """Read journal and manifest. Raises UsageError where there is neither, StoreError."""
    if not folder.has_journal and not folder.manifest.exists():
        raise UsageError(f"{folder.path} holds neither a journal nor a manifest: nothing was run there yet")
    record = Record(folder.path.name)
    read = _manifest(folder, record)
    try:
        refuse_damage(folder.path / FILE)
        with Ledger(folder.path) as ledger:
            _read_journal(ledger, record)
            _compare(folder, read, ledger, record)
            _refuse_older(folder, ledger, memory)
    except IntegrityError as error:
        record.findings.insert(0, Difference("journal", str(error), FILE))
        _read_from_manifest(read, record)
    except UsageError:
        missing = folder.what_is_missing().removeprefix("its ")
        message = f"the {missing}: nothing is bought in this folder until it is back. {what_mends(folder.path / FILE)}"
        record.findings.insert(0, Difference("journal", message, FILE))
        _read_from_manifest(read, record)
    return record


def _manifest(folder: Folder, record: Record) -> ReadBack | None:
    """The manifest, if it can be read; what is wrong with it goes into the record."""
    try:
        return read_manifest(folder.manifest)
    except UsageError:
        record.findings.append(Difference("manifest", "the manifest is gone", folder.manifest.name))
    except IntegrityError as error:
        record.findings.append(Difference("manifest", str(error), folder.manifest.name))
    return None


def _read_journal(ledger: Ledger, record: Record) -> None:
    record.campaign = ledger.meta("campaign") or record.campaign
    record.is_sandbox = ledger.origin == SANDBOX
    record.wanted.add(map(_wanted, ledger.in_states(State.STORED)))
    asides = (Expected(aside.file, aside.sha256, aside.bytes) for aside in ledger.set_aside())
    record.wanted.add(asides, is_further=True)


def _refuse_older(folder: Folder, ledger: Ledger, memory: RunRegistry | None) -> None:
    """As a run does. Raises IntegrityError: what an older journal does not know is in the manifest, if anywhere."""
    if memory is not None and (file := folder.campaign_file(ledger)) is not None:
        memory.refuse_older(file, folder.path, ledger.submitted())


def _wanted(entry: Entry) -> Expected:
    """Raises IntegrityError for a stored image without a file."""
    if entry.file is None or entry.sha256 is None or entry.bytes is None:
        raise IntegrityError(f"{FILE} is damaged: image {entry.variation.key[:8]} is stored without a file")
    family = FAMILIES.get(entry.recipe.version)
    size = entry.cell.size if family is None or family.has_pixels else None
    return Expected(entry.file, entry.sha256, entry.bytes, entry.key, size)


def _read_from_manifest(read: ReadBack | None, record: Record) -> None:
    record.wanted.clear()
    if read is None:
        return
    record.campaign = read.head.campaign
    record.wanted.add(_wanted(image.entry) for image in read.images() if image.entry.state == State.STORED)


def _compare(folder: Folder, read: ReadBack | None, ledger: Ledger, record: Record) -> None:
    """Whether the manifest says what the journal says; the command that writes it again where it does not."""
    file = folder.campaign_file(ledger)
    mend = next_commands.run(file, folder) if file is not None else None
    if read is not None:
        message = _difference(folder, read, ledger, file)
        if message is None:
            return
        record.findings.append(Difference("manifest", message, folder.manifest.name))
    record.findings = [
        Difference(each.kind, each.message, each.file, each.key, mend) if each.kind == "manifest" else each
        for each in record.findings
    ]


def _difference(folder: Folder, read: ReadBack, ledger: Ledger, file: Path | None) -> str | None:
    """What the manifest says otherwise than the journal, in a sentence; None if nothing."""
    plan = _same_plan(read, ledger, file)
    for written in (plan, *_earlier(plan, ledger)) if plan is not None else ():
        if is_current(folder.manifest, Sources(written, ledger, read.head.updated_at)):
            return None
    found = [*_images(read, ledger), *_figures(read, ledger)]
    if found:
        return (
            f"it differs from the journal in {plural(len(found), 'place')}: {joined(found)}. "
            "It was edited, or the last run ended before writing it"
        )
    return None if plan is None else "its order, names or figures differ from the journal and the campaign"


def _same_plan(read: ReadBack, ledger: Ledger, file: Path | None) -> Plan | None:
    """The plan the manifest was written from, if the campaign is still the same, its reference images included."""
    try:
        campaign = load(file) if file is not None else None
        if campaign is None or campaign.sha256 != read.head.campaign_sha256:
            return None
        if campaign.products_sha256 != read.head.products_sha256:
            return None
        plan = Plan(campaign, ledger.custom_model)
    except CampaignError:
        return None
    return plan if plan.knows_keys and not plan.references else None


def _earlier(plan: Plan, ledger: Ledger) -> Iterator[Plan]:
    """The plan as an earlier version made it, where that spelt ids in another way."""
    campaign = plan.campaign
    if any(campaign.source.respelt.values()):
        pictures, text = pictures_of(plan), campaign.text.encode()
        before = recall(campaign.path, text, pictures, campaign.sha256, derived_before, rows=campaign.rows)
        if before is not None:
            yield Plan(before, ledger.custom_model)


def _images(read: ReadBack, ledger: Ledger) -> Iterator[str]:
    """The images that the manifest tells otherwise than the journal, each with the fields that differ."""
    for images in batched(read.written(), _CHUNK):
        entries = ledger.entries([image["key"] for image in images])
        for image in images:
            told = recorded(entries.get(image["key"]))
            if fields := [name for name, value in told.items() if image[name] != value]:
                yield f"{image['key'][:8]} ({', '.join(fields)})"
    there = (image["key"] for image in read.written())
    yield from (f"{entry.variation.key[:8]} (left out)" for entry in ledger.departed(there))


def _figures(read: ReadBack, ledger: Ledger) -> Iterator[str]:
    """The figures of the whole that differ from what its images, or the journal, say."""
    head, requests = read.head, ledger.requests()
    states = Counter(str(image["state"]) for image in read.written() if image["in_campaign"])
    counts = head.counts.model_dump()
    if counts.pop("planned") != states.total() or any(states[state] != number for state, number in counts.items()):
        yield "counts"
    if (head.requests.submitted, head.requests.accepted) != (requests.submitted, requests.accepted):
        yield "requests"
    if head.campaign != ledger.meta("campaign"):
        yield "campaign"
    model = ledger.custom_model
    known = (model.id, model.version, model.etag) if model is not None else (None, None, None)
    said = head.model
    if (said.custom_model_id, said.custom_model_version, said.custom_model_etag) != known:
        yield "model"
