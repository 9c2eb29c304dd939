"""How the sandbox behaves where a person may choose, or where Adobe's pages are silent.

Every value has a default that keeps to the specification; a switch makes the sandbox
take the other reading, so that a client can be shown to survive both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

QuotaWindow = Literal["sliding", "fixed", "bucket", "even"]
RetryAfter = Literal["seconds", "date", "none", "zero", "past"]
DateHeader = Literal["right", "none", "nonsense"]
Lifetime = Literal["number", "text"]
Dates = Literal["milliseconds", "iso"]
Refused = Literal["451", "422", "451_at_poll", "failed", "empty"]
ModelWithoutHeader = Literal["image3", "image4_standard"]
UltraMany = Literal["422", "fewer"]
SpreadShape = Literal["even", "long_tail"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The switches of one sandbox; raises ValueError for a number out of range."""

    strict: bool = False
    """Whether what Adobe's specification is silent about is refused, too, not only noted."""
    per_minute: int = 4
    """Requests for generation in a minute, for each client id."""
    per_day: int = 9000
    """The same in 24 hours."""
    quota_window: QuotaWindow = "sliding"
    """How a minute is counted: any 60 s, clock minutes, a bucket that refills, or evenly spaced."""
    polls_count: bool = False
    """Whether asking for a status uses up the allowance, too."""
    uploads_count: bool = False
    """Whether an upload uses up the allowance, too."""
    retry_after: RetryAfter = "seconds"
    """The form of Retry-After: Adobe's specification says a date, its older pages seconds; a wait of 0 is none."""
    date_header: DateHeader = "right"
    """What every answer says in its Date header about the sandbox's clock."""
    token_seconds: int = 86399
    """Life of an access token."""
    token_lifetime: Lifetime = "number"
    """How a token's answer spells that life."""
    token_cached_seconds: float = 0.0
    """How long the token service goes on giving the same token, a revoked one too."""
    expire_seconds: int = 3600
    """Life of an image URL."""
    fresh_urls: bool = True
    """Whether polling again gives a fresh image URL, or the one given first."""
    job_seconds: float = 2.0
    """From acceptance to success."""
    job_spread: float = 0.0
    """How far a job's duration may be from `job_seconds`, as a fraction of it (0 to 1)."""
    answer_seconds: float = 0.0
    """From the arrival of a call to the looking at it."""
    answer_spread: float = 0.0
    """The same as `job_spread`, of `answer_seconds`."""
    spread_shape: SpreadShape = "even"
    """How durations differ from the usual one: evenly within the spread, or log-normally with a long tail."""
    job_known_seconds: float = 86400.0
    """How long after acceptance a job can be asked for."""
    seed: int = 0
    """Where job ids, token values, unasked seeds, durations and faults by rate begin; equal seeds repeat a run."""
    model_without_header: ModelWithoutHeader = "image3"
    """The model of a request without x-model-version; with a customModelId it is the family of that model."""
    ultra_many: UltraMany = "422"
    """What image4_ultra does when asked for several images: refuse, or make the first only."""
    running_word: str = "running"
    """The status word of a job under way."""
    cancelled_word: Literal["cancelled", "canceled"] = "cancelled"
    """The status word of a cancelled job; Adobe spells it both ways."""
    cancel_seconds: float = 0.0
    """How long a cancelled job says `cancel_pending` first."""
    refused: Refused = "451"
    """How a prompt that breaks the content policy is refused."""
    other_status_port: bool = False
    """Whether statusUrl and cancelUrl are on another port than the API, as Adobe's are on other hosts."""
    shuffled: bool = False
    """Whether outputs come in another order than their seeds."""
    media_type: str = ""
    """The type of every image, whatever x-accept-mimetype asks for; empty: as asked."""
    dates: Dates = "milliseconds"
    """Custom models' dates: Adobe's sample has epoch milliseconds, its specification strings."""
    plain_pictures: bool = False
    """Flat colour instead of a drawing: for volume, not for looking."""
    drift: bool = False
    """Whether models were trained again: equal requests and seeds give other pictures, custom models other versions."""

    def __post_init__(self) -> None:
        if self.per_minute < 1 or self.per_day < 1:
            raise ValueError("per_minute and per_day are 1 or more")
        if not (0 <= self.job_spread <= 1 and 0 <= self.answer_spread <= 1):
            raise ValueError("job_spread and answer_spread are fractions, 0 to 1")
        times = (self.token_seconds, self.expire_seconds, self.job_seconds, self.cancel_seconds, self.answer_seconds)
        if min(*times, self.token_cached_seconds) < 0:
            raise ValueError("seconds are 0 or more")
