"""manifest.json: what exists, with digests, written from the ledger and never kept in memory.

It is rewritten only if something other than the time and the generator would differ, so that a
run that changed nothing leaves it byte for byte. No secret and no signed URL is ever in it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import count, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from campaign_runner.disk import files
from campaign_runner.disk.regular_files import open_regular, sha256_at
from campaign_runner.firefly.protocol import hosts
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import State, canonical_json
from campaign_runner.output_folder.manifest_image import ManifestImage
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.portions import batched
from campaign_runner.version import __version__

VERSION = 1
_JSON = json.JSONEncoder(ensure_ascii=False)
_BATCH = 200
_HEAD_BYTES = 1 << 16
_LONGEST_LINE = 1 << 20
_REQUESTS = re.compile(rb'^  "requests": \{"submitted": (\d{1,9}), "accepted": \d{1,9}\},$', re.MULTILINE)
KEPT = re.compile(r"manifest\.kept-\d+\.json")
"""The name of a manifest that knew more than the journal that took its place."""
_NOTED = "manifest"
"""Under which name the journal notes what was written."""
_PASSING = re.compile(rb'  "(updated_at|generator)": "[\w .:+-]+",\n')


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a manifest comes from: the plan, the ledger, and when (UTC)."""

    plan: Plan
    ledger: Ledger
    now: datetime


def write_manifest(path: Path, sources: Sources, *, staging: Path, counts: Mapping[State, int] | None = None) -> bool:
    """Write the manifest at `path`, durably; says whether it changed. Raises StoreError, IntegrityError.

    `counts` are those of the whole plan by state, where they are known.
    """
    return write_document(path, head(sources, counts), _images(sources), staging=staging)


def written_as(path: Path, sources: Sources) -> dict[str, str]:
    """What the journal notes once the manifest at `path` says what `sources` do: both, as digests. Raises StoreError.

    The newest event, with its time and run, stands for all that the journal says of images.
    """
    plan, ledger = sources.plan, sources.ledger
    campaign, pictures = plan.campaign, {str(path): digest for path, digest in plan.digests.items()}
    said = [__version__, campaign.sha256, campaign.products_sha256, pictures, ledger.meta("model"), ledger.origin]
    told = sha256(canonical_json([*said, ledger.newest()]).encode()).hexdigest()
    return {_NOTED: f"{_digest_of(path)} {told}"}


def is_as_written(path: Path, sources: Sources) -> bool:
    """Whether the manifest at `path` is, byte for byte, what was written of `sources`. Raises StoreError."""
    noted = sources.ledger.meta(_NOTED)
    return noted is not None and {_NOTED: noted} == written_as(path, sources)


def _digest_of(path: Path) -> str:
    with files.translating(path), suppress(FileNotFoundError):
        return sha256_at(path)
    return ""


def keep_what_knows_more(path: Path, ledger: Ledger) -> Path | None:
    """Give the manifest at `path` a second name where it counts more requests than the journal does; None elsewhere.

    So that what was bought is still known when it is rewritten from an older journal or begun again. Raises StoreError.
    """
    with files.translating(path, missing_is_plain=True), suppress(FileNotFoundError), open_regular(path) as file:
        counted = _REQUESTS.search(file.read(_HEAD_BYTES))
        if counted is None or int(counted[1]) <= ledger.submitted():
            return None
        names = (path.with_name(f"manifest.kept-{number}.json") for number in count(1))
        kept = next(name for name in names if not name.exists())
        with files.replacing(kept) as copy:
            file.seek(0)
            shutil.copyfileobj(file, copy)
        return kept
    return None


def write_document(path: Path, about: Mapping[str, Any], images: Iterable[ManifestImage], *, staging: Path) -> bool:
    """Write a manifest of what `figures` has and of images, likewise."""
    files.make_folder(staging)
    draft = staging / "manifest.draft"
    try:
        files.remove(draft)
        with files.translating(draft), draft.open("x", encoding="utf-8", newline="\n") as file:
            _write(file, about, images)
        if _same(path, draft):
            return False
        with files.replacing(path, staging=staging) as target, files.translating(draft), draft.open("rb") as source:
            shutil.copyfileobj(source, target)
    finally:
        files.remove(draft)
    return True


