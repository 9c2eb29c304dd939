"""Makes `output.tar.xz`: the output folders that an earlier version wrote for the campaigns beside this file.

Run it with the Python of an environment that has that version (commit 1784aed):

    python tests/earlier/make.py

A sandbox of that version is the service. What is in the archive never changes again: it stands for the folders that
people have, with names in every kind of letters.
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


def main() -> None:
    with TemporaryDirectory() as folder:
        home = Path(folder)
        campaigns = home / "campaigns"
        campaigns.mkdir()
        for name in ("names", "ids", "open"):
            copy(HERE / f"{name}.yaml", campaigns)
        (campaigns / "pasted.yaml").write_text(PASTED, encoding="utf-8")
        (home / "faults.json").write_text(json.dumps(FAULTS))
        with _sandbox():
            for name in ("names", "ids", "pasted"):
                _run(home, name)
        with _sandbox("--faults", str(home / "faults.json")):
            _run(home, "open", "--concurrency", "1")
        with tarfile.open(HERE / "output.tar.xz", "w:xz") as packed:
            for name in ("campaigns", "output"):
                packed.add(home / name, name, filter=_anonymous)


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
    account = {"CUSTOM_MODELS_CLIENT_ID": "somebody", "CUSTOM_MODELS_CLIENT_SECRET": "canary-secret"}
    places = {"CAMPAIGN_RUNNER_FIREFLY_URL": ORIGIN, "CAMPAIGN_RUNNER_IMS_URL": ORIGIN}
    own = {"CAMPAIGN_RUNNER_STATE_DIR": str(home / "state"), "CAMPAIGN_RUNNER_PER_MINUTE": "600"}
    environment = os.environ | account | places | own
    subprocess.run([*PROGRAM, "run", f"campaigns/{name}.yaml", *more], cwd=home, env=environment, check=name != "open")


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Without whose files they were, and without what SQLite makes again."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return None if member.name.endswith(("-shm", "-wal", ".staging")) else member


if __name__ == "__main__":
    main()
