"""Small inputs that want to grow: each is refused or read in two seconds and a bounded memory.

Run as a program it bounds its own address space first, so that what grows dies: `python -m tests.fuzz.bombs`.
"""

from __future__ import annotations

import gc
import json
import resource
import struct
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import click
from PIL import Image

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.ids import id_flaw
from campaign_runner.campaign_file.schema.templates import parse
from campaign_runner.errors import CampaignError
from campaign_runner.firefly.protocol.hosts import may_fetch_image, may_receive_token
from campaign_runner.firefly.protocol.untrusted import read_retry_after, sanitize
from campaign_runner.firefly.protocol.wire import Response
from campaign_runner.pictures.inspection import examine
from campaign_runner.plan.selection import read_only
from tests.fuzz.answers_fuzz import NOW, READERS
from tests.fuzz.campaigns_fuzz import LINES
from tests.fuzz.fuzzing import at_most
from tests.fuzz.pictures_fuzz import drawn, png

T = TypeVar("T")
MOST_GROWTH = 320 << 20
"""Of address space: a picture of the most pixels allowed, decoded, and what came of it."""
MEGABYTE = 1 << 20
ALIASES = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
CAMPAIGNS: Mapping[str, str] = {
    "aliases that double": "a0: &a0 [x]\n" + ALIASES,
    "merge keys": "a0: &a0 {x: y}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)),
    "depth": "[" * 500_000,
    "braces in braces": "{a: " * 200_000,
    "a million values": "a: [" + "1," * 500_000 + "]",
    "one scalar": f"campaign: {'x' * (MEGABYTE - 100)}",
    "a megabyte of prompt": LINES.replace("oak", "oak " * 200_000),
    "braces in a prompt": LINES.replace("oak", "{" * 900_000),
    "a number of a megabyte": LINES.replace("1..4", "9" * 900_000),
    "two thousand million seeds": LINES.replace("1..4", "0..2147483647"),
    "words that multiply": "vars: {"
    + ", ".join(f'v{n}: "{{v{n + 1}}}{{v{n + 1}}}"' for n in range(60))
    + ", v60: x}\n",
    "more than a megabyte": "#" * (64 * MEGABYTE),
}
BODIES: Mapping[str, bytes] = {
    "depth": b"[" * MEGABYTE,
    "objects in objects": b'{"a":' * 200_000,
    "empty lists": b'{"jobId": [' + b"[]," * 300_000 + b"[]]}",
    "a number": b'{"jobId": ' + b"9" * 1_000_000 + b"}",
    "keys": b"{" + b",".join(b'"%d":0' % n for n in range(90_000)) + b"}",
    "a string": json.dumps({"message": "x" * 1_000_000, "jobId": "y" * 1000}).encode(),
    "escapes": b'{"message": "' + b"\\u0041" * 170_000 + b'"}',
    "validation errors": json.dumps({"validation_errors": [{"loc": ["a"] * 9, "msg": "x"}] * 9000}).encode(),
    "outputs": json.dumps({"status": "succeeded", "result": {"outputs": [{"seed": 1}] * 90_000}}).encode(),
    "sixty-four megabytes": b" " * (64 * MEGABYTE),
}
TEXTS: Mapping[str, str] = {
    "spaces": " " * 100_000,
    "letters": "a" * 100_000,
    "braces": "{" * 50_000 + "}" * 50_000,
    "addresses": "http://" * 15_000,
    "dots": "https://" + "a." * 50_000,
    "dashes": "-" * 100_000,
    "bearers": "bearer " * 15_000,
    "digits": "9" * 100_000,
    "queries": "//a?" * 25_000,
}
TAKING_TEXT: Mapping[str, Callable[[str], object]] = {
    "a sentence": sanitize,
    "a wait": lambda text: read_retry_after(text, NOW),
    "an address of an image": lambda text: may_fetch_image(text, "https://firefly-api.adobe.io"),
    "an address": lambda text: may_receive_token(text, ["https://firefly-api.adobe.io"]),
    "an id": id_flaw,
    "a template": parse,
    "a selection": lambda text: read_only([f"product={text}", f"seed={text}"], {"product": ["candle"]}),
}


def pictures() -> Mapping[str, bytes]:
    """Pictures that claim, or hide, more than they are."""
    rows = zlib.compress(b"\0" * (100 * MEGABYTE))
    largest = BytesIO()
    Image.new("RGB", (8000, 8000)).save(largest, "PNG", compress_level=1)
    progressive = drawn("JPEG", "RGB", progressive=True)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    webp = drawn("WEBP", "RGB", lossless=True)
    return {
        "rows of 100 MiB for one pixel": png(1, 1, (b"IDAT", rows)),
        "the most pixels a number holds": png(2**31 - 1, 2**31 - 1, (b"IDAT", rows)),
        "one row of two thousand million": png(2**31 - 1, 1, (b"IDAT", rows)),
        "a text of 100 MiB": png(1, 1, (b"zTXt", b"a\0\0" + rows), (b"IDAT", zlib.compress(b"\0" * 4))),
        "a profile of 100 MiB": png(1, 1, (b"iCCP", b"a\0\0" + rows), (b"IDAT", zlib.compress(b"\0" * 4))),
        "a million frames": png(1, 1, (b"acTL", struct.pack(">II", 2**20, 0)), (b"IDAT", zlib.compress(b"\0" * 4))),
        "the most pixels allowed": largest.getvalue(),
        "scans without end": progressive[:-2] + scan * 10_000 + b"\xff\xd9",
        "segments without end": b"\xff\xd8" + b"\xff\xfe\x00\x02" * (8 * MEGABYTE) + progressive[2:],
        "filling without end": b"\xff\xd8" + b"\xff" * (16 * MEGABYTE),
        "a WebP of the largest sides": webp[:21] + b"\xff\xff\xff\xff" + webp[25:],
        "sixty-four megabytes of nothing": bytes(64 * MEGABYTE),
    }


def bombs() -> Mapping[str, Callable[[Path], object]]:
    """Every bomb with its name; what it does takes a folder."""
    made: dict[str, Callable[[Path], object]] = {}
    for name, text in CAMPAIGNS.items():
        made[f"campaign: {name}"] = partial(_load, text)
    for name, body in BODIES.items():
        for kind, read in READERS.items():
            for status in (200, 400):
                response = Response(status, {}, body, "application/json")
                made[f"{kind} {status}: {name}"] = _whatever_the_folder(read, response)
    for name, text in TEXTS.items():
        for what, take in TAKING_TEXT.items():
            made[f"{what}: {name}"] = _whatever_the_folder(take, text)
    for name, content in pictures().items():
        made[f"picture: {name}"] = _whatever_the_folder(examine, content)
    return made


def _whatever_the_folder(work: Callable[[T], object], what: T) -> Callable[[Path], object]:
    return lambda _: work(what)


def _load(text: str, folder: Path) -> None:
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    load(folder / "a.yaml")


def main() -> None:
    """Set off every bomb; print the slowest."""
    every = bombs()
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MOST_GROWTH
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    slowest: list[tuple[float, str]] = []
    with TemporaryDirectory() as folder:
        for name, set_off in every.items():
            began = time.process_time()
            try:
                with at_most(2), suppress(CampaignError):
                    set_off(Path(folder))
            except BaseException as error:
                error.add_note(name)
                raise
            slowest.append((time.process_time() - began, name))
    for seconds, name in sorted(slowest, reverse=True)[:5]:
        click.echo(f"{seconds:.2f} s  {name}")
    click.echo(f"{len(every)} bombs, none went off")


if __name__ == "__main__":
    main()
