"""The record of a campaign's deliveries in the hands of one command: which bytes have which version, and what goes.

A file that will be there is entered before it gets its name, one that will go before it goes. So a command that is cut
off leaves a record that says what is still to be done. A version is never given to other bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from campaign_runner.channels.channel import Channel
from campaign_runner.deliver.arrangement import Place, Slot
from campaign_runner.deliver.file_names import Stem, folded
from campaign_runner.output_folder.delivery_record import (
    Companion,
    DeliveredFile,
    DeliveryRecord,
    FormerPlace,
    UsedChannel,
    write_record,
)


def slot_of(file: DeliveredFile) -> Slot:
    """Where a recorded file belongs."""
    return place_of(file), file.channel, file.key if file.is_one_of_several else None


def place_of(file: DeliveredFile | FormerPlace) -> Place:
    """The row of a recorded file."""
    cell = file.cell
    return cell.product, cell.prompt, cell.preset, cell.market


class DeliveryAccount:
    """Everything that was ever delivered of a campaign.

    `target` is the folder of this delivery, None for the usual one; `home` is the campaign's output folder, `now` the
    time that is recorded.
    """

    def __init__(
        self, record: DeliveryRecord | None, *, home: Path, campaign: str, target: str | None, now: datetime
    ) -> None:
        self.target = target
        self.now = now
        self._home = home
        self.campaign = campaign
        self._record = record or DeliveryRecord(campaign=campaign, updated_at=now)
        self._files: dict[tuple[str | None, str], DeliveredFile] = {}
        self._latest: dict[Slot, DeliveredFile] = {}
        self._rows: dict[tuple[Place, str], dict[tuple[str | None, str], None]] = {}
        self._digests: dict[str, str] = {}  # of every name that was ever given
        self._olds: set[str] = set()
        self._cuts: dict[str, dict[tuple[str | None, str], None]] = {}
        self._companions = {(each.target, each.file): each for each in self._record.companions}
        self._channels = self._record.channels
        for file in self._record.files:
            self.enter(file)

    def with_cut(self, cut: str) -> list[DeliveredFile]:
        """Those of any target that were cut just so."""
        return [file for at in self._cuts.get(cut, ()) if (file := self._files[at]).cut == cut]

    def here(self) -> list[DeliveredFile]:
        """Those of this target, whatever happened to them."""
        return [file for file in self._files.values() if file.target == self.target]

    def current(self) -> list[DeliveredFile]:
        """Those that belong in this target now."""
        return [file for file in self.here() if file.state == "current"]

    def known(self, name: str) -> DeliveredFile | None:
        """What was delivered to this target under a name."""
        return self._files.get((self.target, name))

    def version(self, slot: Slot, stem: Stem, format: str, sha256: str) -> int:
        """The version of these bytes: the latest's if that has them, or one that neither slot nor name ever had."""
        latest = self._latest.get(slot)
        version = 1
        if latest is not None:
            version = latest.version if latest.sha256 == sha256 else latest.version + 1
        given = {file.version for file in self._ever_in(slot) if file.sha256 != sha256}
        while version in given or self._digests.get(folded(stem.name(version, format)), sha256) != sha256:
            version += 1
        return version

    def likely_names(self, slot: Slot, stem: Stem, format: str) -> Sequence[str]:
        """The names that a file of a slot may get before its bytes are known."""
        likely = dict.fromkeys((*(file.sha256 for file in self._ever_in(slot)), ""))
        return tuple(dict.fromkeys(stem.name(self.version(slot, stem, format, sha256), format) for sha256 in likely))

    def enter(self, file: DeliveredFile) -> None:
        """What is true of a file from now on; where it belonged before is remembered."""
        file = _remembering(self._files.get((file.target, file.file)), file)
        self._files[file.target, file.file] = file
        self._digests[folded(file.file)] = file.sha256
        self._cuts.setdefault(file.cut, {})[file.target, file.file] = None
        for row in _rows_of(file):
            self._rows.setdefault(row, {})[file.target, file.file] = None
        if file.old is not None:
            self._olds.add(file.old)
        latest = self._latest.get(slot_of(file))
        if latest is None or file.version >= latest.version:
            self._latest[slot_of(file)] = file

    def leaves(self, file: DeliveredFile, state: Literal["replaced", "withdrawn"]) -> DeliveredFile:
        """A file that no longer belongs in the target; the answer says where it goes."""
        gone = file.model_copy(update={"state": state, "old": file.old or self._old_name(file)})
        self.enter(gone)
        return gone

    def changed(self, file: DeliveredFile, **fields: object) -> DeliveredFile:
        """A file with other facts."""
        other = file.model_copy(update=fields)
        self.enter(other)
        return other

    def companion(self, name: str) -> Companion | None:
        """What is known of a list or archive of this target."""
        return self._companions.get((self.target, name))

    def companions(self) -> list[Companion]:
        """Those of this target."""
        return [each for each in self._companions.values() if each.target == self.target]

    def enter_companion(self, name: str, sha256: Sequence[str], contents: str) -> None:
        """What a list or archive holds from now on; while it is being written, also what it held before."""
        self._companions[self.target, name] = Companion(
            file=name, target=self.target, sha256=tuple(sha256), contents=contents
        )

    def drop_companion(self, name: str) -> None:
        """An archive that is gone."""
        self._companions.pop((self.target, name), None)

    def use(self, channels: Sequence[Channel]) -> None:
        """The channels of this delivery."""
        self._channels = tuple(map(_used, channels))

    def write(self, staging: Path) -> None:
        """Let the record on the disk say the same, durably, if it does not. Raises StoreError, IntegrityError."""
        told = {
            "files": tuple(self._files.values()),
            "companions": tuple(self._companions.values()),
            "channels": self._channels,
        }
        if all(getattr(self._record, name) == value for name, value in told.items()):
            return
        record = self._record.model_copy(update={**told, "updated_at": self.now})
        write_record(self._home, record, staging=staging)
        self._record = record

    def _ever_in(self, slot: Slot) -> Iterator[DeliveredFile]:
        """The files that are in a slot, or may have been.

        Where a row comes to deliver several images, or one again, a file that stays goes to another slot of the row;
        where the campaign calls its cell or channel otherwise, to one of another row.
        """
        place, channel, key = slot
        for at in self._rows.get((place, channel), ()):
            file = self._files[at]
            if key in (None, file.key):
                yield file

    def _old_name(self, file: DeliveredFile) -> str:
        """Where a file goes in deliver-old/: a name that no other has there."""
        path = PurePosixPath(file.file)
        if file.file not in self._olds:
            return file.file
        number = 2
        while (name := path.with_name(f"{path.stem}.{number}{path.suffix}").as_posix()) in self._olds:
            number += 1
        return name


