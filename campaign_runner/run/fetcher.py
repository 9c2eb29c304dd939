"""The second half of a job's life: from finished at Adobe to stored on the disk.

Outputs are matched by seed, never by position. What is paid for is never thrown away: an image no one
asked for, one of a wrong size, or what is not a whole picture even at the last try, is kept beside the others.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from campaign_runner import retry
from campaign_runner.disk.name_lengths import placed
from campaign_runner.errors import (
    TOO_LARGE,
    BlockedHost,
    GenerationFailed,
    IntegrityError,
    LinkExpired,
    ProviderError,
    StoreError,
)
from campaign_runner.events import (
    Attempt,
    Fact,
    Failed,
    Held,
    SetAside,
    Stored,
    Warned,
)
from campaign_runner.families import has_its_size
from campaign_runner.model import Cause, Output, Variation
from campaign_runner.pictures.inspection import examine
from campaign_runner.ports import Examined, Put
from campaign_runner.run.control import Control
from campaign_runner.run.deliveries import (
    UNSOUND,
    Delivery,
    GivenUp,
    aside_name,
    missing_of,
    of_seed,
    repeats_link,
    short_name,
    start_of,
    told_apart,
    unsound_files,
)
from campaign_runner.run.downloads import DownloadRoom
from campaign_runner.run.limits import Ports
from campaign_runner.run.polls import NoLongerFollowed
from campaign_runner.run.stop import Level
from campaign_runner.tasks import in_thread

Trouble = NoLongerFollowed | StoreError | IntegrityError
FRESH_URLS = 3
MOST_STRAYS = 8
"""Images of one job that no one asked for and that are kept: twice as many as a request can ask for."""
STRAYS_WITHIN = 120.0
"""Seconds that all of them may take to be fetched."""
LONGEST_WAIT = 600.0
"""Seconds; a store that asks for a longer wait is asked again by the next run."""
MOST_UNSOUND = 3
"""So many different ones are kept of an image."""
MISSING = Cause("missing", "Adobe returned no image for this seed")
UNASKED = "an image that was not requested could not be downloaded"


class ImageFetcher:
    """Fetches, checks and stores the outputs of finished jobs, as many at once as `DownloadRoom` has places."""

    def __init__(
        self, ports: Ports, control: Control, record: Callable[[Fact], Awaitable[Fact]], room: DownloadRoom
    ) -> None:
        self._provider = ports.provider
        self._images = ports.store
        self._control = control
        self._record = record
        self._room = room

    async def keep(self, delivery: Delivery) -> None:
        """Store what was asked for, set aside what was not, fail what is missing.

        In this order: what was asked for waits for nothing else; and a job is asked for again only while it lacks an
        image, so what is missing is told once what it made instead is here, as much of it as is kept. Raises LetGo
        where an image could not be fetched now, StoreError or IntegrityError where it could not be stored: all the
        others of the job are stored before.
        """
        ours, extras = told_apart(delivery)
        missing = missing_of(delivery.attempt, ours)
        ends = [await self._store_one(delivery, output, each) for output, each in ours]
        unstored = [end for end in ends if isinstance(end, Trouble)]
        unexpected = await self._set_aside_some(delivery, extras)
        self._judge(delivery, [*ends, *(unexpected if missing else [])])
        for variation in missing:
            await self._miss(delivery.attempt, variation, unexpected)
        if not missing and not unstored:
            unexpected = [trouble for trouble in unexpected if not self._is_given_up(trouble)]
        if worst := sorted(unexpected + unstored, key=_severity):
            raise worst[0]

    def _judge(self, delivery: Delivery, ends: Sequence[Fact | Trouble]) -> None:
        """Say whether a job was worth its money: too many in a row that are not, and no more are bought."""
        attempt = delivery.attempt
        useless = [end for end in ends if isinstance(end, GivenUp) and end.is_useless]
        is_whole = len(attempt.job.variations) == len(delivery.seeds)  # nothing of it was settled before
        if any(end.is_blocked for end in useless) or (
            is_whole and all(isinstance(end, Failed) or end in useless for end in ends)
        ):
            self._control.useless(attempt.id, str(useless[0]) if useless else "")
        elif any(isinstance(end, Stored) for end in ends):
            self._control.useful()

    async def _miss(self, attempt: Attempt, variation: Variation, unexpected: Sequence[Trouble]) -> None:
        """What was not delivered fails, once everything is here that came instead."""
        if unexpected:
            await self._hold(attempt, variation, unexpected[0])
        else:
            await self._record(Failed(attempt, variation, MISSING))

    async def _hold(self, attempt: Attempt, variation: Variation, trouble: Trouble) -> None:
        """Note why an image stays at Adobe, where that is more than the haste of this run."""
        if isinstance(trouble, GivenUp):
            await self._record(Held(attempt, variation, Cause(trouble.code, str(trouble))))

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
        content = await self._images.open(name, lambda file: file.read())
        try:
            examined = await in_thread(examine, content)
        except ProviderError:
            return False
        if not has_its_size(attempt.job.recipe.version, attempt.job.size, examined.size):
            return False
        await self._record(Stored(attempt, variation, name, examined.sha256, len(content), examined.media_type))
        return True

    async def _store_one(self, delivery: Delivery, output: Output, variation: Variation) -> Fact | Trouble:
        """See one image through to its end; the answer may be what keeps it at Adobe for a later run."""
        attempt = delivery.attempt
        try:
            return await self._store(delivery, output, variation)
        except GenerationFailed as error:
            return await self._record(Failed(attempt, variation, Cause(error.code or "failed", str(error))))
        except (NoLongerFollowed, StoreError, IntegrityError) as trouble:
            await self._hold(attempt, variation, trouble)
            return trouble

    async def _store(self, delivery: Delivery, output: Output, variation: Variation) -> Fact:
        async with AsyncExitStack() as held:
            return await self._stored(delivery, variation, *await self._fetch(delivery, output, held), output)

    async def _stored(
        self, delivery: Delivery, variation: Variation, content: bytes, examined: Examined, output: Output
    ) -> Fact:
        """Put a whole picture under its name, or aside where it is of a wrong size, and record which."""
        attempt = delivery.attempt
        if not has_its_size(attempt.job.recipe.version, attempt.job.size, examined.size):
            reason = Cause("wrong_size", f"requested {attempt.job.size}, received {examined.size}")
            await self._put_aside(delivery, aside_name(delivery, output, examined), content, examined.sha256, reason)
            return await self._record(Failed(attempt, variation, reason))
        names = (f"{stem}.{examined.suffix}" for stem in (variation.stem, variation.short_stem))
        name = await self._put(content, examined.sha256, *names)
        warnings = delivery.finished.warnings
        return await self._record(
            Stored(attempt, variation, name, examined.sha256, len(content), examined.media_type, warnings)
        )

    async def _set_aside_some(self, delivery: Delivery, extras: list[Output]) -> list[Trouble]:
        """See the first few images no one asked for through to their end; what keeps any of them at Adobe.

        They have a bounded time, all together, and none is begun once the run is draining.
        """
        if (left := len(extras) - MOST_STRAYS) > 0:
            told = f"Adobe's answer has {len(extras):,} images that were not requested"
            self._control.observe(Warned(f"{told}; {left:,} of them are not downloaded"))
        until = asyncio.get_running_loop().time() + STRAYS_WITHIN
        some = extras[:MOST_STRAYS]
        return [trouble for output in some if (trouble := await self._set_one_aside(delivery, output, until))]

    async def _set_one_aside(self, delivery: Delivery, output: Output, until: float) -> Trouble | None:
        """See an image no one asked for through to its end; the answer is what keeps it at Adobe."""
        try:
            await self._set_aside(delivery, output, until)
        except GenerationFailed as error:
            self._control.observe(Warned(f"{UNASKED}: {error}"))
        except (NoLongerFollowed, StoreError, IntegrityError) as trouble:
            return trouble
        return None

    def _is_given_up(self, trouble: Trouble) -> bool:
        """Whether an image no one asked for is left at Adobe: its job has all of its own, and ends."""
        if isinstance(trouble, NoLongerFollowed):
            self._control.observe(Warned(f"{UNASKED}: {trouble}"))
        return isinstance(trouble, NoLongerFollowed)

    async def _set_aside(self, delivery: Delivery, output: Output, until: float) -> None:
        if self._control.stop.reached(Level.DRAINING):
            raise NoLongerFollowed("stopped", "the run was stopped")
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout_at(until):
                    content, examined = await self._fetch(delivery, output, held)
            except TimeoutError:
                raise NoLongerFollowed("not_downloaded", f"not downloaded within {STRAYS_WITHIN:.0f} s") from None
            said = "without a seed" if output.seed is None else f"for seed {output.seed}"
            reason = Cause("unexpected", f"an image {said} that was not requested, or came twice")
            await self._put_aside(delivery, aside_name(delivery, output, examined), content, examined.sha256, reason)

    async def _keep_unsound(self, delivery: Delivery, output: Output, content: bytes, error: ProviderError) -> None:
        """Keep what is not a whole picture even at the last try: a few different ones of an image."""
        sha256 = (await in_thread(hashlib.sha256, content)).hexdigest()
        name = f"{start_of(delivery, output)}{sha256[:8]}{UNSOUND}"
        known = unsound_files(delivery, output)
        if known & {name, short_name(name, sha256)} or len(known) < MOST_UNSOUND:
            reason = Cause(error.code or "damaged", f"{error}, even at the last attempt; it is kept as received")
            await self._put_aside(delivery, name, content, sha256, reason)

    async def _put_aside(self, delivery: Delivery, name: str, content: bytes, sha256: str, reason: Cause) -> None:
        """Keep bytes among what no one asked for; that is said once."""
        file = await self._put(content, sha256, name, short_name(name, sha256))
        if file not in delivery.aside:
            delivery.aside.add(file)
            await self._record(SetAside(delivery.attempt, file, sha256, len(content), reason))

    async def _put(self, content: bytes, sha256: str, name: str, short: str) -> str:
        """Store bytes under `name`, or under `short` where the disk does not take that; the answer is which."""

        def put(name: str) -> Awaitable[Put]:
            return self._images.put_new(name, content, sha256)

        name, what = await placed(put, name, short)
        if what is Put.DIFFERENT:
            raise IntegrityError(
                f"{name} already exists with different content and was left alone. "
                "Move it away and run again: the image is paid for and will be downloaded"
            )
        return name

    async def _fetch(self, delivery: Delivery, output: Output, held: AsyncExitStack) -> tuple[bytes, Examined]:
        """The bytes of one output, checked. Raises GivenUp once its tries are used up, LetGo where the run stops first.

        `held` keeps their place in memory until it is closed. It is gone only where no try at all, each but the last
        followed by a fresh link, said anything else.
        """
        failures: list[ProviderError] = []
        offered = output
        while True:
            content, answer = await self._once(offered, held)
            if isinstance(answer, Examined):
                return content, answer
            failures.append(answer)
            if (wait := self._pause(failures)) is None:
                if content and not repeats_link(content, offered):
                    await self._keep_unsound(delivery, output, content, answer)
                raise GivenUp(failures) from answer
            del content  # it may be large, and the wait long
            if not await self._control.stop.sleep(Level.DRAINING, wait):
                raise NoLongerFollowed(answer.code or "not_downloaded", str(answer)) from answer
            if len(failures) <= FRESH_URLS:
                offered = await self._renewed(delivery, output)

    async def _once(self, output: Output, held: AsyncExitStack) -> tuple[bytes, Examined | ProviderError]:
        """What came of an output, if anything did, and what it is or why it is none. Its place is `held` if it is one.

        An image that is too large for its place is asked for once more where any is taken.
        """
        content, for_any = b"", False
        while True:
            place = await held.enter_async_context(self._room.place(for_any=for_any))
            try:
                content = await self._provider.fetch(output, place.most_bytes)
                self._control.note_answer(None)
                self._room.learn(len(content))
                return content, await in_thread(examine, content)
            except ProviderError as error:
                await held.aclose()
                for_any = error.code == TOO_LARGE and not place.takes_any
                if not for_any and not isinstance(error, BlockedHost):  # no one was asked
                    self._control.note_answer(error)
                if not for_any:
                    return content, error

    def _pause(self, failures: list[ProviderError]) -> float | None:
        """Seconds before the next try, None after the last. An expired link wants a fresh one, not patience."""
        error = failures[-1]
        if isinstance(error, LinkExpired) and len(failures) <= FRESH_URLS:
            return 0.0
        wait = retry.fetch_again(error, len(failures), self._control.clock.random())
        return None if wait is None or wait > LONGEST_WAIT else wait

    async def _renewed(self, delivery: Delivery, output: Output) -> Output:
        """The same output under a fresh URL; the one at hand where the service no longer offers it.

        Of several that are said to be of one seed it is the one in the same place among them.
        """
        place = of_seed(delivery.finished, output).index(output)
        again = of_seed(await delivery.fresh(), output)
        return again[place] if place < len(again) else output


def _severity(trouble: Exception) -> int:
    """Ours to mend first, then what a later run may still fetch; last what the service says is gone."""
    return 1 + trouble.is_gone if isinstance(trouble, NoLongerFollowed) else 0
