"""The whole of `verify`: the books are read, every image is read and hashed, and the rest of the folder is looked at.

Nothing is written, nobody is asked. A few images are read at once, so that disk and processors are busy together.
"""

from __future__ import annotations

from campaign_runner import commands
from campaign_runner.errors import Busy
from campaign_runner.files import in_thread
from campaign_runner.folder import Folder
from campaign_runner.run.crew import few_at_once
from campaign_runner.verify.books import Books, read_books
from campaign_runner.verify.findings import Finding, Verdict
from campaign_runner.verify.pictures import Damage, Wanted, damage
from campaign_runner.verify.strangers import strangers

READERS = 4
"""Images read at once."""


async def verify(folder: Folder) -> Verdict:
    """Hold an output folder against its record. Raises Busy while a run goes on, UsageError, StoreError."""
    _refuse_running(folder)
    books = await in_thread(read_books, folder)
    wanted = sorted(books.wanted.values(), key=lambda each: each.file)
    damaged = await _damaged(folder, wanted)
    unknown = await in_thread(lambda: list(strangers(folder.path, books.wanted)))
    _refuse_running(folder)  # what it stored meanwhile would pass for unknown
    findings = [*books.findings, *(_damage(folder, books, each, how) for each, how in damaged)]
    findings += [Finding("unknown", "no record knows this file; move it away", name) for name in unknown]
    return Verdict(books.campaign, folder.path, len(wanted), sum(each.bytes for each in wanted), tuple(findings))


def _refuse_running(folder: Folder) -> None:
    if folder.is_held():
        raise Busy(f"a run goes on in {folder.path}; verify it when it has ended")


async def _damaged(folder: Folder, wanted: list[Wanted]) -> list[tuple[Wanted, Damage]]:
    """Those of `wanted` that are not as recorded, in their order."""
    others = {each.sha256: each.file for each in wanted}
    found = await few_at_once(lambda each: in_thread(damage, folder.path, each, others), wanted, READERS)
    return [(each, how) for each, how in zip(wanted, found, strict=True) if how is not None]


def _damage(folder: Folder, books: Books, wanted: Wanted, how: Damage) -> Finding:
    mend = None
    if wanted.key is not None:
        mend = commands.rerun(
            folder.manifest, "--only", f"key={wanted.key[:8]}", "--restore", is_sandbox=books.is_sandbox
        )
    return Finding(how.kind, how.message, wanted.file, wanted.key, mend)
