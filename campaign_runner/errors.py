"""Every error the package raises.

CampaignError                for a person: the command line prints it and exits with its exit_code
├── CampaignFileError     2  the YAML is wrong; .problems holds all of them
├── UsageError            2  the command cannot do what was asked; nothing was sent
├── ProviderError            Adobe refused or did not answer; .charged: whether it cost
│   ├── Throttled         8  over quota; not charged; wait .retry_after seconds
│   ├── Unavailable       8  never reached the service, or a read that may be repeated; not charged
│   │   ├── HostSilent       a host that the service named for a job cannot be reached
│   │   └── AnotherJob       the answer is about another job than the one asked for
│   ├── AccountRefused    7  credentials, entitlement, credits; not charged; stop submitting
│   ├── Rejected          3  the request is at fault; not charged; asking again is no use
│   ├── InDoubt           4  sent, no usable answer: no one knows; never re-sent for you
│   ├── GenerationFailed  3  accepted, then failed; charged: no one knows
│   ├── LinkExpired       8  the image's URL no longer works; poll again for a fresh one
│   ├── Damaged           8  what came is not a whole picture; fetch it again
│   └── BlockedHost       8  the answer names a host that is not trusted; it was not contacted
├── IntegrityError        5  journal, manifest, image or model differ from the record
│   └── TooLarge          5  a file has more bytes than anything that belongs there
├── StoreError            6  the disk: what is still at Adobe is paid for, run again to fetch it
│   ├── DiskFull          6  no room is left
│   ├── NameTooLong       6  a name or path that the disk does not take: another name will do
│   └── StoreSilent       8  a store of images that did not answer for a minute: run again later
├── LaterError            8  not now: the allowance of the day is used up, or no one answers
└── Busy                 11  another run holds this folder

A message says what happened and what to do next; it never holds a secret, a signed URL or a header.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from campaign_runner.problem import Problem

TOO_LARGE = "too_large"
"""The code of what is larger than its reader takes."""
SAME_TOKEN = "same_token"
"""The code of an error that says: Adobe rejected our token, and its token service returns no other one."""


class CampaignError(Exception):
    """An error for a person; `exit_code` is the process's (the table of the README)."""

    exit_code: ClassVar[int] = 1

    @property
    def sentence(self) -> str:
        """The message on one line."""
        return str(self)


class CampaignFileError(CampaignError):
    """The campaign file is wrong. `problems` holds everything that is wrong with it, in file order."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

    @property
    def sentence(self) -> str:
        """The first problem without the line it quotes, and how many more there are."""
        first, more = str(self).partition("\n")[0], len(self.problems) - 1
        return f"{first} (and {more:,} more)" if more > 0 else first


class UsageError(CampaignError):
    """The command cannot do what was asked of it; nothing was sent."""

    exit_code = 2


class ProviderError(CampaignError):
    """Adobe refused, or did not answer.

    `charged` is False, True, or None where no one knows. `code` is the service's own
    word (`prompt_unsafe`), or ours where it gave none. `sent` is False where it is certain
    that not one byte of the request left us, so that it uses up nothing of the allowance.
    `notice` is what a person should be told once, however often it is met; empty: nothing.
    """

    charged: ClassVar[bool | None] = False

    def __init__(self, message: str, *, code: str = "", sent: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.sent = sent
        self.notice = ""


class Throttled(ProviderError):
    """Over the allowance (429). `retry_after` is seconds to wait, more than 0; None where no usable wait was said."""

    exit_code = 8

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message, code="rate_limited")
        self.retry_after = retry_after


class Unavailable(ProviderError):
    """Nothing left us, or a complete answer says that nothing was made; or a free read that may be repeated.

    `reached` tells whether anyone answered at all: silence for a minute ends a run, a busy service does not.
    `retry_after` is seconds, None where no one said.
    """

    exit_code = 8

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        sent: bool = True,
        reached: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, sent=sent)
        self.reached = reached
        self.retry_after = retry_after


class HostSilent(Unavailable):
    """No answer from a host that the service named for a job. Says nothing about the service itself."""


class AnotherJob(Unavailable):
    """An answer about a job that names another one: `job_id`, empty where it names none."""

    def __init__(self, message: str, *, job_id: str) -> None:
        super().__init__(message, code="another_job", reached=True)
        self.job_id = job_id


class AccountRefused(ProviderError):
    """Credentials, entitlement or credits: true for every request, so submitting stops."""

    exit_code = 7


class Rejected(ProviderError):
    """This request is at fault (a field, the content policy); the others go on."""

    exit_code = 3


class InDoubt(ProviderError):
    """Sent without a usable answer: it may have been charged. Never sent again but on a person's word.

    `answer` is how an answer began that may be an acceptance: one harmless line, empty where there was none.
    """

    exit_code = 4
    charged = None

    def __init__(self, message: str, *, code: str = "", answer: str = "") -> None:
        super().__init__(message, code=code)
        self.answer = answer


class GenerationFailed(ProviderError):
    """Accepted, then failed or cancelled. Whether it was charged is not documented."""

    exit_code = 3
    charged = None


class LinkExpired(ProviderError):
    """The image's URL no longer works; polling its job gives a fresh one. The image is paid for."""

    exit_code = 8
    charged = True


class Damaged(ProviderError):
    """What came is cut, of another format or too large: not the picture. Fetching again is free."""

    exit_code = 8
    charged = True


class BlockedHost(ProviderError):
    """A URL in an answer names a host that is not trusted; it was not contacted. The image is paid for, and waits."""

    exit_code = 8
    charged = True


class IntegrityError(CampaignError):
    """The journal, the manifest, an image or the custom model differs from the record."""

    exit_code = 5


class TooLarge(IntegrityError):
    """A file has more bytes than anything that belongs in its place: it is not read."""


class StoreError(CampaignError):
    """The disk refused: full, no permission, read-only, cannot be locked."""

    exit_code = 6


class DiskFull(StoreError):
    """There is no room left: on the disk, for files, or in this person's share."""


class NameTooLong(StoreError):
    """A name, or a path, is longer than the disk takes."""


class StoreSilent(StoreError):
    """A store of images does not answer: what is to be put there stays at Adobe, paid for. Running again goes on."""

    exit_code = 8


class LaterError(CampaignError):
    """Not now: the day's allowance is used up, or no one answers. Running again later goes on."""

    exit_code = 8


class Busy(CampaignError):
    """Another run holds this output folder."""

    exit_code = 11
