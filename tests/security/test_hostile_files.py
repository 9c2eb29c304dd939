"""Files that never end, wherever a command may look: none waits for them, is filled by them, or leaves our folders."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from PIL import Image

from campaign_runner.cli import run_command
from tests.security.every_command import CAMPAIGN, TYPED
from tests.security.hostile_files import FILES

PATIENCE = 60.0
"""Seconds without a word, on a machine that is busy: a command takes a hundredth of them."""
MOST_MEGABYTES = 256
BUG = 1


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which `spring`, which has a reference image, was rehearsed."""
    home = tmp_path / "ran"
    home.mkdir()
    Image.new("RGB", (16, 16), "red").save(home / "look.jpg")
    (home / "spring.yaml").write_text(f"{CAMPAIGN}defaults: {{style_reference: look.jpg}}\n", encoding="utf-8")
    monkeypatch.setenv("CAMPAIGN_RUNNER_STATE_DIR", str(tmp_path / "state"))
    assert run_command(["run", "--sandbox", str(home / "spring.yaml"), "--quiet"]) == 0
    return home


def lines(process: subprocess.Popen[bytes], out: IO[bytes]) -> Iterator[Any]:
    """What a process says, line by line; it is killed once it is silent for too long."""
    about: Any = "its beginning"
    left = b""
    while True:
        ready, _, _ = select.select([out], [], [], PATIENCE)
        if not ready:
            process.kill()
            pytest.fail(f"it hangs at {about}")
        chunk = os.read(out.fileno(), 1 << 16)
        *whole, left = (left + chunk).split(b"\n")
        for line in whole:
            about = json.loads(line)
            yield about
        if not chunk:
            return


@pytest.mark.proof
def test_no_file_keeps_a_command_waiting_or_fills_its_memory(ran: Path, tmp_path: Path, record_property: Any) -> None:
    place, outside = tmp_path / "place", tmp_path / "outside"
    place.mkdir()
    outside.mkdir()
    (outside / "precious").write_text("untouched")
    before = {each: each.stat().st_mtime_ns for each in (outside, *outside.iterdir(), *sorted(ran.rglob("*")))}
    command = [sys.executable, "-m", "tests.security.hostile_files", str(ran), str(place)]
    done, wrong = 0, []
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        said = lines(process, process.stdout)
        for about in said:
            status, megabytes, told = next(said)
            done += 1
            if status == BUG or megabytes > MOST_MEGABYTES or "Traceback" in told:
                wrong.append((about, status, megabytes, told))
    assert process.returncode == 0 and not wrong, "\n".join(map(str, wrong[:20]))
    assert done >= len(TYPED) * 49 and FILES >= 200
    assert before == {each: each.stat().st_mtime_ns for each in before}, "something outside was touched"
    record_property("proved", f"hostile files: {FILES}, commands beside them: {done:,}, none waits")
