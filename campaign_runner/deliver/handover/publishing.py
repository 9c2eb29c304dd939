"""Files made known: entered in the record, then given their names, and what they replace moved out.

The record is on the disk before the names are, so after a crash `settle` finishes what was begun, and the next delivery
makes again what was lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Literal

from campaign_runner.channels.crops import Crop
from campaign_runner.deliver.cuts.cutting import Staged
from campaign_runner.deliver.file_names import format_of
from campaign_runner.deliver.handover.account import DeliveryAccount, slot_of
from campaign_runner.deliver.handover.target import TargetFolder
from campaign_runner.deliver.work import ToMake
from campaign_runner.model import Cell
from campaign_runner.output_folder.delivery_record import DeliveredCell, DeliveredFile, target_folder


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that was asked for, and where it is staged."""

    planned: ToMake
    staged: Staged


@dataclass(frozen=True, slots=True)
class Publisher:
    """The target of a delivery and what belongs to it. `old` is `deliver-old/`, `home` the output folder.

    Methods raise StoreError, IntegrityError; after either, the record says what is still to be done.
    """

    account: DeliveryAccount
    target: TargetFolder
    old: TargetFolder
    home: Path
    staging: Path

    def settle(self) -> None:
        """Finish what a delivery that was cut off had entered: what was to leave leaves, what was to return returns."""
        for file in self.account.here():
            if file.state in ("replaced", "withdrawn") and self.target.seen(file.file) is not None:
                self._move_out([file])
            elif file.state == "current" and file.old is not None:
                self._bring_back(file)
        self.account.write(self.staging)

    def publish(self, made: Sequence[MadeFile]) -> tuple[list[DeliveredFile], list[DeliveredFile]]:
        """Deliver files that are made; what they replace moves out. The answer is both."""
        before = {slot_of(file): file for file in self.account.current()}
        entered = [self._entered(each) for each in made]
        for file in entered:
            self.account.enter(file)
        names = {file.file for file in entered}
        replaced = [before[slot_of(file)] for file in entered if slot_of(file) in before]
        gone = [self.account.leaves(file, "replaced") for file in replaced if file.file not in names]
        self.account.write(self.staging)
        for each, file in zip(made, entered, strict=True):
            self.target.publish(each.staged.path, file.file, file.sha256)
        self.target.sync(names)
        self._move_out(gone)
        for file in entered:
            if file.old is not None:
                self._let_go_of_old(file)
        return entered, gone

    def withdraw(
        self, leaving: Iterable[DeliveredFile], state: Literal["replaced", "withdrawn"] = "withdrawn"
    ) -> list[DeliveredFile]:
        """Move files out that nothing wants any more."""
        gone = [self.account.leaves(file, state) for file in leaving]
        self.account.write(self.staging)
        self._move_out(gone)
        return gone

    def tidy(self) -> None:
        """Let the record say which of the files that left cannot be found any more, or are not what they were."""
        for file in self.account.here():
            if file.state == "current" or file.old is None:
                continue
            seen = self.old.seen(file.old)
            if seen is None and file.state != "missing":
                self.account.changed(file, state="missing")
            elif seen is not None and seen.bytes != file.bytes and file.state != "changed":
                self.account.changed(file, state="changed")
        self.account.write(self.staging)

    def borrowed(self, planned: ToMake) -> Staged | None:
        """A file that was cut just so before, wherever it is now, staged again; None where there is none."""
        for file in self.account.with_cut(planned.cut):
            staged = self.staging / f"cut-{token_hex(8)}"
            if self._place_of(file).lend(file.old or file.file, file.sha256, staged):
                found = staged.stat()
                format = format_of(file.file)
                return Staged(
                    staged, file.sha256, file.bytes, found.st_mtime_ns, format, file.quality, Crop(*file.crop)
                )
        return None

    def _place_of(self, file: DeliveredFile) -> TargetFolder:
        return self.old if file.old is not None else TargetFolder(target_folder(self.home, file.target))

    def _entered(self, made: MadeFile) -> DeliveredFile:
        """A made file as the record has it from now on."""
        planned, staged, wanted = made.planned, made.staged, made.planned.wanted
        entry, size = wanted.chosen.entry, wanted.channel.size
        version, name = self._named(made)
        known = self.account.known(name)
        return DeliveredFile(
            file=name,
            target=self.account.target,
            state="current",
            old=known.old if known else None,
            version=version,
            cell=_recorded(wanted.chosen.cell),
            channel=wanted.channel.id,
            seed=entry.seed,
            is_one_of_several=wanted.is_one_of_several,
            key=entry.key,
            source_sha256=entry.sha256 or "",
            cut=planned.cut,
            sha256=staged.sha256,
            bytes=staged.bytes,
            modified_ns=staged.modified_ns,
            width=size.width,
            height=size.height,
            crop=(staged.crop.left, staged.crop.top, staged.crop.width, staged.crop.height),
            focus=planned.request.focus,
            quality=staged.quality,
            alt=planned.request.description.alt,
            approved=wanted.chosen.approved,
            delivered_at=self.account.now,
        )

    def _named(self, made: MadeFile) -> tuple[int, str]:
        """The version that the bytes of a file get, and the name with it."""
        stem, staged = made.planned.stem, made.staged
        version = self.account.version(made.planned.wanted.slot, stem, staged.format, staged.sha256)
        return version, stem.name(version, staged.format)

    def _move_out(self, leaving: Sequence[DeliveredFile]) -> None:
        """From the target to deliver-old; one that is there already, or whose file is gone, is passed over."""
        moved = set()
        for file in leaving:
            staged = self.staging / f"cut-{token_hex(8)}"
            if file.old is not None and self.target.lend(file.file, file.sha256, staged, is_moving=True):
                self.old.publish(staged, file.old, file.sha256)
                moved.add(file.old)
        self.old.sync(moved)
        for file in leaving:
            if file.old in moved:
                self.target.remove(file.file, file.sha256)

    def _bring_back(self, file: DeliveredFile) -> None:
        """A current file that had left before: its copy in deliver-old is the one, if the target has none yet."""
        if file.old is not None and self.target.seen(file.file) is None:
            staged = self.staging / f"cut-{token_hex(8)}"
            if self.old.lend(file.old, file.sha256, staged, is_moving=True):
                self.target.publish(staged, file.file, file.sha256)
                self.target.sync({file.file})
        self._let_go_of_old(file)

    def _let_go_of_old(self, file: DeliveredFile) -> None:
        if file.old is not None:
            self.old.remove(file.old, file.sha256)
            self.account.changed(file, old=None)


def _recorded(cell: Cell) -> DeliveredCell:
    return DeliveredCell(
        product=cell.product, prompt=cell.prompt, preset=cell.preset, market=cell.market, size=str(cell.size)
    )
