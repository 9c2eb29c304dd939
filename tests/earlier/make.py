"""Makes the archives beside this file: the output folders that earlier versions wrote for the campaigns here.

    python tests/earlier/make.py letters    with the Python of an environment that has commit 1784aed
    python tests/earlier/make.py whole      … that has commit 451a1a1

A sandbox of that version is the service. What is in an archive never changes again: it stands for the folders that
people have. `letters` has names in every kind of letters; `whole` has everything a record can hold: a custom model,
markets, a reference image, images that were kept for other words, moved aside, left in doubt, failed, and made again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
PROGRAM = (sys.executable, "-m", "campaign_runner")
ORIGIN = "http://127.0.0.1:8377"
FAULTS = [{"kind": "reset_after", "nth": 1}, {"kind": "failed", "nth": 2}]
PASTED = """\
campaign: pasted
model: image3
products: {candle: almond\u200b candle}
prompts: {hero: "{product.name} on a table"}
sizes: [896x1152]
seeds: [1]
"""
"""With a zero width space, as it comes along when text is copied from a web page."""

SKETCH = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c636800000082008177cd72b6"
    "0000000049454e44ae426082"
)
"""A picture of one pixel."""


def main() -> None:
    kind = sys.argv[1]
    with TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "campaigns").mkdir()
        (home / "faults.json").write_text(json.dumps(FAULTS))
        {"letters": _letters, "whole": _whole}[kind](home)
        with tarfile.open(HERE / f"{kind}.tar.xz", "w:xz") as packed:
            for name in ("campaigns", "output"):
                packed.add(home / name, name, filter=_anonymous)


def _letters(home: Path) -> None:
    campaigns = home / "campaigns"
    for name in ("names", "ids", "open"):
        copy(HERE / f"{name}.yaml", campaigns)
    (campaigns / "pasted.yaml").write_text(PASTED, encoding="utf-8")
    with _sandbox():
        for name in ("names", "ids", "pasted"):
            _run(home, name)
    with _sandbox("--faults", str(home / "faults.json")):
        _run(home, "open", "--concurrency", "1")


def _whole(home: Path) -> None:
    for name in ("whole", "open"):
        copy(HERE / f"{name}.yaml", home / "campaigns")
    (home / "campaigns" / "sketch.png").write_bytes(SKETCH)
    file = home / "campaigns" / "whole.yaml"
    with _sandbox():
        _run(home, "whole")
        _do(home, "rerun", "output/whole/manifest.json", "--yes", "--only", "seed=1", "--only", "preset=painted")
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("on a table", "on an oak table"), encoding="utf-8")
        _do(home, "keep", "whole", "--yes", "--only", "seed=1")
        _do(home, "prune", "whole", "--yes")
    with _sandbox("--faults", str(home / "faults.json")):
        _run(home, "open", "--concurrency", "1")


@contextmanager
def _sandbox(*more: str) -> Iterator[None]:
    command = [*PROGRAM, "sandbox", "--port", ORIGIN.rpartition(":")[2], "--plain-pictures", "--per-minute", "600"]
    with subprocess.Popen([*command, *more], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)


def _run(home: Path, name: str, *more: str) -> None:
    _do(home, "run", f"campaigns/{name}.yaml", *more, check=name != "open")


def _do(home: Path, *words: str, check: bool = True) -> None:
    account = {"CUSTOM_MODELS_CLIENT_ID": "somebody", "CUSTOM_MODELS_CLIENT_SECRET": "canary-secret"}
    places = {"CAMPAIGN_RUNNER_FIREFLY_URL": ORIGIN, "CAMPAIGN_RUNNER_IMS_URL": ORIGIN}
    own = {"CAMPAIGN_RUNNER_STATE_DIR": str(home / "state"), "CAMPAIGN_RUNNER_PER_MINUTE": "600"}
    subprocess.run([*PROGRAM, *words], cwd=home, env=os.environ | account | places | own, check=check)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Without whose files they were, and without what SQLite makes again."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return None if member.name.endswith(("-shm", "-wal", ".staging")) else member


if __name__ == "__main__":
    main()
