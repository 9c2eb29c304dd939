"""Files that have no end, in every place where a command may look: `python -m tests.security.hostile_files HOME`.

A process that types every command beside each of them. It says what it is about to do before it does it, so that who
watches it can name what hangs; and afterwards how that ended and how much memory the process has had at most.
"""

from __future__ import annotations

import faulthandler
import io
import json
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from campaign_runner.cli import run_command
from tests.security.every_command import TYPED, typed

SPRING = "output/spring.sandbox"
GATES = (
    *(f"{SPRING}/journal.sqlite{suffix}" for suffix in ("", "-wal", "-shm", "-journal")),
    *(f"{SPRING}/manifest.json", f"{SPRING}/.lock", "spring.yaml"),
)
"""What keeps a command from looking any further, each alone."""
BESIDE = (
    *(f"{SPRING}/{name}" for name in ("deliver.json", "review.html", "contact-sheet.jpg", "contact-sheet-2.jpg")),
    *(f"{SPRING}/decisions/me.jsonl", f"{SPRING}/.staging/manifest.draft", f"{SPRING}/images/candle/IMAGE"),
    *(f"{SPRING}/review/THUMBNAIL", f"{SPRING}/images/unexpected/a.jpg", f"{SPRING}/removed/b.jpg"),
    *("look.jpg", "first.yaml", "campaign.schema.json", "state/traces", "state/campaigns.sqlite"),
    *("output/.buying", "output/stray", "products.xlsx"),
)
"""What does not, all at once."""
NEIGHBOURS = (
    *(f"journal.sqlite{suffix}" for suffix in ("", "-wal", "-shm", "-journal")),
    *("manifest.json", ".lock", "deliver.json", "decisions/me.jsonl", "images/candle/IMAGE", "images"),
)
"""In the folder of another campaign, each in one of its own."""


def noise(at: Path) -> None:
    at.write_bytes(random.Random(at.name).randbytes(1 << 16))


def terabyte(at: Path) -> None:
    at.touch()
    os.truncate(at, 1 << 40)


KINDS: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "device": lambda at: at.symlink_to("/dev/zero"),
    "terabyte": terabyte,
    "folder": lambda at: at.mkdir(),
    "loop": lambda at: at.symlink_to(at.name),
    "noise": noise,
}
FILES = len(KINDS) * (len(GATES) + len(BESIDE) + len(NEIGHBOURS))


def put(home: Path, place: str, kind: str) -> None:
    """Put a hostile file in a place; IMAGE and THUMBNAIL are one that is there."""
    path = home / place
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name in ("IMAGE", "THUMBNAIL"):
        path = min(path.parent.glob("*.jpg"), default=path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    KINDS[kind](path)


def scenes(ran: Path, place: Path) -> Iterator[tuple[str, Path]]:
    """Folders to type in, each with what is hostile in it; each is gone when the next one is made."""
    for kind in KINDS:
        for gate in GATES:
            yield f"{kind} as {gate}", _scene(ran, place, [gate], kind)
        yield f"{kind} as anything beside", _scene(ran, place, BESIDE, kind)
    home = _scene(ran, place, [], "")
    for number, (kind, name) in enumerate((kind, name) for kind in KINDS for name in NEIGHBOURS):
        folder = shutil.copytree(ran / SPRING, home / "output" / f"n{number}.sandbox")
        put(folder, name, kind)
    yield "neighbours of all kinds", home


def _scene(ran: Path, place: Path, names: Sequence[str], kind: str) -> Path:
    shutil.rmtree(place / "home", ignore_errors=True)
    home = shutil.copytree(ran, place / "home")
    for name in names:
        put(home, name, kind)
    return home


def tell(what: Sequence[object]) -> None:
    """One line for who watches."""
    os.write(1, json.dumps(what).encode() + b"\n")


def _most_megabytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")  # getrusage would tell the most of our parent, too
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


def type_all(ran: Path, place: Path) -> None:
    """Type every command in every scene, and say so."""
    for scene, home in scenes(ran, place):
        os.chdir(home)
        os.environ["CAMPAIGN_RUNNER_STATE_DIR"] = str(home / "state")
        for name, arguments in typed(home):
            tell([scene, name])
            faulthandler.dump_traceback_later(50)
            said = io.StringIO()
            with redirect_stdout(said), redirect_stderr(said):
                status = run_command(arguments)
            faulthandler.cancel_dump_traceback_later()
            tell([status, _most_megabytes(), said.getvalue()[-2000:]])


if __name__ == "__main__":
    assert TYPED
    type_all(Path(sys.argv[1]), Path(sys.argv[2]))
