"""A bug that can be planted in a copy of the package, and the tests that should notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plant:
    """A bug: in `file` of the package, `old` (which stands there once) becomes `new`. `tests` should catch it.

    `is_proof`: the tests are proofs, which the default command leaves out.
    """

    bug: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    is_proof: bool = False

    def text(self, package: Path) -> str:
        """The file with the bug in it. Raises ValueError where the patch does not apply any more."""
        text = (package / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.bug}: {self.file} holds the text {text.count(self.old)} times")
        return text.replace(self.old, self.new)
