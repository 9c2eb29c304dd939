"""An S3 of this machine: moto's server in this process, over a real socket of 127.0.0.1.

obstore is no Python, so the guard over sockets (`tests/guard`) does not see where it connects: it is told of a proxy
for all that is elsewhere, which is a socket that refuses.
"""

from __future__ import annotations

import os
import secrets
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

from moto.server import ThreadedMotoServer
from obstore.store import from_url

from campaign_runner.fleet.images.bucket import Bucket
from campaign_runner.fleet.images.place import BucketPlace, ImagePlace

SECRET = "s3cr3tOfTheStore"
SOME_DAY = "Sun, 29 Nov 2026 12:00:00 GMT"
NOWHERE = "http://127.0.0.1:9"
"""A proxy that refuses everything; what is on 127.0.0.1 is asked without one."""


@cache
def endpoint() -> str:
    """Where the server of this process listens."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


@contextmanager
def known(address: str, *, proxy: str = NOWHERE) -> Iterator[None]:
    """Inside, obstore finds the S3 at `address`, and nothing else.

    It looks at the environment only while a bucket is opened: other tests are to find nothing there.
    """
    with patch.dict(os.environ, environment(address, proxy)):
        yield


def environment(address: str, proxy: str = NOWHERE) -> dict[str, str]:
    """What a process needs to know to use the S3 at `address`, and to reach nothing else."""
    return dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), proxy) | {
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }


def bucket(url: str, *, address: str = "", **options: Any) -> Bucket:
    """The bucket at `url` of the S3 at `address`, usually that of this process."""
    with known(address or endpoint()):
        return Bucket(url, allows_http=True, **{"sleep": never} | options)


async def never(seconds: float) -> None:
    """No test waits for a store that does not answer."""
    raise AssertionError("the store had no usable answer")


def place(url: str, *, address: str = "") -> ImagePlace:
    """The place of a fleet's images at `url`."""
    return BucketPlace(bucket(url, address=address))


def new_bucket() -> str:
    """The URL of an empty bucket."""
    url = f"s3://bucket-{secrets.token_hex(6)}"
    put(url, b"")
    return url


def put(url: str, content: bytes) -> None:
    """Put an object as someone else would, also under a key that obstore does not take; or make a bucket."""
    request = urllib.request.Request(url.replace("s3:/", endpoint(), 1), content, method="PUT")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        assert answer.status == 200


def media_type(url: str) -> str:
    """As what a browser would show an object."""
    place, _, key = url.rpartition("/")
    with known(endpoint()):
        return str(from_url(place).get(key).attributes["Content-Type"])