def _write(file: IO[str], about: Mapping[str, Any], images: Iterable[ManifestImage]) -> None:
    for name, value in about.items():
        file.write(f"{'{' if name == 'manifest_version' else ','}\n  {json.dumps(name)}: {_JSON.encode(value)}")
    file.write(',\n  "images": [')
    for number, image in enumerate(images):
        file.write(f"{',' if number else ''}\n    {_JSON.encode(image.written())}")
    file.write("\n  ]\n}\n")


def head(sources: Sources, counts: Mapping[State, int] | None = None) -> dict[str, Any]:
    """The manifest without its images: what `status --json` prints."""
    plan, ledger = sources.plan, sources.ledger
    counts = counts or counts_of(plan, ledger)
    campaign = plan.campaign
    about = About(campaign.campaign, campaign.sha256, campaign.products_sha256, campaign.family.id)
    return figures(about, ledger, counts, sources.now)


def counts_of(plan: Plan, ledger: Ledger) -> dict[State, int]:
    """How many images of a campaign are in each state; of one whose words no one knows, all that was submitted."""
    return PlanStatus(plan, ledger.states).counts() if len(plan) else ledger.counts()


@dataclass(frozen=True, slots=True)
class About:
    """The campaign whose images a manifest lists: its name, the SHA-256 of its file and of its sheet, its model."""

    campaign: str
    sha256: str
    products_sha256: str | None
    version: str


def figures(about: About, ledger: Ledger, counts: Mapping[State, int], now: datetime) -> dict[str, Any]:
    """A manifest without its images. `counts` are those of the images in the campaign, by state."""
    model, requests = ledger.custom_model, ledger.requests()
    return {
        "manifest_version": VERSION,
        "campaign": about.campaign,
        "campaign_sha256": about.sha256,
        **({} if about.products_sha256 is None else {"products_sha256": about.products_sha256}),
        "generator": f"campaign_runner {__version__}",
        "backend": "firefly" if hosts.is_adobe(ledger.origin or "") else "sandbox",
        "model": {
            "version": about.version,
            "custom_model_id": model.id if model else None,
            "custom_model_name": model.name if model else None,
            "custom_model_version": model.version if model else None,
            "custom_model_etag": model.etag if model else None,
        },
        "counts": {"planned": sum(counts[state] for state in State)} | {state: counts[state] for state in State},
        "requests": {"submitted": requests.submitted, "accepted": requests.accepted},
        "created_at": ledger.meta("created_at"),
        "updated_at": now.isoformat(timespec="milliseconds"),
    }


def _images(sources: Sources) -> Iterator[ManifestImage]:
    """In plan order; those ever submitted that are no longer in the campaign last."""
    for some in batched(sources.plan, _BATCH):
        entries = sources.ledger.entries([each.variation.key for each in some])
        for each in some:
            named = ManifestImage(Entry(each.variation, each.recipe), other_cells=each.other_cells)
            yield named.telling(entries.get(each.variation.key))
    departed = sources.ledger.departed(sources.plan.keys())
    yield from (ManifestImage(entry, in_campaign=False) for entry in departed)


def is_current(path: Path, sources: Sources) -> bool:
    """Whether the manifest at `path` says what would be written now. Nothing is changed. Raises StoreError."""
    with TemporaryDirectory(prefix="campaign_runner-") as scratch:
        draft = Path(scratch) / "manifest.draft"
        with files.translating(draft), draft.open("w", encoding="utf-8", newline="\n") as file:
            _write(file, head(sources), _images(sources))
        return _same(path, draft)


def _same(path: Path, draft: Path) -> bool:
    """Whether both say the same, but for when and by which version they were written."""
    if not path.exists():
        return False
    with files.translating(path), open_regular(path) as old, draft.open("rb") as new:
        lines = zip_longest(_lines(new), _lines(old), fillvalue=b"")
        return all(ours == theirs or _only_passed(ours, theirs) for ours, theirs in lines)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file, one of more than any of ours in pieces."""
    return iter(lambda: file.readline(_LONGEST_LINE), b"")


def _only_passed(ours: bytes, theirs: bytes) -> bool:
    """Whether two lines differ in nothing but when, or by which version, they were written."""
    new, old = _PASSING.fullmatch(ours), _PASSING.fullmatch(theirs)
    return new is not None and old is not None and new[1] == old[1]
