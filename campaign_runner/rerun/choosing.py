"""Which images of a manifest are made again, and by which requests.

A request is made of what was recorded: its body, and its seeds in the order they were sent. Only selected seeds are
bought, since the others of a request would be paid for and thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from campaign_runner.errors import UsageError
from campaign_runner.families import FAMILIES
from campaign_runner.folder import Folder
from campaign_runner.model import Job
from campaign_runner.plan.only import Only, read_only
from campaign_runner.readback import ReadBack, cell_of, recipe_of, variation_of
from campaign_runner.schemas.manifest import Image
from campaign_runner.spec.problems import counted


@dataclass(frozen=True, slots=True)
class Chosen:
    """The images that are made again, their requests, and sentences about what is left out."""

    images: tuple[Image, ...]
    jobs: tuple[Job, ...]
    left_out: tuple[str, ...]


def choose(read: ReadBack, options: Sequence[str] = ()) -> Chosen:
    """What `--only` selects of the stored images. Raises UsageError where that is nothing.

    Images that left the campaign are made again only where `--only key=…` names them.
    """
    only = _only(read, options)
    selected = [image for image in read.manifest.images if _is_selected(image, only)]
    stored = [image for image in selected if image.state == "stored"]
    images = [image for image in stored if not _is_kept(image)]
    if not images:
        raise UsageError(f"no stored image of {read.path} is selected; nothing was sent")
    return Chosen(tuple(images), tuple(_jobs(images)), tuple(_left_out(selected, stored, images)))


def only_these(chosen: Chosen, images: Sequence[Image]) -> Chosen:
    """The same, of fewer images."""
    return Chosen(tuple(images), tuple(_jobs(images)), chosen.left_out)


def _only(read: ReadBack, options: Sequence[str]) -> Only:
    """A size may be given by its name."""
    images = read.manifest.images
    names = {name: str(size) for family in FAMILIES.values() for name, size in family.names.items()}
    sizes = {f"{image.size.width}x{image.size.height}" for image in images}
    known = {
        "product": list(dict.fromkeys(image.product for image in images)),
        "prompt": list(dict.fromkeys(image.prompt_id for image in images)),
        "preset": list(dict.fromkeys(image.preset for image in images)),
        "market": list(dict.fromkeys(image.market for image in images if image.market is not None)),
        "size": [*sizes, *(name for name, size in names.items() if size in sizes)],
    }
    only = read_only(options, known)
    if "size" not in only.values:
        return only
    return Only({**only.values, "size": frozenset(names.get(size, size) for size in only.values["size"])})


def _is_selected(image: Image, only: Only) -> bool:
    cells = [cell_of(cell) for cell in (image, *image.also)]
    return (image.in_campaign or only.needs_keys) and only.matches(cells, image.seed, image.key)


def _is_kept(image: Image) -> bool:
    """Whether it stands for words it was not made with: its request would make another picture."""
    return image.source is not None and image.source.how == "kept"


def _left_out(selected: list[Image], stored: list[Image], images: list[Image]) -> Iterator[str]:
    if unmade := len(selected) - len(stored):
        yield f"{counted(unmade, 'image')} of the manifest never stored: left out"
    if kept := len(stored) - len(images):
        yield f"{counted(kept, 'image')} kept for changed words, made by another request: left out"


def _jobs(images: Sequence[Image]) -> Iterator[Job]:
    """One for each recorded request, in the order of the manifest."""
    groups: dict[tuple[str, str | None, tuple[int, ...]], list[Image]] = {}
    for image in images:
        groups.setdefault((image.recipe, image.job_id, image.job_seeds or ()), []).append(image)
    for (_, _, seeds), group in groups.items():
        places = {seed: place for place, seed in enumerate(seeds)}
        group.sort(key=lambda image: places.get(image.seed, len(seeds)))
        pack = FAMILIES[group[0].version].pack
        for start in range(0, len(group), pack):
            part = group[start : start + pack]
            yield Job(recipe_of(part[0]), tuple(variation_of(image) for image in part))


def usual_place(manifest: Path, *, is_sandbox: bool) -> Path:
    """Where the images of a manifest go when they are made again: a folder beside its own, a rehearsal's another."""
    home = manifest.resolve().parent
    rehearsal = ".sandbox" if is_sandbox and not Folder(home).is_sandbox else ""
    return home.with_name(f"{home.name}.rerun{rehearsal}")
