"""Clients of the fast server, each run in a process of its own: ours, and those it is compared with.

`python -m tests.benchmarks.clients NAME ADDRESS JOBS SEEDS` prints one line of JSON: seconds of processors and on the
clock from its start to its end, without what it imports before; bytes of memory at most, images, and how late its loop
was at most in 99 of 100 looks.

- `ours` is a run as the command makes it, from its lock to its report: journal, allowance, synced files. `ours-header`
  is the same with a look at the first bytes in the place of the whole picture check; `ours-kept` is that without the
  contact sheet, which is drawn after the report and decodes each image once.
- `bare` is the floor: submit, poll, fetch, a look at the first bytes; nothing is kept.
- `tutorial` is one job after another; `curl` is `curl --parallel` over the same images, once they are ready.
- `usual` is what people write: a semaphore, a task a planned job, sleep(5) between polls, aiofiles; nothing is synced.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiofiles
import aiohttp

from campaign_runner.cli import collect_seldom
from campaign_runner.errors import Damaged
from campaign_runner.model import Size
from campaign_runner.plan.cost import RateLimit
from campaign_runner.ports import Examined
from campaign_runner.run import fetcher
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.settings import Settings
from campaign_runner.session import result
from tests.benchmarks.fast_server import SIDE
from tests.benchmarks.processes import peak, waited
from tests.night import Night

AT_ONCE = 64
EVERYTHING = RateLimit(per_minute=999_999, per_day=999_999)
_JPEG = b"\xff\xd8\xff"
Client = Callable[[str, int, int, Path], Awaitable[None]]


async def ours(address: str, jobs: int, seeds: int, home: Path) -> None:
    collect_seldom()  # as the command does, once it is loaded
    loop = asyncio.get_running_loop()
    night = Night(home, Sandbox(Settings()), loop.time, origin=address)
    campaign = night.campaign(requests=jobs, seeds=seeds)
    ended = await night.run(campaign, rate=EVERYTHING, limits=Limits(concurrency=AT_ONCE))
    assert ended.code == 0, ended.lines


async def ours_header(address: str, jobs: int, seeds: int, home: Path) -> None:
    fetcher.examine = header_alone  # type: ignore[attr-defined]
    await ours(address, jobs, seeds, home)


async def ours_kept(address: str, jobs: int, seeds: int, home: Path) -> None:
    result.keep_sheets = _no_sheets  # type: ignore[attr-defined, assignment]
    await ours_header(address, jobs, seeds, home)


async def _no_sheets(*_: object) -> None:
    """Draws nothing."""


def header_alone(content: bytes) -> Examined:
    if not content.startswith(_JPEG):
        raise Damaged("no JPEG", code="no_picture")
    return Examined("image/jpeg", Size(SIDE, SIDE), hashlib.sha256(content).hexdigest())


async def bare(address: str, jobs: int, seeds: int, home: Path) -> None:
    numbers = iter(range(jobs))
    async with aiohttp.ClientSession() as http:

        async def work() -> None:
            for number in numbers:
                for url in await _made(http, address, number, seeds, 0.6):
                    async with http.get(url) as answer:
                        assert (await answer.read()).startswith(_JPEG)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def usual(address: str, jobs: int, seeds: int, home: Path) -> None:
    semaphore = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession() as http:

        async def one(number: int) -> None:
            async with semaphore:
                urls = await _made(http, address, number, seeds, 5.0)
                for place, url in enumerate(urls):
                    async with (
                        http.get(url) as answer,
                        aiofiles.open(home / f"{number}-{place}.jpg", "wb") as file,
                    ):
                        async for chunk in answer.content.iter_chunked(64 << 10):
                            await file.write(chunk)

        await asyncio.gather(*(one(number) for number in range(jobs)))


async def _made(http: aiohttp.ClientSession, address: str, number: int, seeds: int, every: float) -> list[str]:
    """Submit and poll every so many seconds; the URLs of the images."""
    body = {"prompt": f"mug {number} on a table", "numVariations": seeds, "seeds": list(range(1, seeds + 1))}
    headers = {"Authorization": "Bearer token", "x-api-key": "client"}
    async with http.post(f"{address}/v3/images/generate-async", json=body, headers=headers) as answer:
        status_url = (await answer.json())["statusUrl"]
    while True:
        await asyncio.sleep(every)
        async with http.get(status_url, headers=headers) as answer:
            status: dict[str, Any] = await answer.json()
        if status["status"] == "succeeded":
            return [output["image"]["url"] for output in status["result"]["outputs"]]


async def tutorial(address: str, jobs: int, seeds: int, home: Path) -> None:
    """One job after another, as a tutorial shows it: submit, poll each second, download, write."""
    async with aiohttp.ClientSession() as http:
        for number in range(jobs):
            for place, url in enumerate(await _made(http, address, number, seeds, 1.0)):
                async with http.get(url) as answer:
                    (home / f"{number}-{place}.jpg").write_bytes(await answer.read())


async def curl(address: str, jobs: int, seeds: int, home: Path) -> None:
    """Downloads alone, of images that are ready."""
    urls = [f"{address}/image/{number}-{seed}" for number in range(jobs) for seed in range(seeds)]
    listed = "".join(f'url = "{url}"\noutput = "{number}.jpg"\n' for number, url in enumerate(urls))
    (home / "urls").write_text(listed, encoding="ascii")
    command = ("curl", "--parallel", "--parallel-max", str(AT_ONCE), "--silent", "--fail", "--config", "urls")
    process = await asyncio.create_subprocess_exec(*command, cwd=home, stderr=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 0


CLIENTS: dict[str, Client] = {
    "tutorial": tutorial,
    "curl": curl,
    "ours": ours,
    "ours-header": ours_header,
    "ours-kept": ours_kept,
    "bare": bare,
    "usual": usual,
}


async def watched(client: Client, address: str, jobs: int, seeds: int) -> dict[str, float]:
    """What a client took, in a folder of its own that is empty."""
    with TemporaryDirectory(prefix="benchmark-") as folder:
        return await figures_of(lambda: client(address, jobs, seeds, Path(folder))) | {"images": jobs * seeds}


async def figures_of(work: Callable[[], Awaitable[None]]) -> dict[str, float]:
    """What `work` takes: seconds of processors and on the clock, bytes of memory at most, and how late its loop is.

    `own_stall_99` is how late it is without what it waited for a processor that others had.
    """
    stalls: list[float] = []
    own_stalls: list[float] = []

    async def watch() -> None:
        while True:
            began, before = time.perf_counter(), waited()
            await asyncio.sleep(0.005)
            stalls.append(time.perf_counter() - began - 0.005)
            own_stalls.append(stalls[-1] - (waited() - before))

    watching = asyncio.create_task(watch())
    began, cpu = time.perf_counter(), time.process_time()
    await work()
    spent = {"cpu": time.process_time() - cpu, "clock": time.perf_counter() - began}
    watching.cancel()
    return {**spent, "memory": peak(), "stall_99": _late(stalls), "own_stall_99": _late(own_stalls)}


def _late(looks: list[float]) -> float:
    """Of 99 in 100 looks the latest."""
    return sorted(looks)[len(looks) * 99 // 100]


if __name__ == "__main__":
    _, name, place, jobs, seeds = sys.argv
    sys.stdout.write(json.dumps(asyncio.run(watched(CLIENTS[name], place, int(jobs), int(seeds)))))
