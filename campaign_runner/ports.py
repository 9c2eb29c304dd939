"""What the scheduler asks for, as contracts: Provider, Store, Journal, Quota.

Values go in and out (no cursors, paths, connections), so that another journal or
an object store is an adapter and never a second scheduler. Each promise below is
tested by one suite that runs on every adapter.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from io import BufferedReader, BytesIO
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

from campaign_runner.model import SUFFIXES, Finished, Job, Output, Size, State, Ticket

if TYPE_CHECKING:
    from campaign_runner.events import Attempt, Fact
    from campaign_runner.model import Cause
    from campaign_runner.uptime import Deadline

T = TypeVar("T")
Content: TypeAlias = BufferedReader | BytesIO
"""Bytes that are open for reading, from their beginning."""
LARGEST_BYTES = 64 << 20
"""No image is larger: what is longer is not read to its end."""


class Provider(Protocol):
    """The service that makes images. No method waits, repeats or logs: that is the scheduler's."""

    async def prepare(self, job: Job) -> None:
        """Sign in and hand over what `job` refers to, if need be: all that is free and must come before `submit`.

        Raises Rejected (a reference image is at fault), AccountRefused, Throttled, Unavailable or IntegrityError.
        """

    async def submit(self, job: Job, permit: Permit | None = None) -> Ticket:
        """Ask for `job` once; the only call that costs money.

        Where the deadline of `permit` is over once the connection stands, nothing is sent: Unavailable.

        Never repeat it unless the error's `charged` is False. Raises Throttled, Unavailable,
        AccountRefused, Rejected (not charged) or InDoubt (no one knows), and nothing else. The error's
        `sent` is False where certainly nothing left us; every other is one request of the allowance.
        """

    async def poll(self, ticket: Ticket) -> Finished | None:
        """What the job has to offer, or None while it is being made. Free, may be repeated.

        Raises GenerationFailed (final), Throttled, AccountRefused or Unavailable (ask again);
        `Unavailable.code` is `unknown_job_id` where the service says it does not know the job, `no_result` where
        it says that the job succeeded and names no images. `unknown_here` says nothing about the job: a place that
        never answered about it does not know it. HostSilent says nothing about the service. Each call asks at one
        place: repeating it asks at the others, too.
        """

    async def fetch(self, output: Output, most_bytes: int = LARGEST_BYTES) -> bytes:
        """The bytes of a finished image, as received, complete by their framing. Free, may be repeated.

        No more than `most_bytes` are read: a larger image is Damaged with the code `too_large`.
        Raises LinkExpired (poll for a fresh URL), BlockedHost (not contacted), Damaged or Unavailable.
        `LinkExpired.code` is `link_expired` or `no_link` where the service's side said so, and not a proxy's page.
        """


@dataclass(frozen=True, slots=True)
class Examined:
    """A whole picture: its real media type and size, and the SHA-256 (hex) of the bytes as received."""

    media_type: str
    size: Size
    sha256: str

    @property
    def suffix(self) -> str:
        return SUFFIXES[self.media_type]


class Put(Enum):
    """What happened to bytes that were to be stored under a new name."""

    NEW = "new"
    SAME = "same"
    DIFFERENT = "different"


class Store(Protocol):
    """Where the images of one campaign are kept. Names begin at its output folder (`images/…`, `removed/…`), with `/`.

    A name is either absent or complete, whatever crashes, and what is under one is never changed. Every method
    raises IntegrityError for what is not a name, and where a folder or a symbolic link is in the way; StoreError where
    the store refuses.
    """

    def where(self, name: str) -> str:
        """What to tell a person who looks for `name`: a path, say, or a URL."""

    async def ready(self, place: str = "images") -> None:
        """Make ready to put names that begin with `place`; what was never put to its end is gone.

        Only for the holder of the output folder's lock: another run may be putting.
        """

    async def check_writable(self, needed: int = 0) -> None:
        """Try whether images can be put. Raises StoreError where not, or where there is no room for `needed` bytes."""

    async def check_names(self, names: Iterable[str]) -> None:
        """Try whether the longest of `names` can be had; nothing is left of it. Raises NameTooLong, which says so."""

    async def put_new(self, name: str, content: bytes, sha256: str) -> Put:
        """Publish `content` under `name`, durable on return. What is there already is never touched.

        SAME where it holds just these bytes (an earlier run crashed before it could record them),
        DIFFERENT where it holds others. Raises NameTooLong where another name will do.
        """

    async def second_name(
        self, name: str, sha256: str, *, source: Store, file: str, is_one_file: bool = False
    ) -> Put | None:
        """Publish what is under `file` in `source`, which may be this store, under `name` too; as `put_new` does.

        Who edits what is under one name does not change the other. With `is_one_file` the store may let both be names
        of one file: of one that is being moved, or where a person asked for it.
        None, and nothing is published, where it is missing or holds other bytes than those of `sha256`.
        """

    async def holds(self, *stems: str) -> str | None:
        """The first file named by one of `stems` with any picture suffix, None if there is none.

        What the store does not take for a name holds nothing.
        """

    async def present(self, names: Collection[str]) -> set[str]:
        """Those of `names` under which something is found. To be told to a person, never to decide by."""

    async def open(self, name: str, look: Callable[[Content], T]) -> T:
        """What `look` makes of the bytes under `name`: of one opening of them, in which it may read and seek.

        It is called beside the event loop. Raises FileNotFoundError where nothing is there.
        """

    async def digest(self, name: str) -> str | None:
        """The SHA-256 (hex) of the bytes under `name`, as they are now; None where nothing is there."""

    async def remove(self, name: str, sha256: str) -> None:
        """Take `name` away, durably, if it is there and holds the bytes of `sha256`."""

    def names(self, prefix: str = "") -> AsyncGenerator[str, None]:
        """Every name that begins with `prefix`, which is empty or ends with `/`; also what was never put here."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An accepted job some of whose variations are neither stored nor failed.

    The attempt's job holds just those; `seeds` are all that its request asked for, `aside` the files of what it
    delivered and no one asked for.
    """

    attempt: Attempt
    seeds: tuple[int, ...]
    ticket: Ticket
    accepted_at: datetime
    aside: frozenset[str] = frozenset()


