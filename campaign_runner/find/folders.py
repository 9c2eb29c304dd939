"""The output folders in which an image is looked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from campaign_runner.disk.regular_files import real
from campaign_runner.errors import IntegrityError, StoreError
from campaign_runner.output_folder.folder import Folder


def folders_in(places: Sequence[Path], warn: Callable[[str], None] | None) -> list[Folder]:
    """The output folders that have a journal below `places`, or are one of them; each once.

    `warn` is told of those whose journal cannot be read: they are left out. Without it they are among them.
    """
    found: dict[Path, None] = {}
    for place in places:
        inside = sorted(place.iterdir()) if place.is_dir() else []
        found |= dict.fromkeys(map(real, (place, *inside)))
    return [Folder(path) for path in found if _is_meant(Folder(path), warn)]


def _is_meant(folder: Folder, warn: Callable[[str], None] | None) -> bool:
    try:
        if not folder.has_journal:
            return False
        if warn is None:
            return True
        with folder.ledger(is_running=False):
            return True
    except (IntegrityError, StoreError) as error:
        if warn is not None:
            warn(f"{folder.path.name} is not searched: {error}")
        return warn is None