def _rows_of(file: DeliveredFile) -> Iterator[tuple[Place, str]]:
    """The row and channel that a file belongs to, and those that it belonged to before."""
    yield place_of(file), file.channel
    for former in file.former:
        yield place_of(former), former.channel


def _remembering(before: DeliveredFile | None, file: DeliveredFile) -> DeliveredFile:
    """A file with every place in which the one of its name was `before`."""
    if before is None:
        return file
    known = (*file.former, *before.former, FormerPlace(cell=before.cell, channel=before.channel))
    others = {(place_of(each), each.channel): each for each in known}
    others.pop((place_of(file), file.channel), None)
    return file.model_copy(update={"former": tuple(others.values())})


Scope: TypeAlias = Callable[[DeliveredFile], bool]
"""Whether a delivery is about a file: with `--only` it leaves all others as they are."""


def leaving(account: DeliveryAccount, wanted: set[Slot], scope: Scope) -> Iterator[DeliveredFile]:
    """The current files that nothing wants any more."""
    for file in account.current():
        if slot_of(file) not in wanted and scope(file):
            yield file


def _used(channel: Channel) -> UsedChannel:
    safe = channel.safe
    return UsedChannel(
        id=channel.id,
        width=channel.size.width,
        height=channel.size.height,
        max_kb=channel.max_kb,
        formats=channel.formats,
        safe=(safe.top, safe.right, safe.bottom, safe.left),
        grade=channel.grade,
        seen=channel.seen,
        source=channel.source,
    )
