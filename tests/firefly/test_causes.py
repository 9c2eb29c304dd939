"""Why an exchange was lost, in our own words: the HTTP library's hold the token and the signed URL."""

from __future__ import annotations

import errno
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey, RequestInfo
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from campaign_runner.firefly.connection import cause_of
from campaign_runner.firefly.settings import Timeouts

KEY = ConnectionKey("hush", 443, True, True, None, None, None)
HEADERS = CIMultiDictProxy(CIMultiDict({"Authorization": "Bearer hush"}))
INFO = RequestInfo(URL("https://hush/?hush"), "POST", HEADERS, URL("https://hush/?hush"))
REFUSED = OSError(errno.ECONNREFUSED, "hush")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "hush")), "its name cannot be resolved"),
        (aiohttp.ClientConnectorError(KEY, REFUSED), "connection refused"),
        (aiohttp.ClientConnectorError(KEY, OSError(errno.EMFILE, "hush")), "too many open files"),
        (aiohttp.ClientConnectorError(KEY, OSError("hush")), "the connection broke"),
        (aiohttp.ClientProxyConnectionError(KEY, REFUSED), "the proxy cannot be reached"),
        (aiohttp.ClientHttpProxyError(INFO, (), status=407, message="hush"), "the proxy answered 407"),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "hush")), "no secure connection could be made"),
        (
            aiohttp.ClientConnectorCertificateError(KEY, ssl.CertificateError("hush")),
            "its certificate is not valid (it does not match)",
        ),
        (aiohttp.ConnectionTimeoutError("hush"), "no connection was made in time"),
        (aiohttp.ServerDisconnectedError("hush"), "the connection broke"),
        (aiohttp.ClientOSError(errno.ECONNRESET, "hush"), "the connection broke"),
        (aiohttp.ClientPayloadError("hush"), "the answer was cut off"),
        (aiohttp.ClientResponseError(INFO, (), status=400, message="hush"), "the answer is not HTTP"),
        (aiohttp.InvalidURL("https://hush"), "the connection failed"),
        (ValueError("hush"), "the connection failed"),
        (TimeoutError(), "no connection was made in time"),
    ],
    ids=range(16),
)
def test_a_cause_is_told_in_our_own_words(error: Exception, cause: str) -> None:
    assert cause_of(error, Timeouts(total=60, most_bytes=1), sent=False) == cause


@pytest.mark.parametrize("error", [TimeoutError(), aiohttp.SocketTimeoutError("hush")])
def test_an_answer_that_takes_too_long_is_told_with_its_limit(error: Exception) -> None:
    assert cause_of(error, Timeouts(total=60, most_bytes=1), sent=True) == "no complete answer within 60 seconds"
