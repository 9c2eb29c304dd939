"""One channel: the exact pixels, weight and formats that a place of delivery takes."""

from __future__ import annotations

from dataclasses import dataclass

from campaign_runner.model import Size

FORMATS = ("jpeg", "png", "webp")
UNSURE = "C"
"""The grade of figures that were found in one place only, or in places that contradict each other."""


@dataclass(frozen=True, slots=True)
class SafeEdges:
    """How far from each edge a platform covers the picture with its own things, in pixels of the channel."""

    top: int = 0
    right: int = 0
    bottom: int = 0
    left: int = 0

    def middle(self, size: Size) -> tuple[float, float]:
        """The middle of what is left of a channel of `size`, as fractions of it from the top left."""
        across = (self.left + size.width - self.right) / 2 / size.width
        return across, (self.top + size.height - self.bottom) / 2 / size.height


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as it is used.

    `max_kb` is in units of 1,000 bytes, None for no limit; of `formats` the first that fits is used. `use` is paid,
    organic or own. `grade` says how sure the figures are (A read on the platform's page or a copy of it, B several
    other pages, C check before booking); it is empty for a channel of the campaign itself. `seen` is when they were
    looked up, `page_date` what the page says of its age.
    """

    id: str
    size: Size
    max_kb: int | None = None
    formats: tuple[str, ...] = ("jpeg",)
    safe: SafeEdges = SafeEdges()
    use: str = ""
    grade: str = ""
    seen: str = ""
    page_date: str = ""
    source: str = ""
    note: str = ""

    @property
    def max_bytes(self) -> int | None:
        """The weight a file may have, everything counted."""
        return None if self.max_kb is None else self.max_kb * 1000
