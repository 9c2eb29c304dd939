"""The image store: a good URL is enough to get a picture, which is drawn when it is asked for.

No one is asked who they are here, as at S3. Drawing happens off the event loop.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from aiohttp import web

from campaign_runner.sandbox.doubts import Doubts
from campaign_runner.sandbox.fault_effects import (
    Sleep,
    compressed,
    send_half,
    send_huge,
    send_slowly,
    send_unfinished,
)
from campaign_runner.sandbox.faults import Fault
from campaign_runner.sandbox.images import Picture, render, render_bomb
from campaign_runner.sandbox.jobs import Job, Jobs, Output
from campaign_runner.sandbox.links import Links
from campaign_runner.sandbox.metadata import with_metadata
from campaign_runner.sandbox.ranges import part_of, said
from campaign_runner.sandbox.refusals import page, store_error
from campaign_runner.sandbox.settings import Settings


class Downloads:
    """The images of all jobs."""

    def __init__(self, settings: Settings, jobs: Jobs, *, links: Links, sleep: Sleep, doubts: Doubts) -> None:
        self._settings = settings
        self._jobs = jobs
        self._links = links
        self._sleep = sleep
        self._doubts = doubts

    async def answer(self, request: web.Request, faults: Sequence[Fault]) -> web.StreamResponse:
        """The image that the request's URL names; raises S3's refusals."""
        name = request.match_info["name"]
        self._links.check(name, request.query, request.headers)
        if request.method == "HEAD":
            signed = store_error(403, "SignatureDoesNotMatch", "The URL was signed for GET, not for HEAD.")
            self._doubts.raised("image: HEAD of a URL that is signed for GET, as S3 does", signed)
        job_uuid, _, index = name.rpartition("-")
        made = self._jobs.made(job_uuid, int(index))
        if made is None:
            raise store_error(404, "NoSuchKey", "The specified key does not exist.")
        job, output = made
        kinds = {fault.kind: fault for fault in (*output.faults, *faults)}
        media_type = self._settings.media_type or job.order.accept or "image/jpeg"
        if "not_an_image" in kinds:
            return page(200, "Not an image").response()
        if "bomb" in kinds:
            return web.Response(body=render_bomb(), content_type="image/png")
        if "huge" in kinds:
            return await send_huge(request, media_type)
        body = await self._draw(job, output, media_type=media_type, kinds=kinds.keys())
        if "metadata" in kinds:
            body = with_metadata(body, media_type)
        return await self._send(request, body, media_type, kinds=kinds)

    async def _send(
        self, request: web.Request, body: bytes, media_type: str, *, kinds: Mapping[str, Fault]
    ) -> web.StreamResponse:
        """`body` as the faults let it out."""
        if "cut" in kinds:
            return await send_half(request, body, media_type)
        if "unfinished" in kinds:
            return await send_unfinished(request, body, media_type)
        if "compressed" in kinds:
            return compressed(body, media_type)
        if "trickle" in kinds:
            seconds = kinds["trickle"].seconds
            return await send_slowly(request, body, media_type, pause=lambda: self._sleep(seconds))
        return _whole_or_part(request, body[: len(body) // 2] if "truncated" in kinds else body, media_type)

    async def _draw(self, job: Job, output: Output, *, media_type: str, kinds: Set[str]) -> bytes:
        picture = picture_of(job, output)
        if "wrong_size" in kinds:
            picture = replace(picture, size=(picture.size[0] // 2, picture.size[1] // 2))
        if "same_picture" in kinds:
            picture = replace(picture, prompt="the same", seed=0, key="0" * 64)
        picture = replace(picture, is_plain=self._settings.plain_pictures, is_drifted=self._settings.drift)
        return await asyncio.get_running_loop().run_in_executor(None, render, picture, media_type)


def _whole_or_part(request: web.Request, body: bytes, media_type: str) -> web.Response:
    """`body`, or the range of it that is asked for."""
    headers = {"Accept-Ranges": "bytes", "ETag": f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'}
    part = part_of(len(body), request.headers.get("Range"))
    if part is None:
        return web.Response(body=body, content_type=media_type, headers=headers)
    headers["Content-Range"] = said(part, len(body))
    return web.Response(body=body[part.start : part.stop], status=206, content_type=media_type, headers=headers)


def picture_of(job: Job, output: Output) -> Picture:
    """How the output looks: by the seed it was made from, whatever seed it is said to have."""
    body = job.order.body
    return Picture(
        prompt=job.order.prompt,
        size=job.order.size,
        seed=job.seeds[output.index],
        key=job.keys[output.index],
        version=job.order.version,
        styles=tuple(sorted(body.get("style", {}).get("presets", ()))),
        content_class=body.get("contentClass", ""),
        intensity=body.get("visualIntensity"),
    )
