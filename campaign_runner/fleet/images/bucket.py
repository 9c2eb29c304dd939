"""One bucket: objects by key, over obstore, and every failure in our words.

What may pass (no answer, 429, 5xx) is asked again for a minute; every call here may be repeated. No message holds
what the store or its library wrote but a status and a code: an address of theirs may bear a signature.
"""

from __future__ import annotations

import asyncio
import math
import random as randomness
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    InvalidPathError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import from_url

from campaign_runner.errors import CampaignError, IntegrityError, StoreError, StoreSilent, TooLarge, UsageError
from campaign_runner.tasks import Sleep, to_its_end

if TYPE_CHECKING:
    from obstore import ListStream, ObjectMeta, UpdateVersion
    from obstore.store import AzureStore, GCSStore, S3Store

T = TypeVar("T")
SCHEMES = ("s3", "az", "gs")
SILENCE = 60.0
"""Seconds of failures that may pass, after which the caller is told."""
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0  # seconds between two tries of one call
_PAGE = 1000  # objects an answer lists
_STATUS = re.compile(r"status code: (\d{3})\b")
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,64})</Code>")
_NO_BUCKET = ("<Code>NoSuchBucket</Code>", "<Code>ContainerNotFound</Code>")
_METADATA_HOST = "//169.254."  # where a cloud's machine is asked for credentials if the environment has none
_PASSING = {408, 429}


@dataclass(frozen=True, slots=True)
class BucketObject:
    """An object as it is now; `version` is what `replace` compares."""

    content: bytes
    version: UpdateVersion


