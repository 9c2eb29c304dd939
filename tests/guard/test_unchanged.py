"""A part of the program that a test left replaced is named, and the last test of its file fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CONFTEST = "from tests.guard.unchanged import *  # as plugin\n"
LEAVES = """
from campaign_runner.run import pace

def test_first():
    pace.SHORTEST = 9.0

def test_last():
    pass
"""
PUTS_BACK = """
from campaign_runner.run import pace

def test_alone(monkeypatch):
    monkeypatch.setattr(pace, "SHORTEST", 9.0)
"""


def test_a_file_of_tests_that_leaves_the_program_changed_is_told(tmp_path: Path) -> None:
    for name, words in (("conftest", CONFTEST), ("test_leaves", LEAVES), ("test_puts_back", PUTS_BACK)):
        (tmp_path / f"{name}.py").write_text(words, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    without = [part for name in ("randomly", "xdist", "schemathesis") for part in ("-p", f"no:{name}")]
    command = [sys.executable, "-m", "pytest", "-rA", "--color=no", *without, "test_leaves.py", "test_puts_back.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8")
    told = [line.split(" - ")[0] for line in done.stdout.splitlines() if line.startswith(("PASSED", "ERROR"))]
    assert sorted(told) == [
        "ERROR test_leaves.py::test_last",
        "PASSED test_leaves.py::test_first",
        "PASSED test_leaves.py::test_last",
        "PASSED test_puts_back.py::test_alone",
    ]
    assert "left changed: campaign_runner.run.pace.SHORTEST" in done.stdout
