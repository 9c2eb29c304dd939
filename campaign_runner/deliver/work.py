"""What a delivery has to do: which files are as wanted, which are to be made, and what is in their way.

All of it is found before anything is written.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from hashlib import sha256
from itertools import chain

from campaign_runner.channels.crops import MIDDLE, crop_at
from campaign_runner.deliver.arrangement import Wanted
from campaign_runner.deliver.cuts.encoding import CutRequest
from campaign_runner.deliver.file_names import Stem, format_of
from campaign_runner.deliver.handover.account import DeliveryAccount, slot_of
from campaign_runner.deliver.handover.target import FileSeen, TargetFolder
from campaign_runner.errors import IntegrityError
from campaign_runner.model import canonical_json
from campaign_runner.output_folder.delivery_record import UPLOAD_LIST, DeliveredFile
from campaign_runner.text import joined

_METHOD = 1
"""Raised when this program cuts otherwise than before, so that what was cut before is made again."""


@dataclass(frozen=True, slots=True)
class ToMake:
    """A file that is to be made. `cut` is the digest of everything that decides its bytes."""

    wanted: Wanted
    stem: Stem
    request: CutRequest
    cut: str


@dataclass(frozen=True, slots=True)
class Work:
    """The files to make, and those that are as wanted."""

    to_make: tuple[ToMake, ...]
    kept: tuple[DeliveredFile, ...]


def cut_digest(source_sha256: str, wanted: Wanted, request: CutRequest) -> str:
    """The SHA-256 of everything that decides the bytes of a file."""
    channel = request.channel
    told = {
        "method": _METHOD,
        "source": source_sha256,
        "size": [channel.size.width, channel.size.height],
        "max_kb": channel.max_kb,
        "formats": channel.formats,
        "crop": astuple(crop_at(wanted.chosen.cell.size, channel, request.focus or MIDDLE)),
        "min_quality": request.min_quality,
        "description": asdict(request.description),
    }
    return sha256(canonical_json(told).encode()).hexdigest()


class Survey:
    """The target as it is before a delivery. Methods raise StoreError, IntegrityError."""

    def __init__(self, account: DeliveryAccount, target: TargetFolder) -> None:
        self._account = account
        self._target = target
        self._current = account.current()
        self._seen = target.seen_of(file.file for file in self._current)

    def work(self, planned: Sequence[ToMake]) -> Work:
        """Which of the planned files are there already, just so."""
        current = {slot_of(file): file for file in self._current}
        to_make, kept = [], []
        for each in planned:
            file = current.get(each.wanted.slot)
            if file is not None and _is_so(file, each) and file.file in self._seen:
                kept.append(file)
            else:
                to_make.append(each)
        return Work(tuple(to_make), tuple(kept))

    def refuse_foreign(self, work: Work, companions: Sequence[str]) -> None:
        """Nothing may be under a name of ours but what was delivered. Raises IntegrityError, which names all of it."""
        foreign = [*self._changed(), *self._taken(work), *self._other_companions(companions)]
        if foreign:
            is_of_another = UPLOAD_LIST in foreign and self._account.companion(UPLOAD_LIST) is None
            raise IntegrityError(
                f"{self._target.path} holds what this campaign did not deliver, or what was changed since: "
                f"{joined(list(dict.fromkeys(foreign)), most=12)}; nothing was written. "
                f"{self._own_folder() if is_of_another else 'Move it away and run again'}"
            )

    def _own_folder(self) -> str:
        """What to do where another delivery went into the same folder: each would take out files of the other."""
        own = shlex.quote(f"{self._target.path}-{self._account.campaign}")
        told = "Two campaigns cannot be delivered into one folder: give this one its own"
        return f"{told}, --to {own}; or move it away and run again"

    def _changed(self) -> Iterator[str]:
        """Current files that are there without the bytes they were delivered with; only what looks touched is read."""
        for file in self._current:
            is_untouched = self._seen.get(file.file) in (None, FileSeen(file.bytes, file.modified_ns))
            if not is_untouched and self._target.digest(file.file) not in (None, file.sha256):
                yield file.file

    def _taken(self, work: Work) -> Iterator[str]:
        """The names of files to make under which something else is."""
        for name in chain.from_iterable(map(self._likely_names, work.to_make)):
            known = self._account.known(name)
            digest = self._target.digest(name)
            if digest is not None and (known is None or known.sha256 != digest):
                yield name

    def _likely_names(self, planned: ToMake) -> Iterator[str]:
        for format in planned.wanted.channel.formats:
            yield from self._account.likely_names(planned.wanted.slot, planned.stem, format)

    def _other_companions(self, names: Sequence[str]) -> Iterator[str]:
        """Lists and archives that are not as they were written."""
        for name in names:
            known = self._account.companion(name)
            digest = self._target.digest(name)
            if digest is not None and (known is None or digest not in known.sha256):
                yield name


def _is_so(file: DeliveredFile, planned: ToMake) -> bool:
    return file.cut == planned.cut and file.file == planned.stem.name(file.version, format_of(file.file))
