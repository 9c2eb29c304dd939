"""Reference images: each content is handed over once, remembered for 6.5 days, and handed over again if forgotten.

A request that is refused for a forgotten one was a request of the allowance: its job is left to be asked for
again, like any other that certainly cost nothing. `WithReferences` is a Provider that wraps another: it looks after
uploads and leaves everything else to it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from campaign_runner.campaign_file.schema import reference_files
from campaign_runner.disk.regular_files import content_of
from campaign_runner.errors import IntegrityError, Rejected, Unavailable
from campaign_runner.events import Fact, Uploaded
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.firefly.protocol.answers import UNKNOWN_UPLOAD
from campaign_runner.firefly.protocol.interfaces import references_of
from campaign_runner.model import Finished, Job, Output, Ticket
from campaign_runner.ports import LARGEST_BYTES, Permit, Provider
from campaign_runner.tasks import in_thread


class UploadCache(Protocol):
    """Where upload ids are remembered: the journal."""

    async def upload_id(self, sha256: str) -> str | None: ...
    async def record(self, facts: Sequence[Fact]) -> Sequence[Fact]: ...


class WithReferences(Provider):
    """A Provider over `service` that knows the campaign's reference images.

    `files` by the SHA-256 of what they held when it was planned.
    """

    def __init__(self, service: FireflyClient, memory: UploadCache, files: Mapping[str, Path]) -> None:
        self._service = service
        self._memory = memory
        self._files = files
        self._known: dict[str, str] = {}
        self._refused: dict[str, Rejected] = {}
        self._handed_over: set[str] = set()  # upload ids of this run
        self._forgotten: set[str] = set()  # upload ids
        self._left: Counter[str] = Counter()  # how often a job was left to be asked for again, by its first key
        self._turn = asyncio.Lock()

    async def prepare(self, job: Job) -> None:
        """See Provider. All jobs that need the same image wait for the one upload of it."""
        await self._service.prepare(job)
        for sha256 in references_of(job.recipe):
            async with self._turn:
                if sha256 in self._refused:
                    raise self._refused[sha256]
                upload_id = self._known.get(sha256) or await self._memory.upload_id(sha256)
                if upload_id is None or upload_id in self._forgotten:
                    upload_id = await self._upload(sha256)
                self._known[sha256] = upload_id

    async def submit(self, job: Job, permit: Permit | None = None) -> Ticket:
        """See Provider. Unavailable where the service no longer knows an upload: `prepare` hands it over again.

        That as often as the job has uploads: refused with new ones, too, it is itself at fault.
        """
        uploads = {sha256: self._known[sha256] for sha256 in references_of(job.recipe) if sha256 in self._known}
        try:
            return await self._service.submit(job, permit, uploads)
        except Rejected as error:
            if error.code != UNKNOWN_UPLOAD or self._left[job.keys[0]] == len(uploads):
                raise
            self._left[job.keys[0]] += 1
            ids = set(uploads.values())
            self._forgotten |= ids - self._handed_over or ids  # those of earlier runs before our own
            raise Unavailable(str(error), code=error.code, reached=True) from error

    async def poll(self, ticket: Ticket) -> Finished | None:
        return await self._service.poll(ticket)

    async def fetch(self, output: Output, most_bytes: int = LARGEST_BYTES) -> bytes:
        return await self._service.fetch(output, most_bytes)

    async def _upload(self, sha256: str) -> str:
        content = await read_reference(self._files[sha256], sha256)
        try:
            upload_id = await self._service.upload(content, _media_type(content))
        except Rejected as error:
            self._refused[sha256] = error
            raise
        self._handed_over.add(upload_id)
        self._forgotten.discard(upload_id)  # an image of the same content may have the same id again
        await self._memory.record([Uploaded(sha256, upload_id)])
        return upload_id


async def read_reference(path: Path, sha256: str) -> bytes:
    """The bytes of a reference image. Raises IntegrityError where it is gone or has other ones now."""
    try:
        content = await in_thread(content_of, reference_files.on_disk(path), reference_files.LARGEST_BYTES)
    except OSError as error:
        raise IntegrityError(f"the reference image {path} cannot be read any more ({error.strerror})") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise IntegrityError(f"the reference image {path} changed during the run; run again")
    if not await in_thread(reference_files.is_whole, content):
        raise IntegrityError(
            f"the reference image {path} is cut off or damaged, and was not uploaded; wait until it is synced, or copy "
            "it again, and run again"
        )
    return content


def _media_type(content: bytes) -> str:
    """By the first bytes, never by the name; `check` has refused everything else."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/png" if content.startswith(b"\x89PNG") else "image/webp"
