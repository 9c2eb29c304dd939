"""What `verify` finds, as values: each difference with the command that mends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from campaign_runner.report import next_commands
from campaign_runner.report.next_commands import display_path
from campaign_runner.text import first_few, plural, printable


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
    def is_ok(self) -> bool:
        return not self.findings

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
        differing = sum(finding.kind != "unknown" for finding in self.findings)
        unknown = len(self.findings) - differing
        images = f"{plural(self.images, 'image')} checked, {self.bytes:,} bytes"
        yield f"{self.campaign}   {images}   {display_path(self.folder)}"
        kinds = dict.fromkeys(finding.kind for finding in self.findings)
        for kind in kinds:
            yield ""
            yield from map(printable, self._told([finding for finding in self.findings if finding.kind == kind]))
        if self.findings:
            yield ""
        if self.mend_all is not None:
            yield f"  to buy all of them again and put them back: {self.mend_all}"
            yield ""
        for note in self.notes:
            yield f"  {printable(note)}"
        word = "ok" if code == 0 else "attention"
        yield f"{word} images={self.images} differing={differing} unknown={unknown} exit={code}"

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
