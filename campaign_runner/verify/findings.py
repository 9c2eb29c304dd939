"""What `verify` finds, as values: each difference with the command that mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from campaign_runner.report.next_commands import display_path
from campaign_runner.text import plural, printable


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
        for finding in self.findings:
            yield ""
            yield f"  {printable(finding.file)}" if finding.file is not None else f"  {finding.kind}"
            yield f"      {printable(finding.message)}"
            if finding.mend is not None:
                yield f"      {finding.mend}"
        if self.findings:
            yield ""
        if self.mend_all is not None:
            yield f"  to buy all of them again and put them back: {self.mend_all}"
            yield ""
        for note in self.notes:
            yield f"  {printable(note)}; `deliver` makes it again"
        word = "ok" if code == 0 else "attention"
        yield f"{word} images={self.images} differing={differing} unknown={unknown} exit={code}"
