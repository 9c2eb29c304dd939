"""The second half of a job's life: from finished at the service to stored on the disk.

Outputs are matched by seed, never by position. What is paid for is never thrown away: an image nobody
asked for, or one of a wrong size, is kept beside the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from campaign_runner import retry
from campaign_runner.errors import BlockedHost, IntegrityError, LinkExpired, ProviderError, Unavailable
from campaign_runner.events import Attempt, Fact, Failed, Reason, SetAside, Stored
from campaign_runner.model import Finished, Output, Variation
from campaign_runner.ports import Examined, Put
from campaign_runner.run.control import Control
from campaign_runner.run.crew import Level
from campaign_runner.run.parts import Ports
from campaign_runner.run.polls import LetGo

DOWNLOADS = 4
FRESH_URLS = 3
MISSING = Reason("missing", "the service returned no image for this seed")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A finished job about to be fetched. `seeds` are all seeds of its request; `fresh` polls it for new URLs."""

    attempt: Attempt
    seeds: tuple[int, ...]
    finished: Finished
    fresh: Callable[[], Awaitable[Finished]]


class Keeper:
    """Fetches, checks and stores the outputs of finished jobs, a few at a time."""

    def __init__(self, ports: Ports, control: Control, record: Callable[[Fact], Awaitable[Fact]]) -> None:
        self._provider = ports.provider
        self._store = ports.store
        self._control = control
        self._record = record
        self._slots = asyncio.Semaphore(DOWNLOADS)

    async def keep(self, delivery: Delivery) -> None:
        """Store what was asked for, set aside what was not, and fail what is missing.

        Raises LetGo where an image could not be fetched now: the others are stored all the same.
        """
        wanted = {variation.seed: variation for variation in delivery.attempt.job.variations}
        let_go: LetGo | None = None
        unasked = [output for output in delivery.finished.outputs if output.seed not in delivery.seeds]
        for output in delivery.finished.outputs:
            variation = wanted.pop(output.seed, None) if output.seed is not None else None
            if variation is None and output in unasked:
                await self._set_aside(delivery, output)
            elif variation is not None:
                let_go = await self._store_one(delivery, output, variation) or let_go
        for variation in wanted.values():
            await self._record(Failed(delivery.attempt, variation, MISSING))
        if let_go is not None:
            raise let_go

    async def _store_one(self, delivery: Delivery, output: Output, variation: Variation) -> LetGo | None:
        attempt = delivery.attempt
        try:
            content, examined = await self._fetch(delivery, output)
        except LetGo as reason:
            return reason
        except BlockedHost as error:
            await self._record(Failed(attempt, variation, Reason("blocked_host", str(error))))
            return None
        if examined.size != attempt.job.recipe.size:
            await self._wrong_size(attempt, variation, content, examined)
            return None
        name = f"{variation.stem}.{examined.suffix}"
        await self._put(name, content, examined)
        warnings = delivery.finished.warnings
        await self._record(
            Stored(attempt, variation, f"images/{name}", examined.sha256, len(content), examined.media_type, warnings)
        )
        return None

    async def _wrong_size(self, attempt: Attempt, variation: Variation, content: bytes, examined: Examined) -> None:
        asked = attempt.job.recipe.size
        reason = Reason("wrong_size", f"asked for {asked}, received {examined.size}")
        await self._put_aside(attempt, content, examined, reason)
        await self._record(Failed(attempt, variation, reason))

    async def _set_aside(self, delivery: Delivery, output: Output) -> None:
        """An image nobody asked for. If it cannot be had it is no loss to the campaign."""
        try:
            content, examined = await self._fetch(delivery, output)
        except (LetGo, BlockedHost):
            return
        reason = Reason("unexpected", f"an image of seed {output.seed}, which was not asked for")
        await self._put_aside(delivery.attempt, content, examined, reason)

    async def _put_aside(self, attempt: Attempt, content: bytes, examined: Examined, reason: Reason) -> None:
        name = f"unexpected/{attempt.id}_{examined.sha256[:8]}.{examined.suffix}"
        await self._put(name, content, examined)
        await self._record(SetAside(attempt, f"images/{name}", examined.sha256, len(content), reason))

    async def _put(self, name: str, content: bytes, examined: Examined) -> None:
        if await self._store.put_new(name, content, examined.sha256) is Put.DIFFERENT:
            raise IntegrityError(
                f"images/{name} is there already and holds something else; it was left as it is. "
                "Move it away and run again: the image is paid for and will be fetched"
            )

    async def _fetch(self, delivery: Delivery, output: Output) -> tuple[bytes, Examined]:
        """The bytes of one output, checked. Raises LetGo once its tries are used up, BlockedHost at once."""
        failures = 0
        while True:
            try:
                return await self._once(output)
            except BlockedHost:
                raise
            except ProviderError as error:
                failures += 1
                self._control.heard(error)
                await self._pause(error, failures)
                if failures <= FRESH_URLS:
                    output = await self._renewed(delivery, output)

    async def _once(self, output: Output) -> tuple[bytes, Examined]:
        async with self._slots:
            content = await self._provider.fetch(output)
            self._control.heard(None)
            return content, await self._store.examine(content)

    async def _pause(self, error: ProviderError, failures: int) -> None:
        """Wait before the next try. An expired link wants a fresh one, not patience. Raises LetGo for the last try."""
        wait = retry.fetch_again(error, failures, self._control.clock.random())
        if isinstance(error, LinkExpired) and failures <= FRESH_URLS:
            wait = 0.0
        if wait is None or not await self._control.stop.sleep(Level.DRAINING, wait):
            raise LetGo(error.code or "not_downloaded", str(error), answered=not _is_silence(error)) from error

    async def _renewed(self, delivery: Delivery, output: Output) -> Output:
        """The same output under a fresh URL; the one at hand where the service no longer offers it."""
        finished = await delivery.fresh()
        return next((other for other in finished.outputs if other.seed == output.seed), output)


def _is_silence(error: ProviderError) -> bool:
    return isinstance(error, Unavailable) and not error.reached
