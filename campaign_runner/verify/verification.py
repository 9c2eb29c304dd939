"""The whole of `verify`: the record is read, every image is read and hashed, and the rest of the folder is looked at.

Nothing is written, no one is asked. A few images are read at once, so that disk and processors are busy together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing

from campaign_runner.errors import Busy
from campaign_runner.output_folder.delivered_files import delivery_notes
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.portions import batched
from campaign_runner.report import next_commands
from campaign_runner.tasks import in_thread, map_concurrently
from campaign_runner.verify.damage import Damage, Expected, damage
from campaign_runner.verify.findings import Difference, Verdict
from campaign_runner.verify.record import Record, read_record
from campaign_runner.verify.unknown_files import misplaced, stranger, strangers
from campaign_runner.verify.wanted import ByDigest, WantedFiles

_AT_ONCE = 500
READERS = 4
"""Images read at once."""


async def verify(folder: Folder, memory: RunRegistry | None = None) -> Verdict:
    """Compare an output folder with its record, and that with what this machine remembers of it.

    Raises Busy while a run goes on, UsageError, StoreError.
    """
    _refuse_running(folder)
    record = await in_thread(read_record, folder, memory)
    with closing(record.wanted):
        return await _compared(folder, record)


async def _compared(folder: Folder, record: Record) -> Verdict:
    """What is in the folder, compared with what the record says of it."""
    damaged = await _damaged(folder, record.wanted)
    unknown = [name async for name in strangers(folder.store, record.wanted)]
    _refuse_running(folder)  # what it stored meanwhile would pass for unknown
    lost = {each.sha256: each.bytes for each, how in damaged if how.kind == "missing"}
    elsewhere = await misplaced(folder.store, unknown, lost)
    findings = [*record.findings, *(_damage(folder, record, each, how, elsewhere) for each, how in damaged)]
    findings += (stranger(name, record.wanted) for name in unknown if name not in elsewhere.values())
    mend_all = _mend_all(folder, record, findings)
    notes = await in_thread(lambda: delivery_notes(folder.path, reads_all=True))
    return Verdict(
        record.campaign, folder.path, len(record.wanted), record.wanted.bytes, tuple(findings), mend_all, tuple(notes)
    )


def _mend_all(folder: Folder, record: Record, findings: Sequence[Difference]) -> str | None:
    images = [finding for finding in findings if finding.key is not None]
    if folder.keeping.options or len(images) < 2 or any(finding.mend is None for finding in images):
        return None  # what was only moved is not to be bought again
    return next_commands.rerun(folder.manifest, "--restore", is_sandbox=record.is_sandbox)


def _refuse_running(folder: Folder) -> None:
    if folder.is_held():
        raise Busy(f"a run is in progress in {folder.path}; verify it when it has ended")


async def _damaged(folder: Folder, wanted: WantedFiles) -> list[tuple[Expected, Damage]]:
    """Those of `wanted` that are not as recorded, in their order."""
    store, others = folder.store, ByDigest(wanted)
    found: list[tuple[Expected, Damage]] = []
    for some in batched(wanted.expected(), _AT_ONCE):
        told = await map_concurrently(lambda each: damage(store, each, others), some, READERS)
        found += [(each, how) for each, how in zip(some, told, strict=True) if how is not None]
    return found


def _damage(folder: Folder, record: Record, wanted: Expected, how: Damage, elsewhere: Mapping[str, str]) -> Difference:
    if how.kind == "missing" and wanted.sha256 in elsewhere:
        message = f"it was moved to {elsewhere[wanted.sha256]}: move it back"
        return Difference("moved", message, wanted.file, wanted.key)
    mend = None
    if wanted.key is not None and not folder.keeping.options:
        mend = next_commands.rerun(
            folder.manifest, "--only", f"key={wanted.key[:8]}", "--restore", is_sandbox=record.is_sandbox
        )
    return Difference(how.kind, how.message, wanted.file, wanted.key, mend)
