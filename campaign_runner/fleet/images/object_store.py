"""Images in a bucket: put if nothing has the name, compared where something has it.

One object is one image, so there is nothing half written and no staging. Names are bounded as those of a folder are:
what is here can be taken out to one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Iterable
from contextlib import suppress
from io import BytesIO
from typing import TypeVar

from campaign_runner.disk.image_names import split_name
from campaign_runner.errors import NameTooLong, StoreError, TooLarge
from campaign_runner.fleet.images.bucket import Bucket
from campaign_runner.fleet.images.looks import LooksSeen
from campaign_runner.model import IMAGES, SUFFIXES
from campaign_runner.ports import LARGEST_BYTES, Content, Put, Store
from campaign_runner.store import put_copy, sha256_of
from campaign_runner.tasks import in_thread, map_concurrently

T = TypeVar("T")
OWN = ".campaign-runner"
"""How the keys begin, in a fleet's place for images, of what belongs to no campaign."""
LONGEST_PART, LONGEST_KEY = 255, 1024
"""Bytes of a part of a name, as disks take them, and of a whole key, as buckets do; the URL is counted with it."""
_AT_ONCE = 16  # requests of one call
_FEW = 8  # names in one folder that are asked for one by one
_GONE_MEANWHILE = 5  # times that what was in the way of an image is gone once it is looked at
_MEDIA_TYPES = {suffix: media_type for media_type, suffix in SUFFIXES.items()}


class ObjectStore:
    """A Store in `bucket`, below `prefix` (`acme/spring`). For the order of its calls see the port.

    What is put is seen by `looks`.
    """

    def __init__(self, bucket: Bucket, prefix: str, looks: LooksSeen | None = None) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._looks = looks or LooksSeen()

    def where(self, name: str) -> str:
        """The URL of `name`."""
        return f"{self._bucket.url}/{self._prefix}/{name}"

    async def ready(self, place: str = IMAGES) -> None:
        """Nothing is to be made, and nothing was left; see the port."""
        split_name(place)

    async def check_writable(self, needed: int = 0) -> None:
        """Put a small object, and take it away; how much room there is no bucket says. See the port."""
        probe = f"{OWN}/probe-{secrets.token_hex(8)}"
        await self._bucket.create(probe, b"x", "text/plain")
        await self._bucket.delete(probe)

    async def check_names(self, names: Iterable[str]) -> None:
        """Raises NameTooLong for the first of `names` that is; see the port."""
        for name in names:
            self._key(name)

    async def put_new(self, name: str, content: bytes, sha256: str) -> Put:
        """Publish `content` under `name`, durable on return; see the port."""
        put = await self._put_new(name, content, sha256)
        if put is not Put.DIFFERENT:
            await self._looks.see(name, content, sha256)
        return put

    async def _put_new(self, name: str, content: bytes, sha256: str) -> Put:
        key = self._key(name)
        for _ in range(_GONE_MEANWHILE):
            if await self._bucket.create(key, content, _MEDIA_TYPES.get(name.rpartition(".")[2], "")):
                return Put.NEW
            try:
                there = await self._bucket.read(key, LARGEST_BYTES)
            except TooLarge:
                return Put.DIFFERENT
            if there is not None:
                is_same = (await in_thread(hashlib.sha256, there.content)).hexdigest() == sha256
                return Put.SAME if is_same else Put.DIFFERENT
        raise StoreError(f"{self.where(name)} cannot be put: the store says that it is there, and that it is not")

    async def second_name(
        self, name: str, sha256: str, *, source: Store, file: str, is_one_file: bool = False
    ) -> Put | None:
        """Publish `file` of `source` under `name` too, a copy; see the port."""
        self._key(name)
        return await put_copy(self, name, sha256, source=source, file=file)

    async def holds(self, *stems: str) -> str | None:
        """The object named by one of `stems` with any picture suffix, or None; see the port."""
        names = [f"{stem}.{suffix}" for stem in stems for suffix in SUFFIXES.values() if split_name(stem)]
        there = await self.present(names)
        return next((name for name in names if name in there), None)

    async def present(self, names: Collection[str]) -> set[str]:
        """Those of `names` under which an object is found; see the port."""
        found, folders = set[str](), defaultdict[str, list[str]](list)
        for name in names:
            with suppress(NameTooLong):
                self._key(name)
                folders[name[: name.rfind("/") + 1]].append(name)
        for folder, wanted in folders.items():
            if len(wanted) > _FEW and folder:
                found |= {name async for name in self.names(folder)} & set(wanted)
                continue
            answers = await map_concurrently(lambda name: self._bucket.has(self._key(name)), wanted, _AT_ONCE)
            found |= {name for name, is_there in zip(wanted, answers, strict=True) if is_there}
        return found

    async def open(self, name: str, look: Callable[[Content], T]) -> T:
        """What `look` makes of the object `name`, which is read whole before; see the port."""
        found = await self._bucket.read(self._key(name), LARGEST_BYTES)
        if found is None:
            raise FileNotFoundError(name)
        return await in_thread(look, BytesIO(found.content))

    async def digest(self, name: str) -> str | None:
        """The SHA-256 (hex) of the object `name`; see the port."""
        try:
            return await self.open(name, sha256_of)
        except FileNotFoundError:
            return None

    async def remove(self, name: str, sha256: str) -> None:
        """Take the object `name` away if it holds the bytes of `sha256`; see the port."""
        if await self.digest(name) == sha256:
            await self._bucket.delete(self._key(name))

    async def names(self, prefix: str = "") -> AsyncGenerator[str, None]:
        """All objects below `prefix`; see the port."""
        async for key in self._bucket.keys(f"{self._prefix}/{prefix}"):
            yield key.removeprefix(f"{self._prefix}/")

    def _key(self, name: str) -> str:
        """Raises NameTooLong, IntegrityError."""
        key = f"{self._prefix}/{name}"
        longest = max(len(part.encode()) for part in split_name(name))
        if longest > LONGEST_PART or len(f"{self._bucket.url}/{key}".encode()) > LONGEST_KEY:
            raise NameTooLong(
                f"{name} is too long for the image store: at most {LONGEST_PART} bytes from '/' to '/', "
                f"{LONGEST_KEY:,} with {self._bucket.url}. Nothing is bought. Shorten the ids in it"
            )
        return key
