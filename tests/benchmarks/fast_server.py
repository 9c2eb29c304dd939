"""A service that does next to nothing, in a process of its own: so what is measured is the client.

`python -m tests.benchmarks.fast_server BYTES SECONDS` prints its address and serves until its input ends. Every job is
done after so many seconds, and each of its images is the same picture of about so many bytes.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import count

from aiohttp import web
from PIL import Image

from tests.benchmarks.processes import ROOT

SIDE = 1024
_ROUNDS = 12


def picture(size: int) -> bytes:
    """A JPEG of SIDE × SIDE pixels and about `size` bytes: noise over a plain ground, as strong as it takes."""
    ground, noise = Image.new("RGB", (SIDE, SIDE), "#c9a66b"), Image.effect_noise((SIDE, SIDE), 90).convert("RGB")
    least, most, content = 0.0, 1.0, b""
    for _ in range(_ROUNDS):
        share, file = (least + most) / 2, BytesIO()
        Image.blend(ground, noise, share).save(file, "JPEG", quality=85)
        content = file.getvalue()
        least, most = (share, most) if len(content) < size else (least, share)
    return content


class Service:
    """Jobs by their number; what it has to say of one is the seeds it was asked for, and when."""

    def __init__(self, content: bytes, seconds: float) -> None:
        self._content = content
        self._seconds = seconds
        self._jobs: dict[str, tuple[float, list[int]]] = {}
        self._numbers = count(1)
        self._seen = {"submitted": 0, "fetched": 0, "first": 0.0, "last": 0.0}

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/ims/token/v3", self.token)
        app.router.add_post("/v3/images/generate-async", self.submit)
        app.router.add_get("/v3/status/{job}", self.status)
        app.router.add_get("/image/{name}", self.image)
        app.router.add_get("/seen", self.seen)
        return app

    async def token(self, request: web.Request) -> web.Response:
        return web.json_response({"access_token": "a-token-of-the-fast-server", "expires_in": 86399})

    async def submit(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        job = f"urn:job:{next(self._numbers)}"
        self._seen["last"] = time.monotonic()
        self._seen["first"] = self._seen["first"] or self._seen["last"]
        self._seen["submitted"] += 1
        self._jobs[job] = time.monotonic() + self._seconds, body.get("seeds", [1])
        url = f"http://{request.host}/v3/status/{job}"
        return web.json_response({"jobId": job, "statusUrl": url, "cancelUrl": url}, status=202)

    async def status(self, request: web.Request) -> web.Response:
        job = request.match_info["job"]
        ready, seeds = self._jobs[job]
        if time.monotonic() < ready:
            return web.json_response({"status": "running", "jobId": job})
        outputs = [{"seed": seed, "image": {"url": f"http://{request.host}/image/{job}-{seed}"}} for seed in seeds]
        result = {"size": {"width": SIDE, "height": SIDE}, "outputs": outputs}
        return web.json_response({"status": "succeeded", "jobId": job, "result": result})

    async def image(self, request: web.Request) -> web.Response:
        self._seen["fetched"] += 1
        return web.Response(body=self._content, content_type="image/jpeg")

    async def seen(self, request: web.Request) -> web.Response:
        """How many requests and downloads there were, and when the first and the last request (monotonic seconds)."""
        return web.json_response(self._seen)


async def serve(size: int, seconds: float) -> None:
    """Serve on a free port of loopback until nobody holds our input any more."""
    runner = web.AppRunner(Service(picture(size), seconds).app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


@contextmanager
def fast_server(size: int, seconds: float = 0.5) -> Iterator[str]:
    """Its address, for as long as the block lasts."""
    command = [sys.executable, "-m", "tests.benchmarks.fast_server", str(size), str(seconds)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
