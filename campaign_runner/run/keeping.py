"""The second half of a job's life: from finished at the service to stored on the disk.

Outputs are matched by seed, never by position. What is paid for is never thrown away: an image nobody
asked for, or one of a wrong size, is kept beside the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from campaign_runner import retry
from campaign_runner.errors import (
    BlockedHost,
    GenerationFailed,
    IntegrityError,
    LinkExpired,
    ProviderError,
    StoreError,
)
from campaign_runner.events import Attempt, Fact, Failed, Reason, SetAside, Stored, Warned
from campaign_runner.lengths import placed
from campaign_runner.model import SHORT, Finished, Output, Variation
from campaign_runner.ports import Examined, Put
from campaign_runner.run.control import Control
from campaign_runner.run.crew import Level
from campaign_runner.run.parts import Ports
from campaign_runner.run.polls import LetGo

Trouble = LetGo | StoreError | IntegrityError
DOWNLOADS = 4
FRESH_URLS = 3
MOST_STRAYS = 8
"""Images of one job that nobody asked for and that are kept: twice as many as a request can ask for."""
STRAYS_WITHIN = 120.0
"""Seconds that all of them may take to be fetched."""
LONGEST_WAIT = 600.0
"""Seconds; a store that asks for a longer wait is asked again by the next run."""
MISSING = Reason("missing", "the service returned no image for this seed")
UNASKED = "an image that nobody asked for could not be fetched"


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
        self._images = ports.store
        self._control = control
        self._record = record
        self._slots = asyncio.Semaphore(DOWNLOADS)

    async def keep(self, delivery: Delivery) -> None:
        """Store what was asked for, set aside what was not, fail what is missing.

        In this order: what was asked for waits for nothing else; and a job is asked for again only while it lacks an
        image, so what is missing is told once what it made instead is here, as much of it as is kept. Raises LetGo
        where an image could not be fetched now, StoreError or IntegrityError where it could not be stored: all the
        others of the job are stored before.
        """
        ours, extras = _sorted(delivery)
        missing = _missing(delivery.attempt, ours)
        kept_away = [trouble for output, each in ours if (trouble := await self._store_one(delivery, output, each))]
        strays = await self._set_aside_some(delivery, extras)
        if not strays:
            for variation in missing:
                await self._record(Failed(delivery.attempt, variation, MISSING))
        if not missing and not kept_away:
            strays = [trouble for trouble in strays if not self._is_given_up(trouble)]
        if worst := sorted(strays + kept_away, key=_hopelessness):
            raise worst[0]

    async def recover(self, attempt: Attempt) -> list[Variation]:
        """Record those images of a job that are on the disk already; the answer is those that are not.

        A run may have been killed between putting an image under its name and recording it. Usually the next one
        fetches it again and finds the same; this is for a job that the service does not know any more.
        """
        return [each for each in attempt.job.variations if not await self._recovered(attempt, each)]

    async def _recovered(self, attempt: Attempt, variation: Variation) -> bool:
        name = await self._images.holds(variation.stem, variation.short_stem)
        if name is None:
            return False
        content = await self._images.read(name)
        try:
            examined = await self._images.examine(content)
        except ProviderError:
            return False
        if examined.size != attempt.job.recipe.size:
            return False
        await self._record(
            Stored(attempt, variation, f"images/{name}", examined.sha256, len(content), examined.media_type)
        )
        return True

    async def _store_one(self, delivery: Delivery, output: Output, variation: Variation) -> Trouble | None:
        """See one image through to its end; the answer is what keeps it at the service for a later run."""
        attempt = delivery.attempt
        try:
            await self._store(delivery, output, variation)
        except (BlockedHost, GenerationFailed) as error:
            await self._record(Failed(attempt, variation, Reason(error.code or "failed", str(error))))
        except (LetGo, StoreError, IntegrityError) as trouble:
            return trouble
        return None

    async def _store(self, delivery: Delivery, output: Output, variation: Variation) -> None:
        attempt = delivery.attempt
        content, examined = await self._fetch(delivery, output)
        if examined.size != attempt.job.recipe.size:
            await self._wrong_size(attempt, variation, content, examined)
            return
        name = await self._put(variation.stem, content, examined, short=variation.short_stem)
        warnings = delivery.finished.warnings
        await self._record(
            Stored(attempt, variation, f"images/{name}", examined.sha256, len(content), examined.media_type, warnings)
        )

    async def _wrong_size(self, attempt: Attempt, variation: Variation, content: bytes, examined: Examined) -> None:
        asked = attempt.job.recipe.size
        reason = Reason("wrong_size", f"asked for {asked}, received {examined.size}")
        await self._put_aside(attempt, content, examined, reason)
        await self._record(Failed(attempt, variation, reason))

    async def _set_aside_some(self, delivery: Delivery, extras: list[Output]) -> list[Trouble]:
        """See the first few images nobody asked for through to their end; what keeps any of them at the service.

        They have a bounded time, all together, and none is begun once the run is draining.
        """
        if (left := len(extras) - MOST_STRAYS) > 0:
            told = f"Adobe's answer has {len(extras):,} images that nobody asked for: {left:,} of them are not fetched"
            self._control.observe(Warned(told))
        until = asyncio.get_running_loop().time() + STRAYS_WITHIN
        some = extras[:MOST_STRAYS]
        return [trouble for output in some if (trouble := await self._set_one_aside(delivery, output, until))]

    async def _set_one_aside(self, delivery: Delivery, output: Output, until: float) -> Trouble | None:
        """See an image nobody asked for through to its end; the answer is what keeps it at the service."""
        try:
            await self._set_aside(delivery, output, until)
        except (BlockedHost, GenerationFailed) as error:
            self._control.observe(Warned(f"{UNASKED}: {error}"))
        except (LetGo, StoreError, IntegrityError) as trouble:
            return trouble
        return None

    def _is_given_up(self, trouble: Trouble) -> bool:
        """Whether an image nobody asked for is left at the service: its job has all of its own, and ends."""
        if isinstance(trouble, LetGo):
            self._control.observe(Warned(f"{UNASKED}: {trouble}"))
        return isinstance(trouble, LetGo)

    async def _set_aside(self, delivery: Delivery, output: Output, until: float) -> None:
        if self._control.stop.reached(Level.DRAINING):
            raise LetGo("stopped", "the run was stopped")
        try:
            async with asyncio.timeout_at(until):
                content, examined = await self._fetch(delivery, output)
        except TimeoutError:
            raise LetGo("not_downloaded", f"not fetched within {STRAYS_WITHIN:.0f} s") from None
        reason = Reason(
            "unexpected", f"an image said to be of seed {output.seed}, which was not asked for, or not twice"
        )
        await self._put_aside(delivery.attempt, content, examined, reason)

    async def _put_aside(self, attempt: Attempt, content: bytes, examined: Examined, reason: Reason) -> None:
        stem, short = f"unexpected/{attempt.id}_{examined.sha256[:8]}", f"unexpected/{examined.sha256[:SHORT]}"
        name = await self._put(stem, content, examined, short=short)
        await self._record(SetAside(attempt, f"images/{name}", examined.sha256, len(content), reason))

    async def _put(self, stem: str, content: bytes, examined: Examined, *, short: str) -> str:
        """Store an image under `stem`, or under `short` where the disk does not take that; the answer is its name."""

        def put(name: str) -> Awaitable[Put]:
            return self._images.put_new(name, content, examined.sha256)

        name, what = await placed(put, *(f"{each}.{examined.suffix}" for each in (stem, short)))
        if what is Put.DIFFERENT:
            raise IntegrityError(
                f"images/{name} is there already and holds something else; it was left as it is. "
                "Move it away and run again: the image is paid for and will be fetched"
            )
        return name

    async def _fetch(self, delivery: Delivery, output: Output) -> tuple[bytes, Examined]:
        """The bytes of one output, checked. Raises LetGo once its tries are used up, BlockedHost at once."""
        failures: list[ProviderError] = []
        while True:
            try:
                return await self._once(output)
            except BlockedHost:
                raise
            except ProviderError as error:
                failures.append(error)
                self._control.heard(error)
                await self._pause(failures)
                if len(failures) <= FRESH_URLS:
                    output = await self._renewed(delivery, output)

    async def _once(self, output: Output) -> tuple[bytes, Examined]:
        async with self._slots:
            content = await self._provider.fetch(output)
            self._control.heard(None)
            return content, await self._images.examine(content)

    async def _pause(self, failures: list[ProviderError]) -> None:
        """Wait before the next try. An expired link wants a fresh one, not patience. Raises LetGo for the last try.

        The image is gone only where no try at all, each but the last followed by a fresh link, said anything else.
        """
        error = failures[-1]
        wait = retry.fetch_again(error, len(failures), self._control.clock.random())
        if isinstance(error, LinkExpired) and len(failures) <= FRESH_URLS:
            wait = 0.0
        if wait is None or wait > LONGEST_WAIT:
            is_gone = all(map(retry.is_gone, failures))
            raise LetGo(error.code or "not_downloaded", str(error), is_gone=is_gone) from error
        if not await self._control.stop.sleep(Level.DRAINING, wait):
            raise LetGo(error.code or "not_downloaded", str(error)) from error

    async def _renewed(self, delivery: Delivery, output: Output) -> Output:
        """The same output under a fresh URL; the one at hand where the service no longer offers it."""
        finished = await delivery.fresh()
        return next((other for other in finished.outputs if other.seed == output.seed), output)


def _sorted(delivery: Delivery) -> tuple[list[tuple[Output, Variation]], list[Output]]:
    """The outputs that are ours, each with its variation; and those of a seed not asked for, or of one given before."""
    wanted: dict[int | None, Variation] = {each.seed: each for each in delivery.attempt.job.variations}
    ours, extras = [], []
    left = list(delivery.seeds)
    for output in delivery.finished.outputs:
        variation = wanted.pop(output.seed, None)
        if variation is not None:
            ours.append((output, variation))
        elif output.seed not in left:
            extras.append(output)
        if output.seed in left:
            left.remove(output.seed)
    return ours, extras


def _missing(attempt: Attempt, ours: list[tuple[Output, Variation]]) -> list[Variation]:
    """What was asked for and not delivered."""
    delivered = {variation.key for _, variation in ours}
    return [each for each in attempt.job.variations if each.key not in delivered]


def _hopelessness(trouble: Exception) -> int:
    """Ours to mend first, then what a later run may still fetch; last what the service says is gone."""
    return 1 + trouble.is_gone if isinstance(trouble, LetGo) else 0
