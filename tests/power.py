"""What a power cut may leave on a disk: all that was synced, and any part of the rest.

`Recorder` watches a folder while somebody works in it: it wraps the calls that sync and that change
names, and looks after each of them at what has changed. `cuts` are the moments at which the power may fail.
At each of them `states` are the trees that may be found afterwards: an operation that no sync has covered
may have survived or not, in any combination, and of what was written possibly only the first half.

Not modelled: SQLite's own files (their commits are synced before they return, and its own tests cut the power).
"""

from __future__ import annotations

import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

MOST_PENDING = 14
"""So many operations are combined in every way; beyond it a sample of SAMPLED is drawn."""
SAMPLED = 200
CHANGING = ("rename", "replace", "link", "unlink", "remove", "mkdir", "rmdir")
NOT_MODELLED = (".sqlite", ".sqlite-wal", ".sqlite-shm", ".sqlite-journal", ".lock")

Tree = dict[str, bytes | None]
"""Files with their content, folders with None, by their path from the root."""


@dataclass(frozen=True, slots=True)
class Write:
    """The file `thing` holds `content`."""

    thing: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """In the folder `thing` the name means `to`, or nothing any more."""

    thing: int
    name: str
    to: int | None


@dataclass(frozen=True, slots=True)
class Sync:
    """What was done to `thing` by the first `covers` events has reached the disk."""

    thing: int
    covers: int


@dataclass(frozen=True, slots=True)
class Fact:
    """From here on somebody relies on something, for instance since the journal says so."""

    words: Any


Operation = Write | Entry
Event = Operation | Sync | Fact