class Journal(Protocol):
    """The durable record. Permissions and facts are different: `intend` asks, `record` tells."""

    async def intend(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        """Record that these are about to be sent; the granted ones are durable on return.

        An attempt is granted only if every variation in it is due now: so nothing is sent twice
        even if two planners disagree. One may come back with fewer variations: the others were bought,
        or are being bought, somewhere else. Raises Busy where another run has the campaign now, also for no attempts.
        """

    async def is_wanted(self, job: Job) -> bool:
        """Whether any of `job` may be granted, as far as is known now; asked before the allowance is, so that no
        permit is spent on what someone else buys."""

    async def record(self, facts: Sequence[Fact], *, answers: Sequence[Permit] = ()) -> Sequence[Fact]:
        """Durable on return. Idempotent, in any order; the first terminal state of a variation wins.

        `answers` are the permits of the requests whose answers they tell: where the allowance is kept with the record,
        they are settled with them, and `Quota.settle` finds it done. The facts are recorded whatever becomes of that.

        Accepted and Refused may still follow Doubted: the answer that came late. Returns the
        facts as they were recorded: an Accepted that bears another job's id is recorded, and
        returned, as Doubted.
        """

    def unfinished(self) -> AsyncIterator[Unfinished]:
        """Accepted jobs still to be fetched, oldest first."""


@runtime_checkable
class JobsOnRecord(Protocol):
    """What a journal remembers of jobs beside its facts, over all runs."""

    async def has_namesake(self, job_id: str) -> bool:
        """Whether another job on record ends in the same way, after the last `:` or `/` of its id."""

    async def is_known_at_origin(self, job_id: str) -> bool:
        """Whether the API origin has once told the status of a job, though its ticket names another host."""

    async def note_known_at_origin(self, job_id: str) -> None:
        """Durable on return."""


class CampaignJournal(Journal, JobsOnRecord, Protocol):
    """The journal of one campaign, in the hands of the command that holds it."""

    async def begun(self) -> int:
        """How many requests were ever about to be sent for this campaign, refused ones too: the number only grows."""

    async def upload_id(self, sha256: str) -> str | None:
        """The id under which a reference image is at Adobe; None where it is not, or may not be any more."""

    async def note(self, facts: Mapping[str, str]) -> None:
        """Note what is true of the whole campaign (`campaign`, `origin`, `file`…); durable on return."""

    async def decide(self, reason: Cause, keys: Iterable[str], *, states: tuple[State, ...], into: State) -> int:
        """A person's decision over those of `keys` that are in one of `states`; how many it moved."""

    async def take_back(self, reason: Cause, keys: Iterable[str]) -> int:
        """What a person gave up of `keys` is as it was before; how many that are."""

    async def catch_up(self) -> None:
        """Wait until everything that was recorded is in what is read here. Raises what `record` raises."""

    async def forget_unfinished(self) -> int:
        """For a sandbox that ended with its process: what it still held becomes pending. How many jobs that was."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to send one request now. It counts as sent this very moment until it is settled or given back."""

    id: int
    deadline: Deadline | None = field(default=None, compare=False)
    """Until when its first byte must leave; None where it may at any time."""


@dataclass(frozen=True, slots=True)
class Wait:
    """No leave for `seconds`; `why` names the window: `minute`, `day`, `retry-after`, `status` where no one
    says what the status of the jobs under way is, or `store` where the place of the images does not answer."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the account may send and has sent, as far as this machine knows."""

    per_minute: int
    per_day: int
    used_minute: int
    used_day: int


class Quota(Protocol):
    """The organisation's allowance, shared by every process that uses the same credentials.

    At most `per_minute` requests reach the service in any 60 seconds and `per_day` in any
    24 hours, over restarts and processes. Stamps are made by the adapter's own clock.
    """

    async def acquire(self) -> Permit | Wait:
        """Leave to send one request, or how long to wait before asking again. Never blocks for the wait itself."""

    async def settle(self, permit: Permit) -> None:
        """An answer arrived, or none ever will: the request counts from now on as sent now."""

    async def give_back(self, permit: Permit) -> None:
        """The request never reached the service, or the service says it does not count."""

    async def block(self, seconds: float, *, told: float | None = None) -> int | None:
        """The service refused for the allowance: no one gets leave before `seconds` are over.

        `told` are the seconds that it asked for itself. The answer is how many requests a minute are kept to from now
        on, where refusals taught that it takes fewer than allowed.
        """

    async def allowance(self) -> Allowance:
        """What is used now, in both windows."""


class OpenableQuota(Quota, Protocol):
    """A Quota that keeps what it needs open within `async with`, and works without that, too."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: object) -> None: ...
