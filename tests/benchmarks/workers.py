"""Three workers beside one machine: how fast their requests leave and what a job costs; what twenty campaigns take.

`python -m tests.benchmarks.workers WORDS…` is the program, whose allowance is of `WINDOW` seconds in the place of a
minute; its look at a picture is one at the first bytes, unless the environment says `WHOLE_CHECK`. A client is measured
from the first request that the service had until it has given out the last image: what is done before and afterwards
is in no figure.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import ProxyHandler, build_opener

from campaign_runner.__main__ import main
from campaign_runner.fleet import place
from campaign_runner.quota.shared_quota import QuotaLimits
from campaign_runner.run import fetcher
from campaign_runner.session import road
from tests.benchmarks import clients
from tests.benchmarks.fast_server import fast_server
from tests.benchmarks.jobs import SMALL
from tests.benchmarks.processes import COMPILED, ROOT
from tests.benchmarks.rows import Rounds, Row
from tests.fleet import postgres

WINDOW, A_SECOND = 4.0, 20
"""Seconds of the allowance's window, and requests a second that it allows."""
WORKERS, CAMPAIGNS, JOBS = 3, 3, 100
"""Jobs are those of one campaign, of one image each."""
MANY, OF_MANY, LARGE = 20, 40, 2_000_000
"""Campaigns of one worker, jobs of each, bytes of an image."""
WHOLE_CHECK = "BENCHMARK_WHOLE_CHECK"
_NO_PROXY = build_opener(ProxyHandler({}))
_TICKS = os.sysconf("SC_CLK_TCK")
_FAST = 999_999


def workers(rounds: int) -> Iterator[Row]:
    """Goodput and processor time of a job beside one machine's; memory of a worker with many campaigns."""
    taken = Rounds(rounds)
    with postgres.running() as server:
        for _ in taken:
            alone, fleet = _alone(), _on_workers(server)
            taken.note("speed", fleet["speed"] / alone["speed"])
            taken.note("more", fleet["cpu"] - alone["cpu"])
            for name, of in (("alone", alone), ("fleet", fleet)):
                taken.note(f"speed {name}", of["speed"])
                taken.note(f"cpu {name}", of["cpu"])
            taken.note("memory", _of_many(server)["memory"] / (1 << 20))
    found = taken.taken
    speeds = " and ".join(f"{found[f'speed {name}'][-1]:.1f}" for name in ("fleet", "alone"))
    costs = " and ".join(f"{found[f'cpu {name}'][-1]:.2f}" for name in ("fleet", "alone"))
    what = f"requests a second of {WORKERS} workers ÷ one machine's, {A_SECOND} allowed"
    yield Row("workers", what, found["speed"], 0.9, "≥", note=f"{speeds} a second")
    yield Row("workers", "a worker's job, ms of processor time more", found["more"], 2, note=f"{costs} ms a job")
    yield Row("workers", f"memory of a worker with {MANY} campaigns, MiB", found["memory"], 256)


def _alone() -> dict[str, float]:
    """The campaigns of one command, on one machine."""
    with fast_server(SMALL) as address, _machine(address) as (home, variables):
        files = _campaigns(home, CAMPAIGNS, JOBS)
        with _program(home, variables, "run", *files, "--yes", "--quiet", "--no-review") as running:
            return _Watch(address, [running]).measured(CAMPAIGNS * JOBS)


def _on_workers(server: postgres.PostgresServer) -> dict[str, float]:
    with fast_server(SMALL) as address, _fleet(server, address) as (home, variables):
        files = _campaigns(home, CAMPAIGNS, JOBS)
        return _worked(home, variables, address, files, WORKERS, CAMPAIGNS * JOBS)


def _of_many(server: postgres.PostgresServer) -> dict[str, float]:
    """One worker, whose campaigns have as many images under way at once as they may, each looked at whole."""
    more = {WHOLE_CHECK: "1", "CAMPAIGN_RUNNER_PER_MINUTE": str(_FAST)}
    with fast_server(LARGE) as address, _fleet(server, address) as (home, variables):
        files = _campaigns(home, MANY, OF_MANY)
        return _worked(home, variables | more, address, files, 1, MANY * OF_MANY)


def _worked(
    home: Path, variables: Mapping[str, str], address: str, files: list[str], number: int, jobs: int
) -> dict[str, float]:
    """So many workers, to which the campaigns are handed over."""
    with ExitStack() as stack:
        started = []
        for each in range(number):
            own = {**variables, "CAMPAIGN_RUNNER_STATE_DIR": str(home / f"state-{each}")}
            started.append(stack.enter_context(_program(home, own, "worker", said=home / f"said-{each}")))
        while not all((home / f"said-{each}").read_text(encoding="utf-8") for each in range(number)):
            time.sleep(0.05)
        with _program(home, variables, "run", *files, "--on", "fleet", "--detach", "--yes", "--quiet") as driver:
            assert driver.wait() == 0
        return _Watch(address, started).measured(jobs)


