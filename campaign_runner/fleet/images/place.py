"""The place of a fleet's images, as CAMPAIGN_RUNNER_STORE names it: a bucket, or a folder that all hosts share.

A manifest there is replaced by compare-and-swap: who finds that another was quicker makes it again from the record.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from campaign_runner.disk import files
from campaign_runner.disk.image_names import split_name
from campaign_runner.disk.locks import KernelLock
from campaign_runner.disk.regular_files import content_of, open_regular
from campaign_runner.errors import StoreError, TooLarge, UsageError
from campaign_runner.fleet.images.bucket import Bucket
from campaign_runner.fleet.images.looks import LooksSeen
from campaign_runner.fleet.images.object_store import OWN, ObjectStore
from campaign_runner.ports import Put, Store
from campaign_runner.store import FolderStore, sha256_of
from campaign_runner.tasks import in_thread

if TYPE_CHECKING:
    from obstore import UpdateVersion

Version: TypeAlias = "UpdateVersion"
"""Which of its contents something has; for who put it there to compare, and nothing else."""
ID = f"{OWN}/fleet-id"
"""Holds the id of the database whose images are here."""
_JSON, _TEXT = "application/json", "text/plain"
_ID_BYTES = 100
_LARGEST = 1 << 30
_LOCK_SECONDS = 30.0
_LEFT_BEHIND = 86_400.0  # seconds: so long no host takes to put an image
_TRIES = 20  # of a manifest that others replace at the same time
_AGAIN = "then run `campaign-runner fleet init` again"


class ImagePlace(ABC):
    """Where the images of all campaigns of a fleet are; `url` is for people, `looks` has seen what was put.

    Methods raise StoreError where the place refuses, StoreSilent where it does not answer, IntegrityError.
    """

    url: str
    looks: LooksSeen

    @staticmethod
    def of(setting: str, *, allows_http: bool = False) -> ImagePlace:
        """The place that a setting names: `s3://`, `az://`, `gs://`, or an absolute path. Raises UsageError."""
        if "://" in setting:
            return BucketPlace(Bucket(setting, allows_http=allows_http))
        if not Path(setting).is_absolute():
            raise UsageError(
                f"CAMPAIGN_RUNNER_STORE={setting} is not an image store: use s3://bucket/prefix, "
                "az://container/prefix, gs://bucket/prefix or the absolute path of a folder that all hosts share"
            )
        return FolderPlace(Path(setting))

    @abstractmethod
    async def answers(self) -> bool:
        """Whether the last call had a usable answer; otherwise nothing should be bought that is to be put here.

        It is asked again where not. Raises StoreSilent once nothing answered for a minute.
        """

    @abstractmethod
    def store(self, prefix: str) -> Store:
        """The images of one campaign, whose names begin here with `prefix` (`acme/spring`)."""

    async def publish(self, name: str, make: Callable[[], Awaitable[bytes]]) -> None:
        """Put what `make` gives under `name`, in the place of what is there; made again where another was quicker.

        So that what is there last was made last, however slow another is.
        """
        for _ in range(_TRIES):
            before = await self._version(name)
            content = await make()
            if await self._swap(name, content, before):
                return
        raise StoreError(f"{self.url}/{name} was replaced again and again meanwhile; run again")

    async def content(self, name: str) -> bytes | None:
        """What is under `name`; None where nothing is."""
        return await self._read(name, _LARGEST)

    async def check(self) -> None:
        """Refuse a place that puts over what is there, or replaces what is not there any more: each is tried twice."""
        name = f"{OWN}/check-{secrets.token_hex(8)}"
        if not await self._swap(name, b"first", None) or await self._swap(name, b"second", None):
            raise StoreError(
                f"{self.url} puts an object over another one although it is told not to (put-if-absent); a fleet could "
                f"lose images there. Use a store that has conditional writes, {_AGAIN}"
            )
        before = await self._version(name)
        if not await self._swap(name, b"third", before) or await self._swap(name, b"fourth", before):
            raise StoreError(
                f"{self.url} replaces an object although it is another one by now (compare-and-swap); a fleet's "
                f"manifests would be wrong there. Use a store that has conditional writes, {_AGAIN}"
            )
        await self._delete(name)

    async def note(self, fleet_id: str) -> None:
        """Write the id of the fleet's database here, for good. Raises UsageError where another one is."""
        await self._swap(ID, fleet_id.encode(), None)
        await self.refuse_another(fleet_id)

    async def refuse_another(self, fleet_id: str) -> None:
        """Raises UsageError where the images of another database are here, or none were prepared for."""
        found = await self._read(ID, _ID_BYTES)
        if found is None:
            raise UsageError(f"{self.url} is not prepared; nothing was sent. Run `campaign-runner fleet init`")
        if found != fleet_id.encode():
            raise UsageError(
                f"{self.url} holds the images of another database than CAMPAIGN_RUNNER_DATABASE_URL names; nothing was "
                "sent. Correct one of the two, or use another prefix"
            )

    async def _swap(self, name: str, content: bytes, before: Version | None) -> bool:
        """Whether `content` is under `name` now, put in the place of just `before`; also where only the answer to
        that was lost."""
        split_name(name)
        return await self._put(name, content, before) or await self._is(name, content)

    async def _is(self, name: str, content: bytes) -> bool:
        try:
            return await self._read(name, len(content)) == content
        except TooLarge:
            return False

    @abstractmethod
    async def _put(self, name: str, content: bytes, before: Version | None) -> bool: ...

    @abstractmethod
    async def _version(self, name: str) -> Version | None: ...

    @abstractmethod
    async def _read(self, name: str, most_bytes: int) -> bytes | None: ...

    @abstractmethod
    async def _delete(self, name: str) -> None: ...


