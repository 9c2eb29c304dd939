"""Image URLs that work for a while: signed and dated, as S3's are.

Anyone who has the URL may fetch the image, with no other proof of who they are, until
it expires. Parameters are those of AWS Signature Version 4 query strings; the
signature itself is the sandbox's own.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from campaign_runner.sandbox.clock import Clock
from campaign_runner.sandbox.refusals import store_error

SECRET = b"sandbox"
DATE = "%Y%m%dT%H%M%SZ"
PATH = "/presigned/images"


class Links:
    """Signs and checks image URLs that live `expire_seconds`."""

    def __init__(self, clock: Clock, expire_seconds: int) -> None:
        self._clock = clock
        self._expires = expire_seconds

    def sign(self, name: str, at: float) -> str:
        """The path and query under which the image `name` can be fetched from `at` on."""
        date = self._clock.date(at).strftime(DATE)
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"SANDBOX/{date[:8]}/us-east-1/s3/aws4_request",
            "X-Amz-Date": date,
            "X-Amz-Expires": str(self._expires),
            "X-Amz-SignedHeaders": "host",
            "X-Amz-Signature": _signature(name, date, str(self._expires)),
        }
        return f"{PATH}/{name}?{urlencode(query)}"

    def expired(self, name: str) -> str:
        """A URL of the same kind whose time is over."""
        return self.sign(name, self._clock.seconds() - self._expires - 1)

    def check(self, name: str, query: Mapping[str, str], headers: Mapping[str, str]) -> None:
        """Whether the URL is good now; raises S3's refusals: 400 for a second way to authenticate, otherwise 403."""
        if "Authorization" in headers or "x-api-key" in headers:
            message = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter should be specified"
            raise store_error(400, "InvalidArgument", message)
        date, expires = query.get("X-Amz-Date", ""), query.get("X-Amz-Expires", "")
        if not hmac.compare_digest(query.get("X-Amz-Signature", "").encode(), _signature(name, date, expires).encode()):
            raise store_error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
        ends = datetime.strptime(date, DATE).replace(tzinfo=UTC) + timedelta(seconds=int(expires))
        if self._clock.seconds() >= self._clock.count(ends):
            shown = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
            raise store_error(
                403, "AccessDenied", "Request has expired", **{"X-Amz-Expires": expires, "Expires": shown}
            )


def _signature(name: str, date: str, expires: str) -> str:
    return hmac.new(SECRET, f"{name}\n{date}\n{expires}".encode(), hashlib.sha256).hexdigest()
