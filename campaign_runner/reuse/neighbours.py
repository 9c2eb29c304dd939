"""The journals beside ours, looked into again and again: what did not change since the last look is not read.

A run reads them whole once, when it plans (`reuse.search`); from then on only what they have begun since. They are
only read, also while other runs write them.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from campaign_runner.errors import CampaignError, UsageError
from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.tables import FILE
from campaign_runner.output_folder.folder import MADE_AGAIN
from campaign_runner.reuse.offers import ReuseQuery

GRAIN = 2_000_000_000
"""Nanoseconds within which two changes of a file may bear the same time: two seconds on FAT, far less elsewhere."""


_File = tuple[int, int, int]
"""Inode, bytes, and the time of the last change in nanoseconds."""
_Mark = tuple[_File, _File | None]
"""How a journal and its `-wal` look: what is equal was not written to, if it is older than the grain of its times."""


@dataclass(slots=True)
class _Journal:
    """A journal beside ours and how far it has been read. `mark` is None where a change might not show."""

    folder: Path
    last_event: int = 0
    inode: int | None = None
    mark: _Mark | None = None
    file: Path = field(init=False)
    wal: Path = field(init=False)

    def __post_init__(self) -> None:
        self.file, self.wal = self.folder / FILE, self.folder / f"{FILE}-wal"

    def look(self) -> _Mark | None:
        """How it looks now; None where there is none."""
        file = _look_of(self.file)
        return None if file is None else (file, _look_of(self.wal))


class Neighbours:
    """What campaigns beside `query`'s folder have begun to buy, or have, since they were read when we planned.

    `read` says up to which event each was read then; one that is not in it is read from its beginning, one that is
    damaged (None) is passed over.
    `query` is asked for at every use: the custom model may become known meanwhile. All methods block.
    """

    def __init__(
        self, query: Callable[[], ReuseQuery], read: Mapping[str, int | None], warn: Callable[[str], None]
    ) -> None:
        self._query = query
        self._warn = warn
        home = query().folder.parent
        self._journals = {name: _Journal(home / name, last) for name, last in read.items() if last is not None}
        self._passed_over = read.keys() - self._journals.keys()
        self._begun: defaultdict[str, set[str]] = defaultdict(set)  # the folders' names by key
        self._unreadable: set[str] = set()
        self._is_written = True  # of late, a journal of others

    def look(self, moment: int) -> None:
        """Read what was begun since the last look. `moment` is now, in ns, by the clock that stamps those files."""
        ours, known = self._query().folder, self._journals
        with os.scandir(ours.parent) as entries:
            for name in {entry.name for entry in entries} - known.keys() - {ours.name} - self._passed_over:
                known[name] = _Journal(ours.parent / name)
        is_written = False
        for journal in known.values():
            mark = journal.look()
            if mark is not None and mark != journal.mark:
                is_read = self._look_into(journal, mark)
                journal.mark = mark if is_read and _is_settled(mark, moment) else None
                is_written |= journal.mark is None
        self._is_written = is_written

    def may_hold(self, keys: Sequence[str]) -> bool:
        """Whether the last look leaves it open that others hold any of `keys` now, since one writes; reads nothing."""
        return self._is_written or any(self._begun.get(key) for key in keys)

    def holding(self, keys: Sequence[str]) -> set[str]:
        """Those of `keys` that a campaign has stored, waits for, or may have been charged for."""
        wanted: defaultdict[str, list[str]] = defaultdict(list)
        for key in keys:
            for name in self._begun.get(key, ()):
                wanted[name].append(key)
        return {key for name, some in wanted.items() for key in self._held_in(self._journals[name].folder, some)}

    def _look_into(self, journal: _Journal, mark: _Mark) -> bool:
        """Whether it could be read; if not, it is tried again at the next look."""
        (inode, *_), _ = mark
        if journal.inode not in (None, inode):
            journal.last_event = 0  # another file has taken its place
        journal.inode = inode
        name = journal.folder.name
        try:
            with Ledger(journal.folder, is_checked=True) as ledger:
                last = ledger.last_event()  # first: what is begun after it is found next time
                keys = ledger.begun_since(journal.last_event) if self._is_of_interest(ledger) else []
                journal.last_event = last
        except UsageError:
            return True  # its run begins this very moment: nothing is recorded
        except CampaignError as error:
            self._tell(name, error)
            return False
        for key in keys:
            self._begun[key].add(name)
        return True

    def _held_in(self, folder: Path, keys: Sequence[str]) -> Iterable[str]:
        """Those of `keys` that this campaign holds; all where its record cannot be read now: each may be paid for."""
        query = self._query()
        try:
            with Ledger(folder, is_checked=True) as ledger:
                entries = ledger.entries(keys) if self._is_of_interest(ledger) else {}
                return [key for key, entry in entries.items() if query.takes(entry) or query.waits_for(entry)]
        except UsageError:
            return ()
        except CampaignError as error:
            self._tell(folder.name, error)
            return keys

    def _is_of_interest(self, ledger: Ledger) -> bool:
        return ledger.origin == self._query().origin and ledger.meta(MADE_AGAIN) is None

    def _tell(self, name: str, error: CampaignError) -> None:
        if name not in self._unreadable:
            self._unreadable.add(name)
            self._warn(f"{name} cannot be read now, so what it buys is not known here: {error}")


def _is_settled(mark: _Mark, moment: int) -> bool:
    """Whether any change after `moment`, of the same clock, would show."""
    return all(file is None or file[2] + GRAIN < moment for file in mark)


def _look_of(path: Path) -> _File | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