class _Watch:
    """The processes that make the campaigns, and what the service at `address` has seen of them."""

    def __init__(self, address: str, processes: list[subprocess.Popen[str]]) -> None:
        self._address = address
        self._processes = [process.pid for process in processes]
        self._cpu: dict[int, float] = {}
        self._memory: dict[int, float] = {}

    def measured(self, jobs: int) -> dict[str, float]:
        """Requests a second, milliseconds of processors a job, and bytes of memory of one process at most."""
        self._wait_for("submitted", 1)
        before = sum(self._cpu.values())
        seen = self._wait_for("fetched", jobs)
        speed = (jobs - 1) / (seen["last"] - seen["first"])
        return {
            "speed": speed,
            "cpu": 1000 * (sum(self._cpu.values()) - before) / jobs,
            "memory": max(self._memory.values()),
        }

    def _wait_for(self, what: str, number: int) -> dict[str, float]:
        while True:
            with _NO_PROXY.open(f"{self._address}/seen") as answer:
                seen: dict[str, float] = json.load(answer)
            self._look()
            if seen[what] >= number:
                return seen
            time.sleep(0.05)

    def _look(self) -> None:
        for process in self._processes:
            place = Path(f"/proc/{process}")
            fields = (place / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
            if fields[0] == "Z":
                continue
            self._cpu[process] = (int(fields[11]) + int(fields[12])) / _TICKS
            lines = (place / "status").read_text(encoding="ascii").splitlines()
            most = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
            self._memory[process] = 1024 * float(most[0]) if most else self._memory[process]


@contextmanager
def _machine(address: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder and the environment of a machine whose service is at `address`."""
    with TemporaryDirectory(prefix="benchmark-") as folder:
        home = Path(folder)
        variables = {"CAMPAIGN_RUNNER_FIREFLY_URL": address, "CAMPAIGN_RUNNER_IMS_URL": address}
        variables |= {"CUSTOM_MODELS_CLIENT_ID": "benchmark", "CUSTOM_MODELS_CLIENT_SECRET": "benchmark"}
        variables |= {"CAMPAIGN_RUNNER_STATE_DIR": str(home / "state")}
        variables |= {"CAMPAIGN_RUNNER_PER_MINUTE": str(int(A_SECOND * WINDOW)), "CAMPAIGN_RUNNER_PER_DAY": str(_FAST)}
        yield home, variables


@contextmanager
def _fleet(server: postgres.PostgresServer, address: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """The same with a database of its own and a folder for the images."""
    with _machine(address) as (home, variables):
        variables |= {"CAMPAIGN_RUNNER_DATABASE_URL": server.url(server.new_database())}
        variables |= {"CAMPAIGN_RUNNER_STORE": str(home / "images")}
        allowed = ("--per-minute", str(_FAST), "--per-day", str(_FAST))
        with _program(home, variables, "fleet", "init", *allowed) as init:
            assert init.wait() == 0
        yield home, variables


def _campaigns(home: Path, number: int, jobs: int) -> list[str]:
    """Campaign files that have nothing in common."""
    for each in range(number):
        products = "".join(f"  p{product:03}: mug {each} {product}\n" for product in range(jobs))
        head = f"campaign: night-{each}\nmodel: image3\nconcurrency: 64\nproducts:\n{products}prompts:\n"
        text = f'{head}  hero: "{{product.name}} on a table"\nsizes: [1024x1024]\nseeds: [1]\n'
        (home / f"night-{each}.yaml").write_text(text, encoding="utf-8")
    return [f"night-{each}.yaml" for each in range(number)]


@contextmanager
def _program(
    home: Path, variables: Mapping[str, str], *words: str, said: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """The program in a process of its own, which is told to end with the block, or has ended by then."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **COMPILED, **variables}
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.workers", *words]
    with (
        (said or Path(os.devnull)).open("w", encoding="utf-8") as out,
        subprocess.Popen(command, cwd=home, env=environment, stdout=out, text=True) as process,
    ):
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)


def _program_as_measured() -> None:
    limits = partial(QuotaLimits, minute=WINDOW)
    road.QuotaLimits = place.QuotaLimits = limits  # type: ignore[attr-defined, assignment]
    if WHOLE_CHECK not in os.environ:
        fetcher.examine = clients.header_alone  # type: ignore[attr-defined]
    main()


if __name__ == "__main__":
    _program_as_measured()
