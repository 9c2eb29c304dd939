"""Reference images beside the images of a campaign, so that every machine can hand them over to Adobe."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from campaign_runner.disk.regular_files import real
from campaign_runner.errors import IntegrityError
from campaign_runner.firefly.references import read_reference
from campaign_runner.journal.last_run import noted_campaign
from campaign_runner.output_folder.folder import REFERENCES, Folder
from campaign_runner.ports import Put, Store
from campaign_runner.tasks import in_thread


async def put_references(store: Store, references: Mapping[str, Path]) -> None:
    """Put those of `references`, by the SHA-256 of their content, that are not in `store` yet.

    Raises IntegrityError for one that is gone or has other content by now, StoreError.
    """
    names = {f"{REFERENCES}/{sha256}": sha256 for sha256 in references}
    for name in names.keys() - await store.present(names):
        content = await read_reference(references[names[name]], names[name])
        if await store.put_new(name, content, names[name]) is Put.DIFFERENT:
            raise IntegrityError(f"{store.where(name)} is another file than its name says; move it away and run again")


async def bring_references(folder: Folder, store: Store) -> None:
    """Put those of the last run of `folder` that are still where they were then; a run puts the others."""
    for sha256, path in (await in_thread(_of_last_run, folder)).items():
        with suppress(IntegrityError):
            await put_references(store, {sha256: path})


def _of_last_run(folder: Folder) -> dict[str, Path]:
    with folder.ledger() as ledger:
        last, file = noted_campaign(ledger), ledger.meta("file")
    if last is None or file is None:
        return {}
    home = real(folder.path / file).parent
    return {sha256: Path(os.path.normpath(home / path)) for path, sha256 in last.pictures.items()}