@dataclass(slots=True)
class Disk:
    """Folders and files by their numbers; a number is never used twice."""

    root: int
    folders: dict[int, dict[str, int]] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)

    def copy(self) -> Disk:
        return Disk(self.root, {thing: dict(names) for thing, names in self.folders.items()}, dict(self.files))

    def apply(self, operation: Operation, whole: bool = True) -> None:
        match operation:
            case Write(thing, content):
                self.files[thing] = content if whole else content[: len(content) // 2]
            case Entry(thing, name, None):
                self.folders.setdefault(thing, {}).pop(name, None)
            case Entry(thing, name, int(to)):
                self.folders.setdefault(thing, {})[name] = to

    def tree(self, is_folder: Callable[[int], bool]) -> Tree:
        found: Tree = {}
        open_folders = [("", self.root)]
        while open_folders:
            path, thing = open_folders.pop()
            for name, to in self.folders.get(thing, {}).items():
                below = f"{path}{name}"
                if is_folder(to):
                    found[below] = None
                    open_folders.append((f"{below}/", to))
                else:
                    found[below] = self.files.get(to, b"")
        return found


@dataclass(frozen=True, slots=True)
class Cut:
    """A moment at which the power fails: the operations up to it, those that are not synced, what was relied on."""

    start: Disk
    operations: list[Operation]
    pending: set[int]
    facts: list[Any]


@dataclass(slots=True)
class Log:
    """What was done, in order, to a disk that was as `start` before."""

    start: Disk
    events: list[Event] = field(default_factory=list)
    all_folders: set[int] = field(default_factory=set)

    def without(self, number: int) -> Log:
        """The same, had one event not been: a sync that was forgotten."""
        left = [event for each, event in enumerate(self.events) if each != number]
        moved = [
            Sync(event.thing, event.covers - (event.covers > number)) if isinstance(event, Sync) else event
            for event in left
        ]
        return Log(self.start, moved, self.all_folders)

    def since(self, moment: int) -> Log:
        """What was done after so many events, to a disk on which all before has arrived."""
        disk = self.start.copy()
        for event in self.events[:moment]:
            if isinstance(event, Write | Entry):
                disk.apply(event)
        later = [
            Sync(event.thing, max(0, event.covers - moment)) if isinstance(event, Sync) else event
            for event in self.events[moment:]
        ]
        return Log(disk, later, self.all_folders)

    def cuts(self) -> Iterator[Cut]:
        """Every moment, the first before anything was done."""
        for moment in range(len(self.events) + 1):
            yield self.cut(moment)

    def cut(self, moment: int) -> Cut:
        """The power fails after so many events."""
        before = self.events[:moment]
        covered: dict[int, int] = {}
        for event in before:
            if isinstance(event, Sync):
                covered[event.thing] = max(event.covers, covered.get(event.thing, 0))
        operations: list[Operation] = []
        pending: set[int] = set()
        for number, event in enumerate(before):
            if isinstance(event, Write | Entry):
                if number >= covered.get(event.thing, 0):
                    pending.add(len(operations))
                operations.append(event)
        return Cut(self.start, operations, pending, [event.words for event in before if isinstance(event, Fact)])

    def states(self, cut: Cut, dice: random.Random) -> Iterator[Tree]:
        """The trees that may be found after `cut`."""
        pending = sorted(cut.pending)
        choices = [(0, 1) if isinstance(cut.operations[each], Entry) else (0, 1, 2) for each in pending]
        chosen: Iterator[tuple[int, ...]] = product(*choices)
        if len(pending) > MOST_PENDING:
            chosen = (tuple(dice.choice(each) for each in choices) for _ in range(SAMPLED))
        for choice in chosen:
            yield self.state(cut, dict(zip(pending, choice, strict=True)))

    def state(self, cut: Cut, choice: Mapping[int, int]) -> Tree:
        """One of them: of each pending operation nothing (0), all (1), or the first half (2) has survived."""
        disk = cut.start.copy()
        for number, operation in enumerate(cut.operations):
            survived = choice.get(number, 1)
            if survived:
                disk.apply(operation, whole=survived == 1)
        return disk.tree(self.all_folders.__contains__)


class Recorder:
    """Watches the folder `root`. Use `install` to wrap the calls of this process, then read `log`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.RLock()
        self._numbers: dict[int, int] = {}  # by inode, as long as it has a name
        self._looks: dict[int, tuple[int, int]] = {}
        self._next = 1
        self.log = Log(Disk(self._number(root.stat().st_ino)))
        self.log.all_folders.add(self.log.start.root)
        self._seen = Disk(self.log.start.root, {self.log.start.root: {}})
        self._observe()
        self.log.start, self.log.events = self._seen.copy(), []

    def install(self, put: Callable[[Any, str, Any], None] = setattr) -> None:
        """Wrap the calls; `put(os, name, wrapped)` does it."""
        for name in ("fsync", "fdatasync"):
            put(os, name, self._syncing(getattr(os, name)))
        for name in CHANGING:
            put(os, name, self._changing(getattr(os, name)))

    def relied(self, words: Any) -> None:
        """Somebody relies on something from now on."""
        with self._lock:
            self._observe()
            self.log.events.append(Fact(words))

    def finish(self) -> Log:
        """The log, with what was done since the last call that was seen."""
        with self._lock:
            self._observe()
        return self.log

    def fail(self, dice: random.Random) -> None:
        """Make of the folder what is found there if the power fails now."""
        log = self.finish()
        cut = log.cut(len(log.events))
        choice = {each: dice.choice((0, 1, 2)) for each in cut.pending}
        materialize(self._root, log.state(cut, choice))

    def _syncing(self, call: Callable[[int], None]) -> Callable[[int], None]:
        def sync(handle: int) -> None:
            with self._lock:
                self._observe()
                covers = len(self.log.events)
                call(handle)
                thing = self._numbers.get(os.fstat(handle).st_ino)
                if thing is not None:
                    self.log.events.append(Sync(thing, covers))

        return sync

    def _changing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def change(*arguments: Any, **options: Any) -> Any:
            with self._lock:
                self._observe()
                try:
                    return call(*arguments, **options)
                finally:
                    self._observe()

        return change

    def _number(self, inode: int) -> int:
        if inode not in self._numbers:
            self._numbers[inode] = self._next
            self._next += 1
        return self._numbers[inode]

    def _observe(self) -> None:
        """Note what is not as it was at the last look."""
        named = {self._root.stat().st_ino}
        open_folders = [(self._root, self.log.start.root)]
        while open_folders:
            path, thing = open_folders.pop()
            known = self._seen.folders.setdefault(thing, {})
            found: dict[str, int] = {}
            for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
                if entry.name.endswith(NOT_MODELLED):
                    continue
                named.add(entry.inode())
                found[entry.name] = number = self._number(entry.inode())
                if entry.is_dir(follow_symlinks=False):
                    self.log.all_folders.add(number)
                    open_folders.append((path / entry.name, number))
                else:
                    self._read(path / entry.name, number)
            for name in [*found, *(known.keys() - found.keys())]:
                if known.get(name) != found.get(name):
                    self._note(Entry(thing, name, found.get(name)))
        self._numbers = {inode: number for inode, number in self._numbers.items() if inode in named}

    def _read(self, path: Path, thing: int) -> None:
        look = path.lstat()
        if self._looks.get(thing) == (look.st_size, look.st_mtime_ns):
            return
        self._looks[thing] = look.st_size, look.st_mtime_ns
        content = path.read_bytes()
        if self._seen.files.get(thing) != content:
            self._note(Write(thing, content))

    def _note(self, operation: Operation) -> None:
        self._seen.apply(operation)
        self.log.events.append(operation)


def materialize(root: Path, tree: Tree) -> None:
    """Make the folder `root` what `tree` says; what is not modelled stays, where its folder does."""
    for path in sorted(root.rglob("*"), reverse=True):
        name = path.relative_to(root).as_posix()
        if path.name.endswith(NOT_MODELLED) and path.parent.relative_to(root).as_posix() in {*tree, "."}:
            continue
        if name not in tree:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name, content in sorted(tree.items()):
        if content is None:
            (root / name).mkdir(exist_ok=True)
        elif not (root / name).exists() or (root / name).read_bytes() != content:
            (root / name).unlink(missing_ok=True)
            (root / name).write_bytes(content)
