"""Where the service is, who asks it, and how long an answer may take: what is known before any connection is made.

Nothing here needs the HTTP library, so a command that only looks does not load it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from campaign_runner.firefly.credentials import Credentials
from campaign_runner.firefly.protocol.hosts import checked_image_host, checked_origin, checked_proxy
from campaign_runner.firefly.protocol.untrusted import MOST_JSON_BYTES
from campaign_runner.ports import LARGEST_BYTES


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long an exchange may take, in seconds, and how many bytes its answer may have.

    With `window` the answer must bring `pace` bytes a second, measured over that many seconds.
    """

    total: float
    most_bytes: int
    connect: float = 10.0
    window: float | None = None
    pace: float = 10 * 1024


SUBMIT = Timeouts(total=60, most_bytes=MOST_JSON_BYTES)
READ = Timeouts(total=30, most_bytes=MOST_JSON_BYTES)
UPLOAD = Timeouts(total=300, most_bytes=MOST_JSON_BYTES)
IMAGE = Timeouts(total=300, most_bytes=LARGEST_BYTES, window=30)


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the service is and who asks. `proxy` is an http proxy's URL; it may hold a password.

    `image_hosts` are names of hosts that images may come from, too, as from everything below them.
    Raises UsageError for an address that is neither https://HOST nor http://127.0.0.1:PORT, no proxy's, or no name.
    """

    firefly_url: str
    ims_url: str
    credentials: Credentials
    proxy: str | None = field(default=None, repr=False)
    submit: Timeouts = SUBMIT
    read: Timeouts = READ
    image: Timeouts = IMAGE
    image_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "firefly_url", checked_origin(self.firefly_url))
        object.__setattr__(self, "ims_url", checked_origin(self.ims_url))
        object.__setattr__(self, "image_hosts", tuple(map(checked_image_host, self.image_hosts)))
        if self.proxy is not None:
            checked_proxy(self.proxy)
