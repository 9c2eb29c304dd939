"""Images kept in memory: a second adapter of the Store port, which shows that there may be one."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Iterable
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from campaign_runner.disk.image_names import split_name
from campaign_runner.errors import NameTooLong
from campaign_runner.model import SUFFIXES
from campaign_runner.ports import Content, Put, Store
from campaign_runner.store import put_copy
from campaign_runner.tasks import in_thread

LONGEST = 255
"""Characters of a part of a name."""
T = TypeVar("T")


class MemoryStore:
    """A Store in `files`, which outlives it: opening one on the same files again is what the next run does."""

    def __init__(self, files: dict[str, bytes], place: str = "here") -> None:
        self._files = files
        self._place = place

    def where(self, name: str) -> str:
        return f"memory:{self._place}/{name}"

    async def ready(self, place: str = "images") -> None:
        split_name(place)

    async def check_writable(self, needed: int = 0) -> None:
        await asyncio.sleep(0)

    async def check_names(self, names: Iterable[str]) -> None:
        for name in names:
            _checked(name)

    async def put_new(self, name: str, content: bytes, sha256: str) -> Put:
        await asyncio.sleep(0)
        is_new = _checked(name) not in self._files
        there = self._files.setdefault(name, content)
        return Put.NEW if is_new else Put.SAME if hashlib.sha256(there).hexdigest() == sha256 else Put.DIFFERENT

    async def second_name(
        self, name: str, sha256: str, *, source: Store, file: str, is_one_file: bool = False
    ) -> Put | None:
        split_name(name)
        return await put_copy(self, name, sha256, source=source, file=file)

    async def holds(self, *stems: str) -> str | None:
        names = (f"{stem}.{suffix}" for stem in stems for suffix in SUFFIXES.values() if split_name(stem))
        return next((name for name in names if name in self._files), None)

    async def present(self, names: Collection[str]) -> set[str]:
        return {name for name in names if split_name(name) and name in self._files}

    async def open(self, name: str, look: Callable[[Content], T]) -> T:
        split_name(name)
        if name not in self._files:
            raise FileNotFoundError(name)
        return await in_thread(look, BytesIO(self._files[name]))

    async def digest(self, name: str) -> str | None:
        content = self._files.get("/".join(split_name(name)))
        return None if content is None else hashlib.sha256(content).hexdigest()

    async def remove(self, name: str, sha256: str) -> None:
        if await self.digest(name) == sha256:
            del self._files[name]

    async def names(self, prefix: str = "") -> AsyncGenerator[str, None]:
        for name in sorted(self._files):
            if name.startswith(prefix):
                yield name


class MemoryStores:
    """The images of every output folder of a machine, by folder."""

    def __init__(self) -> None:
        self.kept: defaultdict[Path, dict[str, bytes]] = defaultdict(dict)

    def __call__(self, home: Path) -> MemoryStore:
        return MemoryStore(self.kept[home], home.name)

    def write_out(self) -> None:
        """Put every image where a store in folders would have it."""
        for home, files in self.kept.items():
            for name, content in files.items():
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                (home / name).write_bytes(content)


def _checked(name: str) -> str:
    if any(len(part) > LONGEST for part in split_name(name)):
        raise NameTooLong(f"{name} is too long")
    return name
