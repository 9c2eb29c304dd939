"""Where a job is asked for: at the host that its ticket names, or at the API origin.

A host that gives no usable answer three times in a row, whichever jobs it was asked about, is doubted
from then on. A usable answer is one that says something about a job: its status, how it ended, or that
it is unknown there. No connection, no answer in time, 5xx, 429, a refusal of the account, a gateway's page
and an answer about another job are not. The jobs of a doubted host are asked for at the API origin and
there, in turn; the place that tells the status of a job is kept for that job until it fails, too.

One call at a time goes to a doubted host: one that hangs must not keep the jobs of others waiting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from campaign_runner.errors import GenerationFailed, ProviderError, Unavailable
from campaign_runner.firefly.protocol.answers import UNKNOWN_JOB
from campaign_runner.firefly.protocol.hosts import host_of, origin_of
from campaign_runner.firefly.protocol.outputs import NO_RESULT
from campaign_runner.firefly.protocol.wire import Request

DOUBTED_AFTER = 3
"""Answers in a row that are not usable."""


@dataclass(frozen=True, slots=True)
class Question:
    """One call about a job. `is_elsewhere`: at a host that the service named, which is not the API origin's.

    `is_detour`: at the API origin although its ticket names another host that is trusted.
    """

    request: Request
    is_elsewhere: bool = False
    is_detour: bool = False


class Routes:
    """Chooses where each job is asked for, and learns from what comes back. For one service, at `origin`."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._failures: Counter[str] = Counter()  # in a row, by the origin of the host
        self._doubted: set[str] = set()
        self._is_origin_next: dict[str, bool] = {}  # of jobs of doubted hosts, by the URL in their ticket
        self._is_trying = False

    @contextmanager
    def asking(self, named: Request, own: Request) -> Iterator[Question]:
        """The call to make now: `named`, where the ticket says, or `own`, at the API origin.

        What the block raises, or that it raises nothing, is how it was answered. An error with which a host
        comes to be doubted has a notice that says so.
        """
        host = origin_of(named.url)
        if host == self._origin:
            yield Question(named)
        elif host not in self._doubted:
            with self._judging(host):
                yield Question(named, is_elsewhere=True)
        elif self._is_trying or self._is_origin_next.get(named.url, True):
            with self._remembering(named.url, is_origin=True):
                yield Question(own, is_detour=True)
        else:
            with self._trying(), self._remembering(named.url, is_origin=False):
                yield Question(named, is_elsewhere=True)

    @contextmanager
    def _judging(self, host: str) -> Iterator[None]:
        """Count the answers of a host that are not usable."""
        try:
            yield
        except ProviderError as error:
            if _says_something(error):
                self._failures[host] = 0
            else:
                self._count_failure(host, error)
            raise
        self._failures[host] = 0

    def _count_failure(self, host: str, error: ProviderError) -> None:
        self._failures[host] += 1
        if self._failures[host] == DOUBTED_AFTER:
            self._doubted.add(host)
            error.notice = (
                f"{host_of(host)} gave no usable answer about jobs {DOUBTED_AFTER} times in a row; "
                f"{host_of(self._origin)} is asked about them, too"
            )

    @contextmanager
    def _remembering(self, url: str, *, is_origin: bool) -> Iterator[None]:
        """Keep to the place that tells the status of a job; go to the other one next where this one does not.

        The origin says that it does not know a job only where it once did: its word counts.
        """
        try:
            yield
        except ProviderError as error:
            is_kept = _says_something(error) if is_origin else _tells_how_it_stands(error)
            self._is_origin_next[url] = is_origin == is_kept
            raise
        self._is_origin_next[url] = is_origin

    @contextmanager
    def _trying(self) -> Iterator[None]:
        self._is_trying = True
        try:
            yield
        finally:
            self._is_trying = False


def _says_something(error: ProviderError) -> bool:
    """Whether the answer is about a job."""
    return _tells_how_it_stands(error) or (isinstance(error, Unavailable) and error.code == UNKNOWN_JOB)


def _tells_how_it_stands(error: ProviderError) -> bool:
    """Whether the answer is a job's status: it ended without images."""
    return isinstance(error, GenerationFailed) or (isinstance(error, Unavailable) and error.code == NO_RESULT)
