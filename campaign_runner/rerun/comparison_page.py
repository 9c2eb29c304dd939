"""What a rerun leaves beside its images: their manifest, comparison.json for machines, comparison.html for people.

The page has no script, asks no one for anything and shows the pictures of both folders by relative links.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files as resources
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined

from campaign_runner.disk import files
from campaign_runner.firefly.protocol.request_body import prompt_of
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import State
from campaign_runner.output_folder.manifest_image import ManifestImage, cell_fields
from campaign_runner.output_folder.manifest_writer import About, figures, write_document
from campaign_runner.portions import batched
from campaign_runner.rerun.comparison import VERDICTS, Pair, counts
from campaign_runner.rerun.request import RerunRequest
from campaign_runner.verify.unknown_files import COMPARISON

VERSION = 1
_PAGE = 500
JSON, PAGE = COMPARISON


def write_comparison(order: RerunRequest, pairs: Sequence[Pair], there: Container[str]) -> Path:
    """Write both, durably; the answer is where the page is. `there`: the recorded files that are. Raises StoreError."""
    folder, staging = order.into.path, order.into.staging
    files.make_folder(staging)
    for name, text in ((JSON, _figures(order, pairs)), (PAGE, page(order, pairs, there))):
        with files.replacing(folder / name, staging=staging) as file:
            file.write(text.encode())
    return folder / PAGE


def write_record(order: RerunRequest, ledger: Ledger, now: datetime) -> None:
    """The manifest of the images made again, by the names and in the order of the one they were read from."""
    wanted = {image.key: State.PENDING for image in order.chosen.images}
    for some in batched(order.read.images(), _PAGE):
        wanted |= ledger.states([image.entry.key for image in some])
    head, counts = order.read.head, Counter(wanted.values())
    about = About(head.campaign, head.campaign_sha256, head.products_sha256, head.model.version)
    made = (image for image in order.read.images() if image.entry.key in wanted)
    write_document(
        order.into.manifest, figures(about, ledger, counts, now), _made_again(made, ledger), staging=order.into.staging
    )


def _made_again(images: Iterator[ManifestImage], ledger: Ledger) -> Iterator[ManifestImage]:
    for some in batched(images, _PAGE):
        entries = ledger.entries([image.entry.key for image in some])
        yield from (image.telling(entries.get(image.entry.key)) for image in some)


def _figures(order: RerunRequest, pairs: Sequence[Pair]) -> str:
    told = {
        "comparison_version": VERSION,
        "campaign": order.read.head.campaign,
        "manifest": _relative(order.read.path.resolve(), order.into.path),
        "manifest_sha256": order.read.sha256,
        "counts": counts(pairs),
        "images": [_image(order, pair) for pair in pairs],
    }
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _image(order: RerunRequest, pair: Pair) -> dict[str, Any]:
    image, made = pair.recorded, pair.made
    is_made = made is not None and made.state == State.STORED
    return {
        "key": image.key,
        **cell_fields(image.cell),
        "seed": image.seed,
        "verdict": pair.verdict,
        "distance": pair.distance,
        "why": pair.why,
        "recorded": {"file": _relative(order.home.path / str(image.file), order.into.path), "sha256": image.sha256},
        "made": {"file": made.file, "sha256": made.sha256, "job_id": made.job_id} if made and is_made else None,
    }


def page(order: RerunRequest, pairs: Sequence[Pair], there: Container[str]) -> str:
    """The page: what differs most comes first."""
    style = _part("comparison.css")
    template = _environment().from_string(_part("comparison.html"))
    return template.render(
        campaign=order.read.head.campaign,
        counts=counts(pairs),
        groups=list(_groups(order, pairs, there)),
        style=style,
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )


def _groups(
    order: RerunRequest, pairs: Sequence[Pair], there: Container[str]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    by_verdict = sorted(pairs, key=lambda pair: VERDICTS.index(pair.verdict))
    for verdict, group in groupby(by_verdict, key=lambda pair: pair.verdict):
        yield verdict, [_shown(order, pair, is_there=str(pair.recorded.file) in there) for pair in group]


def _shown(order: RerunRequest, pair: Pair, *, is_there: bool) -> dict[str, Any]:
    image, made = pair.recorded, pair.made
    recorded = order.home.path / str(image.file)
    return {
        "key": image.key,
        "name": str(image.cell),
        "seed": image.seed,
        "prompt": prompt_of(image.recipe.body),
        "width": image.cell.size.width,
        "height": image.cell.size.height,
        "distance": pair.distance,
        "why": pair.why,
        "recorded_link": quote(_relative(recorded, order.into.path)) if is_there else None,
        "made_link": quote(made.file) if made is not None and made.state == State.STORED and made.file else None,
    }


def _relative(path: Path, folder: Path) -> str:
    """By its way from `folder`, with `/`; whole where both are on different drives."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return path.as_posix()


@cache
def _environment() -> Environment:
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def _part(name: str) -> str:
    return resources("campaign_runner.rerun").joinpath(name).read_text(encoding="utf-8")
