"""The download stage alone: pictures that are ready at the service, until they are files with their SHA-256.

`ours` is a run of which an earlier one left every job accepted: it asks for each once, fetches, checks, syncs, records
and writes the manifest. Beside it img2dataset, told to change nothing and to hash; and the floor, which reads, hashes
and writes. `python -m tests.benchmarks.downloads NAME HOME ADDRESS IMAGES` is one of the clients.

img2dataset is installed where it is not yet, into a folder of its own outside the tree. It may talk to 127.0.0.0/8
alone: the guard of the tests refuses whatever else it tries.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import aiohttp
import click

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.events import Accepted, Attempt
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.model import Job, Ticket
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.run import fetcher
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.settings import Settings
from campaign_runner.session import result
from tests.benchmarks import clients
from tests.benchmarks.fast_server import fast_server
from tests.benchmarks.processes import ROOT, spent
from tests.benchmarks.rows import Rounds, Row
from tests.guard import guarding
from tests.night import Night

IMAGES, FEW, SEEDS = 1_200, 40, 4
MIDDLE, LARGE = 300_000, 1_000_000
OPPONENT = "img2dataset==1.47.0"
PLACE = Path(gettempdir()) / "benchmarks-img2dataset"
_LOOKS = 0.1
"""Seconds between two looks at the memory of processes."""
Figures = dict[str, float]


def downloads(rounds: int) -> Iterator[Row]:
    """Images of 300 KB ÷ img2dataset, and of 1 MB ÷ the floor of reading, hashing and writing."""
    yield from _beside_floor(rounds)
    try:
        python = installed()
    except subprocess.CalledProcessError as error:
        click.echo(f"{OPPONENT} could not be installed: {str(error.output).strip().rpartition('ERROR: ')[2]}")
        return
    yield from _beside_img2dataset(rounds, python)


def _beside_floor(rounds: int) -> Iterator[Row]:
    taken = Rounds(rounds)
    with fast_server(LARGE, 0.0) as address:
        for _ in taken:
            floor = _client("floor", address)
            for name in ("ours-header", "ours-whole"):
                taken.note(name, _client(name, address)["cpu"] / floor["cpu"])
            taken.note("ms", floor["cpu"] / IMAGES * 1000)
    note = f"floor: {taken.taken['ms'][-1]:.2f} ms an image"
    about = "processor time of a 1 MB image ÷ (read + sha256 + write)"
    yield Row("downloads", f"{about}: header check", taken.taken["ours-header"], 3, note=note)
    yield Row("downloads", f"{about}: whole check", taken.taken["ours-whole"])


def _beside_img2dataset(rounds: int, python: Path) -> Iterator[Row]:
    taken, told = Rounds(rounds), ""
    with fast_server(MIDDLE, 0.0) as address:
        for _ in taken:
            few, many = (_img2dataset(python, address, images) for images in (FEW, IMAGES))
            theirs = {"cpu": (many["cpu"] - few["cpu"]) / (IMAGES - FEW), "clock": many["busy"] / IMAGES}
            told = f"img2dataset: {1 / theirs['clock']:.0f} a second, {theirs['cpu'] * 1000:.2f} ms of processor each, "
            told += f"{many['memory'] / 1e6:.0f} MB; its start ({few['clock']:.1f} s) is not counted"
            taken.note("floor", _client("floor", address)["cpu"] / IMAGES / theirs["cpu"])
            for check in ("whole", "header"):
                ours = _client(f"ours-{check}", address)
                taken.note(f"{check} speed", theirs["clock"] * IMAGES / ours["clock"])
                taken.note(f"{check} cpu", ours["cpu"] / IMAGES / theirs["cpu"])
                taken.note(f"{check} memory", ours["memory"] / many["memory"])
    about = "300 KB images from the service to files ÷ img2dataset"
    yield Row("downloads", f"{about}, whole check: a second", taken.taken["whole speed"], 1, "≥", note=told)
    yield Row("downloads", f"{about}, whole check: processor time", taken.taken["whole cpu"])
    yield Row("downloads", f"{about}, header check: a second", taken.taken["header speed"], 2, "≥")
    yield Row("downloads", f"{about}, header check: processor time", taken.taken["header cpu"], 0.5)
    yield Row("downloads", f"{about}: processor time of the floor", taken.taken["floor"])
    yield Row("downloads", f"{about}: memory", taken.taken["whole memory"], 0.35)


def installed() -> Path:
    """The Python that has img2dataset. Raises CalledProcessError where it cannot be had."""
    python, mark = PLACE / "bin" / "python", PLACE / OPPONENT
    if not mark.exists():
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(PLACE)],
            [str(python), "-m", "pip", "install", "--quiet", "--only-binary", ":all:", OPPONENT],
        ):
            subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        mark.touch()
    return python


def _img2dataset(python: Path, address: str, images: int) -> Figures:
    """What it takes for so many images, from its start to its end, all of its processes together.

    `busy` is by its own words: seconds from the first image to the last, without its start.
    """
    with TemporaryDirectory(prefix="benchmark-") as folder:
        home, cores = Path(folder), os.cpu_count() or 1
        urls, refused = home / "urls.txt", home / "refused"
        urls.write_text("".join(f"{address}/image/{number}\n" for number in range(images)), encoding="ascii")
        choices = {
            "url_list": urls,
            "output_folder": home / "images",
            "resize_mode": "no",
            "disable_all_reencoding": True,
            "compute_hash": "sha256",
            "output_format": "files",
            "processes_count": cores,
            "thread_count": clients.AT_ONCE,
            "number_sample_per_shard": -(-images // (2 * cores)),
        }
        command = [str(python), str(python.with_name("img2dataset"))]
        command += [f"--{name}={value}" for name, value in choices.items()]
        found = _watched(command, home, {guarding.RECORD: str(refused), guarding.PERSONS: str(home / "none")})
        files = sum(1 for _ in (home / "images").rglob("*.jpg"))
        assert files == images, f"img2dataset wrote {files} of {images} images"
        assert not refused.exists(), refused.read_text(encoding="utf-8")
        shards = [json.loads(each.read_bytes()) for each in (home / "images").glob("*_stats.json")]
        busy = max(each["end_time"] for each in shards) - min(each["start_time"] for each in shards)
        return found | {"busy": busy}


def _watched(command: list[str], home: Path, variables: dict[str, str]) -> Figures:
    """What a program took that knows nothing of this machine but `home`, and may only talk to loopback."""
    quiet = {"NO_ALBUMENTATIONS_UPDATE": "1", "WANDB_MODE": "disabled", "OTEL_SDK_DISABLED": "true"}
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT / "tests" / "guard")}
    most, before, began = [0], os.times(), time.perf_counter()
    with subprocess.Popen(
        command, cwd=home, env=environment | quiet | variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        watching = threading.Thread(target=_watch, args=(process, most))
        watching.start()
        code = process.wait()
        watching.join()
    after = os.times()
    assert code == 0, command
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"cpu": cpu, "clock": time.perf_counter() - began, "memory": most[0]}


def _watch(process: subprocess.Popen[bytes], most: list[int]) -> None:
    """Note the most bytes that a process and its children have together, what they share counted once."""
    while process.poll() is None:
        most[0] = max(most[0], sum(map(_bytes_of, _family(process.pid))))
        time.sleep(_LOOKS)


def _family(process: int) -> Iterator[int]:
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found = children.read_text(encoding="ascii").split()
        except OSError:  # gone meanwhile
            continue
        for child in found:
            yield from _family(int(child))


def _bytes_of(process: int) -> int:
    try:
        told = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(told.partition("\nPss:")[2].split()[0]) << 10


def _client(name: str, address: str) -> Figures:
    """What one of the clients of this module took, without its start and what was made ready for it."""
    with TemporaryDirectory(prefix="benchmark-") as home:
        run = ["-W", "ignore", "-m", "tests.benchmarks.downloads"]
        arguments = [home, address, str(IMAGES)]
        if name != "floor":
            spent([*run, "ready", *arguments])
        figures: Figures = json.loads(spent([*run, name, *arguments]).output)
        return figures


async def floor(home: Path, address: str, images: int) -> None:
    """Read, hash and write, as many at once as ours."""
    numbers = iter(range(images))
    async with aiohttp.ClientSession() as http:

        async def work() -> None:
            for number in numbers:
                async with http.get(f"{address}/image/{number}") as answer:
                    content = await answer.read()
                hashlib.sha256(content).hexdigest()
                (home / f"{number}.jpg").write_bytes(content)

        await asyncio.gather(*(work() for _ in range(clients.AT_ONCE)))


async def ready(home: Path, address: str, images: int) -> None:
    """Have the service make the images, and record them as accepted."""
    campaign, folder = _campaign(home, address, images)
    folder.images.mkdir(parents=True)
    jobs = list(PlanStatus(Plan(campaign)).jobs())
    async with aiohttp.ClientSession() as http, SqliteJournal(folder.path) as journal:
        await journal.note({"campaign": "night", "origin": address, "file": folder.relative(campaign.path)})
        attempts = [Attempt(job.keys[0][:32], job) for job in jobs]
        await journal.intend(attempts)
        await journal.record([Accepted(attempt, await _ticket(http, address, attempt.job)) for attempt in attempts])


async def _ticket(http: aiohttp.ClientSession, address: str, job: Job) -> Ticket:
    async with http.post(f"{address}/v3/images/generate-async", json={"seeds": job.seeds}) as answer:
        told: dict[str, Any] = await answer.json()
    return Ticket(told["jobId"], told["statusUrl"], told["cancelUrl"])


async def ours(home: Path, address: str, images: int) -> None:
    """A run that finds everything accepted, from its lock to its report; no contact sheet."""
    result.keep_sheets = clients._no_sheets  # type: ignore[attr-defined, assignment]
    night = _night(home, address)
    campaign, _ = _campaign(home, address, images)
    ended = await night.run(campaign, rate=clients.EVERYTHING, limits=Limits(concurrency=clients.AT_ONCE))
    assert ended.code == 0 and ended.states["stored"] == images, ended.lines


async def ours_header(home: Path, address: str, images: int) -> None:
    """The same with a look at the first bytes in the place of the whole check."""
    fetcher.examine = clients.header_alone  # type: ignore[attr-defined]
    await ours(home, address, images)


def _night(home: Path, address: str) -> Night:
    return Night(home, Sandbox(Settings()), asyncio.get_running_loop().time, origin=address)


def _campaign(home: Path, address: str, images: int) -> tuple[Campaign, Folder]:
    night = _night(home, address)
    return night.campaign(requests=images // SEEDS, seeds=SEEDS), night.folder


CLIENTS: dict[str, Callable[[Path, str, int], Awaitable[None]]] = {
    "ready": ready,
    "floor": floor,
    "ours-whole": ours,
    "ours-header": ours_header,
}


if __name__ == "__main__":
    _, client, place, service, number = sys.argv
    work = partial(CLIENTS[client], Path(place), service, int(number))
    sys.stdout.write(json.dumps(asyncio.run(clients.figures_of(work))))
