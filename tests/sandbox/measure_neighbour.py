"""How much longer a run of 100 jobs takes while somebody else asks the same sandbox twice a second.

    python -m tests.sandbox.measure_neighbour [ROUNDS] [JOBS]

Each round has two runs at the same time, so that both find the machine as busy: one alone at its sandbox, one whose
sandbox has the outside client, too. That one goes on through token, list, generation, status and image, one request
each half second. Runs and sandboxes are processes of their own. At most 5 % more is promised, over all rounds.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.processes.machines import Machine

EVERY = 0.5
"""Seconds between two requests of the outside client."""
MOST = 1.05
SWITCHES = ("--port=0", "--per-minute=600", "--plain-pictures")


def main(rounds: int = 3, jobs: int = 100) -> None:
    alone, beside = 0.0, 0.0
    for number in range(1, rounds + 1):
        with ThreadPoolExecutor() as pool:
            (first, _), (second, asked) = pool.map(lambda is_alone: _run(jobs, is_alone=is_alone), (True, False))
        alone, beside = alone + first, beside + second
        _say(f"round {number}   alone {first:.2f} s   beside {asked} requests {second:.2f} s   {second / first:.3f}")
    ratio = beside / alone
    _say(f"{jobs} jobs, {rounds} rounds: {ratio:.3f} times as long   {'ok' if ratio <= MOST else 'too long'}")
    raise SystemExit(ratio > MOST)


def _run(jobs: int, *, is_alone: bool) -> tuple[float, int]:
    """Seconds of one run of so many jobs, and how many requests the outside client made meanwhile."""
    with TemporaryDirectory() as home, _sandbox() as origin:
        machine = Machine.beside(origin, Path(home))
        products = "".join(f"  p{number}: mug {number}\n" for number in range(jobs))
        file = machine.campaign("spring", f"campaign: spring\nmodel: image3\nproducts:\n{products}" + REST)
        neighbour = Neighbour(origin)
        with nullcontext() if is_alone else neighbour:
            began = time.monotonic()
            done = machine.run("run", file, "--yes", "--quiet")
            took = time.monotonic() - began
        assert done.exit == 0, done.err
        return took, neighbour.asked


REST = "prompts:\n  hero: '{{product.name}} on a table'\nsizes: [896x1152]\nseeds: [1]\nconcurrency: 16\n"


@contextmanager
def _sandbox() -> Iterator[str]:
    command = [sys.executable, "-m", "campaign_runner", "sandbox", *SWITCHES]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield re.findall(r"http://[\d.]+:\d+", process.stdout.readline())[0]
        finally:
            process.terminate()


class Neighbour:
    """An outside client with credentials of its own, as long as the block lasts."""

    def __init__(self, origin: str) -> None:
        self.asked = 0
        self._origin = origin
        self._next = time.monotonic()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> Neighbour:
        self._next = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _go_on(self) -> None:
        form = {"grant_type": "client_credentials", "client_id": "other", "client_secret": "x", "scope": "firefly_api"}
        while not self._is_over.is_set():
            token = self._ask("/ims/token/v3", urllib.parse.urlencode(form).encode())
            who = {"Authorization": f"Bearer {token.get('access_token')}", "x-api-key": "other"}
            self._ask("/v3/custom-models", None, who)
            more = {"Content-Type": "application/json", "x-model-version": "image3"}
            body = json.dumps({"prompt": "somebody else's mug", "size": {"width": 896, "height": 1152}})
            status = self._ask("/v3/images/generate-async", body.encode(), who | more).get("statusUrl", self._origin)
            done: dict[str, Any] = {"status": "pending"}
            while done.get("status") in ("pending", "running") and not self._is_over.is_set():
                done = self._ask(status, None, who)
            for output in done.get("result", {}).get("outputs", ()):
                self._ask(output["image"]["url"])

    def _ask(self, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """One request when its time has come; what is no JSON object, or came too late, is empty."""
        self._next += EVERY
        if self._is_over.wait(max(0.0, self._next - time.monotonic())):
            return {}
        self.asked += 1
        url = url if url.startswith("http") else self._origin + url
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(url, body, headers or {}), timeout=30) as response:
            answer = response.read()
            return dict(json.loads(answer)) if response.headers.get_content_type() == "application/json" else {}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