class BucketPlace(ImagePlace):
    """A bucket, or the objects below a prefix of one."""

    def __init__(self, bucket: Bucket) -> None:
        self.url = bucket.url
        self.looks = LooksSeen()
        self._bucket = bucket

    async def answers(self) -> bool:
        """Whether the store does."""
        return not self._bucket.is_silent or await self._bucket.look(ID)

    def store(self, prefix: str) -> Store:
        """The images of one campaign."""
        return ObjectStore(self._bucket, prefix, self.looks)

    async def _put(self, name: str, content: bytes, before: Version | None) -> bool:
        media_type = _JSON if name.endswith(".json") else _TEXT
        if before is None:
            return await self._bucket.create(name, content, media_type)
        return await self._bucket.replace(name, content, media_type, before)

    async def _version(self, name: str) -> Version | None:
        return await self._bucket.version(name)

    async def _read(self, name: str, most_bytes: int) -> bytes | None:
        found = await self._bucket.read(name, most_bytes)
        return None if found is None else found.content

    async def _delete(self, name: str) -> None:
        await self._bucket.delete(name)


class FolderPlace(ImagePlace):
    """A folder that all hosts share, with a lock of its own for what is replaced there."""

    def __init__(self, home: Path) -> None:
        self.url = str(home)
        self.looks = LooksSeen()
        self._home = home

    async def answers(self) -> bool:
        """A disk does, or the call does not end."""
        return True

    def store(self, prefix: str) -> Store:
        """The images of one campaign."""
        return _SharedFolder(self._home / prefix, self.looks)

    async def _put(self, name: str, content: bytes, before: Version | None) -> bool:
        return await in_thread(self._put_locked, self._home / name, content, before)

    async def _version(self, name: str) -> Version | None:
        return await in_thread(_version_of, self._home / name)

    async def _read(self, name: str, most_bytes: int) -> bytes | None:
        return await in_thread(_read, self._home / name, most_bytes)

    async def _delete(self, name: str) -> None:
        await in_thread(files.remove, self._home / name)

    def _put_locked(self, path: Path, content: bytes, before: Version | None) -> bool:
        files.make_folder(self._home / OWN)
        lock = KernelLock(self._home / OWN / "lock")
        if not lock.take(_LOCK_SECONDS):
            raise StoreError(f"{self._home} has been locked for {_LOCK_SECONDS:.0f} s by another host; run again")
        try:
            if _version_of(path) != before:
                return False
            files.make_folder(path.parent)
            files.write_durably(path, content)
            return True
        finally:
            lock.release()


class _SharedFolder(FolderStore):
    """A FolderStore what is put into which is seen, and into which who was taken over may put what it paid for."""

    def __init__(self, home: Path, looks: LooksSeen) -> None:
        super().__init__(home)
        self._looks = looks

    async def put_new(self, name: str, content: bytes, sha256: str) -> Put:
        """Publish `content` under `name`, durable on return; see the port."""
        put = await super().put_new(name, content, sha256)
        if put is not Put.DIFFERENT:
            await self._looks.see(name, content, sha256)
        return put

    def _empty_staging(self) -> None:
        """Another host may be putting an image: what it began of late, by the clock of that disk, is left alone."""
        self._staging.touch()
        now = self._staging.stat().st_mtime
        for left in self._staging.iterdir():
            with suppress(FileNotFoundError):  # it has its name by now
                if left.is_file() and now - left.stat().st_mtime > _LEFT_BEHIND:
                    files.remove(left)


def _read(path: Path, most_bytes: int) -> bytes | None:
    with files.translating(path), suppress(FileNotFoundError):
        return content_of(path, most_bytes)
    return None


def _version_of(path: Path) -> Version | None:
    with files.translating(path), suppress(FileNotFoundError), open_regular(path) as file:
        return {"e_tag": sha256_of(file)}
    return None
