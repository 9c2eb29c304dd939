"""What `verify` finds, as values: each difference with the command that mends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from campaign_runner.report import next_commands
from campaign_runner.report.next_commands import display_path
from campaign_runner.text import first_few, joined, plural, printable


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: `kind` is its word for machines, `message` says it to a person.

    `file` is relative to the output folder; `mend` is the command that mends it, None where only a person can.
    """

    kind: str
    message: str
    file: str | None = None
    key: str | None = None
    mend: str | None = None


STRANGERS = ("unknown", "conflict_copy")
"""The kinds that are about files which are not ours."""
_NAMED = 6  # strangers


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at (`images` files of `bytes` together) and everything that differs, worst first.

    `mend_all` is the command that puts all damaged images back, where there are several. `notes` are about delivered
    files: they can be made again, so they are no difference.
    """

    campaign: str
    folder: Path
    images: int
    bytes: int
    findings: tuple[Difference, ...]
    mend_all: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def differing(self) -> tuple[Difference, ...]:
        """The findings about what is recorded."""
        return tuple(finding for finding in self.findings if finding.kind not in STRANGERS)

    @property
    def is_ok(self) -> bool:
        """Whether all that is recorded is as it was: what else lies in the folder is its owner's matter."""
        return not self.differing

    def as_json(self) -> dict[str, Any]:
        """The figures of `verify --json`."""
        return {
            "campaign": self.campaign,
            "folder": str(self.folder),
            "ok": self.is_ok,
            "images": self.images,
            "bytes": self.bytes,
            "findings": [asdict(finding) for finding in self.findings],
            "notes": list(self.notes),
        }

    def lines(self, code: int) -> Iterator[str]:
        """The same for a person; the last line is for machines."""
        differing, unknown = len(self.differing), [each.file or "" for each in self.findings if each.kind == "unknown"]
        images = f"{plural(self.images, 'image')} checked, {self.bytes:,} bytes"
        yield f"{self.campaign}   {images}   {display_path(self.folder)}"
        kinds = dict.fromkeys(finding.kind for finding in self.findings if finding.kind != "unknown")
        for kind in kinds:
            yield ""
            yield from map(printable, self._told([finding for finding in self.findings if finding.kind == kind]))
        if kinds:
            yield ""
        if unknown:
            yield f"  not part of this campaign (left alone): {printable(joined(_by_folder(unknown), most=_NAMED))}"
        if self.mend_all is not None:
            yield f"  to buy all of them again and put them back: {self.mend_all}"
            yield ""
        for note in self.notes:
            yield f"  {printable(note)}"
        strange = len(self.findings) - differing
        word = "ok" if code == 0 else "attention"
        yield f"{word} images={self.images} differing={differing} unknown={strange} exit={code}"

    def _told(self, found: Sequence[Difference]) -> Iterator[str]:
        """The differences of one kind; of several how many, the first few, and what `mend_all` does not mend."""
        first, whole = found[0], next_commands.verify(self.folder, "--json")
        mends = list(dict.fromkeys(finding.mend for finding in found if finding.mend is not None))
        if len(found) == 1:
            yield f"  {first.file if first.file is not None else first.kind}"
            yield f"      {first.message}"
        else:
            is_same = all(finding.message == first.message for finding in found)
            yield f"  {len(found):,} {first.kind.replace('_', ' ')}{f': {first.message}' if is_same else ''}"
            named = [finding.file or finding.kind for finding in found]
            told = named if is_same else [f"{name}: {each.message}" for name, each in zip(named, found, strict=True)]
            yield from (f"      {line}" for line in first_few(told, whole))
        if len(mends) == 1 or self.mend_all is None:
            yield from (f"      {mend}" for mend in first_few(mends, whole))


def _by_folder(names: Sequence[str]) -> list[str]:
    """Files by the folder they lie in, where that holds several of them."""
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(name.rpartition("/")[0], []).append(name)
    found: list[str] = []
    for folder, inside in folders.items():
        found += inside if len(inside) == 1 or not folder else [f"{folder}/ ({plural(len(inside), 'file')})"]
    return found
