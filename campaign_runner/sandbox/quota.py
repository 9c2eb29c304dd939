"""The organisation's allowance, as the service counts it.

`wait` asks and changes nothing, `take` uses up one request. What is refused is not
counted. Adobe publishes 4 requests a minute and 9,000 a day, but not what a minute
is; each reading is a class here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from campaign_runner.sandbox.settings import QuotaWindow, Settings

MINUTE = 60.0
DAY = 86400.0


class Window(Protocol):
    """One rule of counting. Times and waits are seconds."""

    def wait(self, now: float) -> float:
        """Seconds until one more request is permitted; 0 now."""

    def take(self, now: float) -> None:
        """One request was let through at `now`."""


@dataclass(slots=True)
class Sliding:
    """At most `requests` in any `seconds`."""

    requests: int
    seconds: float
    _taken: deque[float] = field(default_factory=deque)

    def wait(self, now: float) -> float:
        while self._taken and now - self._taken[0] >= self.seconds:
            self._taken.popleft()
        return self._taken[0] + self.seconds - now if len(self._taken) >= self.requests else 0.0

    def take(self, now: float) -> None:
        self._taken.append(now)


@dataclass(slots=True)
class Fixed:
    """At most `requests` in each stretch of `seconds`, counted from zero again at its end."""

    requests: int
    seconds: float
    _stretch: int = -1
    _taken: int = 0

    def wait(self, now: float) -> float:
        stretch = int(now // self.seconds)
        taken = self._taken if stretch == self._stretch else 0
        return (stretch + 1) * self.seconds - now if taken >= self.requests else 0.0

    def take(self, now: float) -> None:
        stretch = int(now // self.seconds)
        self._taken = self._taken + 1 if stretch == self._stretch else 1
        self._stretch = stretch


@dataclass(slots=True)
class Bucket:
    """`burst` requests at once, refilled evenly at `requests` in `seconds`."""

    requests: int
    seconds: float
    burst: int
    _ready_at: float = float("-inf")

    def wait(self, now: float) -> float:
        return max(0.0, self._ready_at - (self.burst - 1) * self.seconds / self.requests - now)

    def take(self, now: float) -> None:
        self._ready_at = max(self._ready_at, now) + self.seconds / self.requests


class Quota:
    """The allowance of each client id."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._windows: dict[str, Sequence[Window]] = {}

    def wait(self, client: str, now: float) -> float:
        """Seconds until `client` may ask once more; 0 now."""
        return max(window.wait(now) for window in self._of(client))

    def take(self, client: str, now: float) -> None:
        """One request of `client` was let through."""
        for window in self._of(client):
            window.take(now)

    def _of(self, client: str) -> Sequence[Window]:
        if client not in self._windows:
            minute = _window(self._settings.quota_window, self._settings.per_minute, MINUTE)
            fixed_day = self._settings.quota_window == "fixed"
            self._windows[client] = (minute, _window("fixed" if fixed_day else "sliding", self._settings.per_day, DAY))
        return self._windows[client]


def _window(kind: QuotaWindow, requests: int, seconds: float) -> Window:
    match kind:
        case "sliding":
            return Sliding(requests, seconds)
        case "fixed":
            return Fixed(requests, seconds)
        case "bucket":
            return Bucket(requests, seconds, burst=requests)
        case "even":
            return Bucket(requests, seconds, burst=1)