class Bucket:
    """The objects below `url` (`s3://bucket/prefix`); keys are relative to it. Credentials: obstore's, from the
    environment or the machine's role.

    `allows_http`: the store may be reached without TLS. Methods raise StoreError where the store refuses, StoreSilent
    where it did not answer for a minute, IntegrityError.
    """

    def __init__(
        self,
        url: str,
        *,
        allows_http: bool = False,
        clock: Callable[[], float] = monotonic,
        sleep: Sleep = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self.url = url.rstrip("/")
        self._objects = _opened(self.url, allows_http=allows_http)
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._silent_since = math.inf

    @property
    def is_silent(self) -> bool:
        """Whether the last call had no usable answer: nothing should be bought that is to be put here."""
        return self._silent_since < math.inf

    async def look(self, key: str) -> bool:
        """Whether the store answers, asked once about `key`. Raises StoreSilent once it has not for a minute."""
        try:
            await self._ask_once(lambda: self._objects.head_async(key), FileNotFoundError, None)
        except StoreSilent:
            self._silent_since = min(self._silent_since, self._clock())
            if self._clock() - self._silent_since >= SILENCE:
                raise
        return not self.is_silent

    async def create(self, key: str, content: bytes, media_type: str) -> bool:
        """Put an object where none has this key, durably; False where one has.

        False may also be our own object: the answer to it was lost.
        """

        async def put() -> bool:
            await self._objects.put_async(
                key, content, mode="create", use_multipart=False, attributes={"Content-Type": media_type}
            )
            return True

        return await self._ask(put, AlreadyExistsError, False)

    async def replace(self, key: str, content: bytes, media_type: str, version: UpdateVersion) -> bool:
        """Put an object in the place of just this version; False where it is another by now, or gone."""

        async def put() -> bool:
            await self._objects.put_async(
                key, content, mode=version, use_multipart=False, attributes={"Content-Type": media_type}
            )
            return True

        return await self._ask(put, (PreconditionError, AlreadyExistsError, FileNotFoundError), False)

    async def read(self, key: str, most_bytes: int) -> BucketObject | None:
        """The object, None where there is none. Raises TooLarge, nothing read, for more than `most_bytes`."""

        async def get() -> BucketObject:
            found = await self._objects.get_async(key)
            if found.meta["size"] > most_bytes:
                raise TooLarge(f"{self.url}/{key} has {found.meta['size']:,} bytes; at most {most_bytes:,} are read")
            return BucketObject((await found.bytes_async()).to_bytes(), _version_of(found.meta))

        return await self._ask(get, FileNotFoundError, None)

    async def version(self, key: str) -> UpdateVersion | None:
        """Which version of an object has this key; None where none has."""

        async def head() -> UpdateVersion:
            return _version_of(await self._objects.head_async(key))

        return await self._ask(head, FileNotFoundError, None)

    async def has(self, key: str) -> bool:
        """Whether an object has this key."""
        return await self.version(key) is not None

    async def delete(self, key: str) -> None:
        """Take an object away, if it is there."""

        async def delete() -> None:
            await self._objects.delete_async(key)

        await self._ask(delete, FileNotFoundError, None)

    async def keys(self, prefix: str) -> AsyncGenerator[str, None]:
        """All keys that begin with `prefix`, which is empty or ends with `/`; consoles' marks for folders are not."""
        none: Sequence[ObjectMeta] = ()
        pages = _Pages(lambda last: self._objects.list(prefix.rstrip("/") or None, offset=last, chunk_size=_PAGE))
        while page := await self._ask(pages.following, FileNotFoundError, none):
            for each in page:
                is_mark = each["size"] == 0 and "." not in each["path"].rpartition("/")[2]
                if each["path"].startswith(prefix) and not is_mark:
                    yield each["path"]

    async def _ask(
        self, call: Callable[[], Awaitable[T]], answer: type[Exception] | tuple[type[Exception], ...], meaning: T
    ) -> T:
        """What `call` says, `meaning` where it raises `answer`. Asked again for a minute while no one answers."""
        tries, since = 0, math.inf
        while True:
            try:
                return await self._ask_once(call, answer, meaning)
            except StoreSilent:
                since = min(since, self._clock())
                self._silent_since = min(since, self._silent_since)
                if self._clock() - self._silent_since >= SILENCE:
                    raise
            await self._sleep(min(_LONGEST_WAIT, _FIRST_WAIT * 2**tries) * (0.5 + self._random() / 2))
            tries += 1

    async def _ask_once(
        self, call: Callable[[], Awaitable[T]], answer: type[Exception] | tuple[type[Exception], ...], meaning: T
    ) -> T:
        """A request under way is waited for, even by a caller who is cancelled: what is paid for is put to its end."""
        trouble: CampaignError | None = None
        try:
            found = await to_its_end(asyncio.ensure_future(call()))
        except (BaseError, FileNotFoundError, ValueError, NotImplementedError) as error:
            found = meaning
            if _lacks_bucket(error) or not isinstance(error, answer):
                trouble = self._translated(error)
        if not isinstance(trouble, StoreSilent):
            self._silent_since = math.inf
        if trouble is not None:
            raise trouble  # outside the handler: what the library wrote is not kept beside it
        return found

    def _translated(self, error: Exception) -> CampaignError:
        text = str(error)
        status, code = (int(found[1]) if (found := _STATUS.search(text)) else 0), _CODE.search(text)
        reason = " ".join(filter(None, (str(status or ""), code[1] if code else ""))) or "no reason given"
        if isinstance(error, InvalidPathError):
            return IntegrityError(f"{self.url} has an object whose name has an empty part or dots; move it away")
        if _lacks_bucket(error):
            return StoreError(f"{self.url}: there is no such bucket; make it, or correct CAMPAIGN_RUNNER_STORE")
        if code and code[1] == "RequestTimeTooSkewed":
            return StoreError(f"{self.url}: the image store refused the time of this machine; correct its clock")
        if isinstance(error, PermissionDeniedError | UnauthenticatedError) or status in (401, 403):
            return StoreError(f"{self.url}: the image store refused ({reason}); check the credentials and their rights")
        is_redirect = "eceived redirect" in text
        if (
            is_redirect
            or isinstance(error, ValueError | NotImplementedError)
            or (300 <= status < 500 and status not in _PASSING)
        ):
            return StoreError(
                f"{self.url}: the image store refused ({reason}); check CAMPAIGN_RUNNER_STORE, region and endpoint"
            )
        if "builder error" in text:
            return StoreError(f"{self.url}: its endpoint is reached without TLS; use https, or set AWS_ALLOW_HTTP=true")
        if _METADATA_HOST in text:
            return StoreSilent(f"{self.url}: no credentials for the image store, neither in the environment nor here")
        said = f"answers {reason}" if status else "does not answer"
        return StoreSilent(f"{self.url}: the image store {said}; what is paid for stays at Adobe. Run again later")


class _Pages:
    """A listing page by page; a page that failed is asked for again, after the last one that came."""

    def __init__(self, listed: Callable[[str | None], ListStream[Sequence[ObjectMeta]]]) -> None:
        self._listed = listed
        self._stream: ListStream[Sequence[ObjectMeta]] | None = None
        self._last: str | None = None

    async def following(self) -> Sequence[ObjectMeta]:
        """The next page; empty at the end."""
        stream, self._stream = self._stream or self._listed(self._last), None
        async for page in stream:
            self._stream, self._last = stream, page[-1]["path"]
            return page
        return ()


def _opened(url: str, *, allows_http: bool) -> S3Store | AzureStore | GCSStore:
    """Raises UsageError, which does not repeat an address that may hold a secret."""
    try:
        parts = urlsplit(url)
        has_secrets = bool(parts.query or parts.fragment or "@" in parts.netloc)
    except ValueError:
        has_secrets = True
    if has_secrets:
        raise UsageError(
            "CAMPAIGN_RUNNER_STORE has more than a bucket and a prefix (s3://bucket/prefix); "
            "credentials belong in the environment"
        )
    if parts.scheme not in SCHEMES:
        raise _no_store(url)
    try:
        return from_url(  # type: ignore[return-value]  # SCHEMES
            url,
            client_options={
                "allow_http": allows_http,
                "timeout": timedelta(seconds=SILENCE),
                "connect_timeout": timedelta(seconds=5),
            },
            retry_config={"max_retries": 0},  # tried again above, where it is seen
        )
    except (BaseError, ValueError) as error:
        if "Account must be specified" in str(error):
            raise UsageError(f"{url}: set AZURE_STORAGE_ACCOUNT_NAME to the storage account") from None
        raise _no_store(url) from None


def _no_store(url: str) -> UsageError:
    return UsageError(
        f"CAMPAIGN_RUNNER_STORE={url} is not an image store: use s3://bucket/prefix, az://container/prefix, "
        "gs://bucket/prefix or the path of a folder, and check the variables of its credentials"
    )


def _version_of(meta: ObjectMeta) -> UpdateVersion:
    version: UpdateVersion = {}
    if meta["e_tag"] is not None:
        version["e_tag"] = meta["e_tag"]
    if meta["version"] is not None:
        version["version"] = meta["version"]
    return version


def _lacks_bucket(error: Exception) -> bool:
    return any(mark in str(error) for mark in _NO_BUCKET)
