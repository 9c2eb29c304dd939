"""Which images of a manifest are made again, and by which requests.

A request is made of what was recorded: its body, and its seeds in the order they were sent. Only selected seeds are
bought, since the others of a request would be paid for and thrown away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from campaign_runner.errors import UsageError
from campaign_runner.families import FAMILIES
from campaign_runner.journal.ledger import Entry
from campaign_runner.model import REHEARSAL, Job, Recipe, State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.manifest_image import ManifestImage
from campaign_runner.output_folder.manifest_reader import ReadBack
from campaign_runner.plan.selection import EVERYTHING, Selection, read_only
from campaign_runner.portions import batched
from campaign_runner.report.next_commands import typed
from campaign_runner.text import plural

_MADE, _KEPT, _NEVER_STORED = "made again", "kept", "never stored"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The images that are made again, their requests, and sentences about what is left out."""

    images: tuple[Entry, ...]
    jobs: tuple[Job, ...]
    left_out: tuple[str, ...]


def choose(read: ReadBack, options: Sequence[str] = ()) -> Chosen:
    """What `--only` selects of the stored images. Raises UsageError where that is nothing.

    Images that left the campaign are made again only where `--only key=…` names them.
    """
    only = _only(read, options) if options else EVERYTHING
    fates: Counter[str] = Counter()
    images: list[Entry] = []
    for image in read.images():
        if _is_selected(image, only):
            fate = _fate(image.entry)
            fates[fate] += 1
            images += [image.entry] if fate == _MADE else []
    if not images:
        there = typed("status", str(read.path.parent))
        raise UsageError(f"no stored image of {read.path} is selected; nothing was sent. To see what there is: {there}")
    return Chosen(tuple(images), tuple(_jobs(images)), tuple(_left_out(fates)))


def only_these(chosen: Chosen, images: Sequence[Entry]) -> Chosen:
    """The same, of fewer images."""
    return Chosen(tuple(images), tuple(_jobs(images)), chosen.left_out)


def _only(read: ReadBack, options: Sequence[str]) -> Selection:
    """A size may be given by its name."""
    names = {name: str(size) for family in FAMILIES.values() for name, size in family.names.items()}
    known: dict[str, dict[str, None]] = {axis: {} for axis in ("product", "prompt", "preset", "market", "size")}
    for cell in (image.entry.cell for image in read.images()):
        said = (cell.product, cell.prompt, cell.preset, cell.market, str(cell.size))
        for each, name in zip(known.values(), said, strict=True):
            each |= {} if name is None else {name: None}
    known["size"] |= {name: None for name, size in names.items() if size in known["size"]}
    return read_only(options, known).sized(names)


def _is_selected(image: ManifestImage, only: Selection) -> bool:
    entry, cells = image.entry, [image.entry.cell, *image.other_cells]
    return (image.in_campaign or only.needs_keys) and only.matches(cells, entry.seed, entry.key)


def _fate(image: Entry) -> str:
    """Whether an image is made again, or why not: one that was kept was made by another request than its own."""
    if image.state != State.STORED:
        return _NEVER_STORED
    return _KEPT if image.source is not None and image.source.how == "kept" else _MADE


def _left_out(fates: Counter[str]) -> Iterator[str]:
    if unmade := fates[_NEVER_STORED]:
        yield f"{plural(unmade, 'image')} of the manifest left out: never stored"
    if kept := fates[_KEPT]:
        yield f"{plural(kept, 'image')} left out: kept for a new wording, made by another request"


def _jobs(images: Sequence[Entry]) -> Iterator[Job]:
    """One for each recorded request, in the order of the manifest."""
    groups: dict[tuple[Recipe, str | None, tuple[int, ...]], list[Entry]] = {}
    for image in images:
        groups.setdefault((image.recipe, image.job_id, image.job_seeds), []).append(image)
    for (_, _, seeds), group in groups.items():
        places = {seed: place for place, seed in enumerate(seeds)}
        group.sort(key=lambda image: places.get(image.seed, len(seeds)))
        for part in batched(group, FAMILIES[group[0].recipe.version].pack):
            yield Job(part[0].recipe, tuple(image.variation for image in part))


def usual_place(manifest: Path, *, is_sandbox: bool) -> Path:
    """Where the images of a manifest go when they are made again: a folder beside its own, a rehearsal's another."""
    home = manifest.resolve().parent
    rehearsal = REHEARSAL if is_sandbox and not Folder(home).is_sandbox else ""
    return home.with_name(f"{home.name}.rerun{rehearsal}")
